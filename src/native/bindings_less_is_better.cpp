// Bindings of the Less-is-Better learner and of the encoder for its vocabularies.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "binding_tools.hpp"
#include "lib_learner.hpp"
#include "path_encoder.hpp"

namespace tokencraft {
namespace {

using namespace nb::literals;

using PythonContext = std::optional<std::pair<std::string, std::string>>;
using PythonEntry = std::tuple<std::string, std::int64_t, PythonContext>;

// Valid UTF-8, which Python hands over, as code points, and back.
std::u32string decoded(std::string_view text) {
    std::u32string characters;
    characters.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (at + length > text.size()) throw nb::value_error("the text ends inside a character");
        char32_t code = length == 1 ? lead : lead & (0xFFu >> (length + 1));
        for (std::size_t i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
        characters.push_back(code);
        at += length;
    }
    return characters;
}

std::string encoded(Characters characters) {
    std::string text;
    for (const char32_t code : characters) {
        if (code < 0x80) {
            text += static_cast<char>(code);
            continue;
        }
        const int tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
        text += static_cast<char>((0xF00u >> (tails + 1)) | (code >> (6 * tails)));
        for (int i = tails - 1; i >= 0; --i) text += static_cast<char>(0x80u | ((code >> (6 * i)) & 0x3Fu));
    }
    return text;
}

std::string_view valid_text(nb::handle object) {
    if (!PyUnicode_Check(object.ptr())) throw nb::type_error("expected str");
    return text_view(object);
}

LibLearner* new_learner(std::uint64_t seed, double in_rate, double out_rate, double update_rate, std::int64_t life,
                        bool second_sighting, std::size_t max_length, std::size_t max_long_chunks, bool inspect_context,
                        bool keep_characters, bool no_space_at_end) {
    if (!(in_rate >= 0 && in_rate <= 1 && out_rate >= 0 && out_rate <= 1)) throw nb::value_error("rates are 0 to 1");
    if (!(update_rate >= 0 && update_rate <= 1)) throw nb::value_error("rates are 0 to 1");
    if (life < 1) throw nb::value_error("life is at least 1");
    const LibRules rules{second_sighting, in_rate,         out_rate,        update_rate,     life,
                         max_length,      max_long_chunks, inspect_context, keep_characters, no_space_at_end};
    return new LibLearner(rules, MersenneTwister(seed));
}

nb::tuple learn_article(LibLearner& self, const nb::list& sentences) {
    std::vector<std::u32string> article;
    article.reserve(sentences.size());
    for (const nb::handle sentence : sentences) article.push_back(decoded(valid_text(sentence)));
    const LibArticle read = run_controlled(nb::none(), [&](Control& control) {
        LibArticle result;
        run_workers(1, control, [&](unsigned) { result = self.learn(article, control); });
        return result;
    });
    return nb::make_tuple(read.chunks, read.characters);
}

std::vector<PythonEntry> entries_of(const LibLearner& self) {
    std::vector<PythonEntry> found;
    for (const LibEntry& entry : self.entries()) {
        PythonContext context;
        if (entry.context) context.emplace(encoded(entry.context->before), encoded(entry.context->after));
        found.emplace_back(encoded(entry.text), entry.life, std::move(context));
    }
    return found;
}

std::vector<std::uint32_t> random_state(const LibLearner& self) {
    const MersenneTwister::State& state = self.random().state();
    return {state.begin(), state.end()};
}

void restore(LibLearner& self, const std::vector<PythonEntry>& entries,
             const std::vector<std::uint32_t>& random_state) {
    std::vector<LibEntry> given;
    std::unordered_set<std::u32string> seen;
    for (const auto& [text, life, context] : entries) {
        LibEntry entry{decoded(text), life, std::nullopt};
        if (entry.text.empty() || life < 0) throw nb::value_error("an entry has text, and a life of 0 or more");
        if (!seen.insert(entry.text).second) throw nb::value_error("an entry comes twice");
        if (context) entry.context = {decoded(context->first), decoded(context->second)};
        given.push_back(std::move(entry));
    }
    if (self.size() > 0) throw nb::value_error("only a learner without entries takes those of another");
    MersenneTwister::State state;
    if (random_state.size() != state.size()) throw nb::value_error("the random state has 625 words");
    std::copy(random_state.begin(), random_state.end(), state.begin());
    self.restore(std::move(given), MersenneTwister(state));
}

PathEncoder* new_path_encoder(const std::vector<nb::bytes>& tokens, const ArrayIn<std::int64_t>& ranks, bool two_paths,
                              bool official, bool deeper) {
    return new PathEncoder(to_strings(tokens), {ranks.data(), ranks.data() + ranks.size()},
                           {two_paths, official, deeper});
}

nb::tuple encode_paths(const PathEncoder& self, const nb::list& documents, unsigned threads) {
    std::vector<std::string_view> texts;
    texts.reserve(documents.size());
    for (const nb::handle document : documents) {
        texts.push_back(text_view(document));
        check_size(texts.back());
    }
    PathEncoder::Encoded encoded = run_controlled(
        nb::none(), [&](Control& control) { return self.encode(texts, resolve_threads(threads), control); });
    return nb::make_tuple(to_numpy(std::move(encoded.ids)), to_numpy(std::move(encoded.offsets)));
}

}  // namespace

void bind_less_is_better(nb::module_& m) {
    nb::class_<LibLearner>(m, "LibLearner", "Learns a ranked lexicon by simulated reading (Less-is-Better).")
        .def(nb::new_(&new_learner), "seed"_a, nb::kw_only(), "in_rate"_a, "out_rate"_a, "update_rate"_a, "life"_a,
             "second_sighting"_a = false, "max_length"_a = 0, "max_long_chunks"_a = 0, "inspect_context"_a = true,
             "keep_characters"_a = false, "no_space_at_end"_a = false)
        .def("admit", [](LibLearner& self, nb::handle text) { self.admit(decoded(valid_text(text))); }, "text"_a,
             "Puts every character of a text that is no entry at the end of the lexicon, on probation.")
        .def("learn", &learn_article, "sentences"_a, "(chunks, characters) that were read, after reading an article.")
        .def("clean", &LibLearner::clean, "Deletes every entry that is on probation.")
        .def("entries", &entries_of, "[(text, articles of probation left, (chunk before, after) or None)] by rank.")
        .def_prop_ro("random_state", &random_state, "As the second item of Python's `random.getstate()`.")
        .def("restore", &restore, "entries"_a, "random_state"_a,
             "Takes the entries and the random state of another learner.")
        .def("__len__", &LibLearner::size);
    nb::class_<PathEncoder>(m, "PathEncoder", "Encodes with a ranked lexicon, by one path or two.")
        .def(nb::new_(&new_path_encoder), "tokens"_a, "ranks"_a, nb::kw_only(), "two_paths"_a = false,
             "official"_a = false, "deeper"_a = false,
             "Ranks are int64 by id; a token with -1 is not looked for in text. All 256 bytes are tokens.")
        .def("encode_batch", &encode_paths, "documents"_a, "threads"_a = 0,
             "(ids uint32, offsets int64) of str or bytes objects.");
}

}  // namespace tokencraft
