// The files of bindings alone know Python (what they share: binding_tools.hpp); the kernels lie beside them.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "binding_tools.hpp"
#include "bpe_encoder.hpp"
#include "merge_learner.hpp"
#include "merge_replay.hpp"
#include "piece_counter.hpp"
#include "rank_recovery.hpp"
#include "split.hpp"
#include "token_bytes.hpp"
#include "unassigned.hpp"
#include "unicode_tables.hpp"
#include "zeroed.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace tokencraft {
void bind_characters(nb::module_& m);
void bind_concepts(nb::module_& m);
void bind_less_is_better(nb::module_& m);
void bind_mixture(nb::module_& m);
void bind_training(nb::module_& m);
void bind_pretoken_runs(nb::module_& m);
void bind_random_split(nb::module_& m);
void bind_whole_tokens(nb::module_& m);
}  // namespace tokencraft

namespace {

using namespace tokencraft;

Array1<std::uint32_t> split_text(int pattern, nb::handle data) {
    const Pattern checked = checked_pattern(pattern);
    const std::string_view text = text_view(data);
    check_size(text);
    std::vector<std::uint32_t> ends;
    {
        nb::gil_scoped_release released;
        split(checked, text, ends);
    }
    return to_numpy(std::move(ends));
}

// ---- encoding -------------------------------------------------------------------------------------------------------

BpeEncoder* new_encoder(const std::vector<nb::bytes>& tokens, const std::optional<MergesIn>& table, int pattern,
                        bool whole_pieces) {
    const Pattern checked = checked_pattern(pattern);
    std::vector<std::string> strings = to_strings(tokens);
    std::vector<RankedMerge> merges;
    if (!table) merges = BpeRules::merges_of_ranks(strings);
    for (std::uint32_t i = 0; table && i < table->shape(0); ++i) {  // a negative id becomes too large a one
        const auto id = [&](std::size_t column) { return static_cast<Symbol>((*table)(i, column)); };
        merges.push_back({id(0), id(1), id(2), i});
    }
    return new BpeEncoder(BpeRules(std::move(strings), std::move(merges)), checked, whole_pieces);
}

nb::tuple encode_documents(BpeEncoder& self, const nb::list& documents, unsigned threads, const nb::object& ends,
                           double dropout, double superword_dropout, std::uint64_t seed, std::uint64_t first_document,
                           const nb::object& progress) {
    std::vector<EncodeInput> inputs(documents.size());
    std::vector<ArrayIn<std::uint32_t>> all_ends;
    if (!ends.is_none()) {
        all_ends = nb::cast<std::vector<ArrayIn<std::uint32_t>>>(ends);
        if (all_ends.size() != inputs.size()) throw nb::value_error("one array of ends per document");
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        inputs[i].text = text_view(documents[i]);
        check_size(inputs[i].text);
        if (ends.is_none()) continue;
        inputs[i].has_ends = true;
        inputs[i].ends = {all_ends[i].data(), all_ends[i].size()};
        check_ends(inputs[i].ends, inputs[i].text.size());
    }
    EncodeOptions options;
    options.threads = resolve_threads(threads);
    options.dropout = {dropout, superword_dropout};
    options.seed = seed;
    options.first_document = first_document;
    std::unique_ptr<Zeroed<Symbol>> ids;
    std::size_t total = 0;
    std::vector<std::int64_t> offsets = run_controlled(progress, [&](Control& control) {
        return self.encode(inputs, options, control, [&](std::size_t count) {
            ids = std::make_unique<Zeroed<Symbol>>(std::max<std::size_t>(count, 1));
            total = count;
            return ids->get();
        });
    });
    Symbol* const data = ids->get();
    nb::capsule owner(ids.release(), [](void* p) noexcept { delete static_cast<Zeroed<Symbol>*>(p); });
    return nb::make_tuple(Array1<std::uint32_t>(data, {total}, owner), to_numpy(std::move(offsets)));
}

Array1<std::uint8_t> find_unassigned(const nb::list& documents, unsigned threads) {
    std::vector<std::string_view> texts;
    for (const nb::handle document : documents) texts.push_back(text_view(document));
    std::vector<std::uint8_t> found(texts.size());
    run_controlled(nb::none(), [&](Control& control) {
        run_items(resolve_threads(threads), control, texts.size(),
                  [&](unsigned, std::size_t i) { found[i] = has_unassigned(texts[i]); });
    });
    return to_numpy(std::move(found));
}

nb::bytes decode_ids(const TokenBytes& self, const ArrayIn<std::uint32_t>& ids) {
    const std::span<const std::uint32_t> all(ids.data(), ids.size());
    return new_bytes(self.size_of(all), [&](char* out) { self.write(all, out); });
}

nb::list decode_documents(const TokenBytes& self, const ArrayIn<std::uint32_t>& ids,
                          const ArrayIn<std::int64_t>& offsets) {
    nb::list texts;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
        const std::int64_t from = offsets(i);
        const std::int64_t to = offsets(i + 1);
        if (from < 0 || to < from || to > static_cast<std::int64_t>(ids.size()))
            throw nb::value_error("offsets do not fit the ids");
        const std::span<const std::uint32_t> part(ids.data() + from, static_cast<std::size_t>(to - from));
        texts.append(new_bytes(self.size_of(part), [&](char* out) { self.write(part, out); }));
    }
    return texts;
}

void bind_encoding(nb::module_& m) {
    nb::class_<BpeEncoder>(m, "BPEEncoder", "Encodes with a BPE vocabulary.")
        .def(nb::new_(&new_encoder), "tokens"_a, "merges"_a.none(), "pattern"_a, "whole_pieces"_a = false,
             "Merges are int32 [m, 3] (left, right, result) in rank order; None: the ids are the ranks (tiktoken).")
        .def("encode_batch", &encode_documents, "documents"_a, "threads"_a = 0, "ends"_a = nb::none(),
             "dropout"_a = 0.0, "superword_dropout"_a = 0.0, "seed"_a = 0, "first_document"_a = 0,
             "progress"_a = nb::none(),
             "(ids uint32, offsets int64) of str or bytes objects; `ends` (uint32 each) overrides the pattern.")
        .def_prop_ro("threshold", [](const BpeEncoder& self) -> std::optional<std::uint32_t> {
            const std::uint32_t threshold = self.threshold();
            return threshold == no_rank ? std::nullopt : std::optional(threshold);
        });
    m.def("unassigned", &find_unassigned, "documents"_a, "threads"_a = 0,
          "1 (uint8) for every document with a code point that this Unicode version does not know.");
    nb::class_<TokenBytes>(m, "TokenBytes", "The bytes of tokens by id, for decoding.")
        .def(
            "__init__",
            [](TokenBytes* self, const std::vector<nb::bytes>& tokens) { new (self) TokenBytes(to_strings(tokens)); },
            "tokens"_a)
        .def("decode", &decode_ids, "ids"_a, "The bytes of all tokens; IndexError for an id outside the vocabulary.")
        .def("decode_batch", &decode_documents, "ids"_a, "offsets"_a, "The bytes of every document.");
}

}  // namespace

NB_MODULE(_native, m) {
    m.doc() = "C++ kernels of tokencraft";

    m.attr("UNICODE_VERSION") = unicode_version;
    m.def("split", &split_text, "pattern"_a, "data"_a,
          "End offsets (uint32, bytes) of the pieces of a str or bytes by the pattern with this number.");
    bind_training(m);
    bind_encoding(m);
    bind_characters(m);
    bind_concepts(m);
    bind_less_is_better(m);
    bind_mixture(m);
    bind_pretoken_runs(m);
    bind_random_split(m);
    bind_whole_tokens(m);
}
