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

// Training.

void count_documents(PieceCounter& counter, const nb::list& texts, const nb::object& ends, const nb::object& weights,
                     const nb::object& progress) {
    std::vector<Document> documents(texts.size());
    std::vector<ArrayIn<std::uint32_t>> all_ends;
    if (!ends.is_none()) all_ends = nb::cast<std::vector<ArrayIn<std::uint32_t>>>(ends);
    std::vector<std::int64_t> all_weights;
    if (!weights.is_none()) all_weights = nb::cast<std::vector<std::int64_t>>(weights);
    if (!ends.is_none() && all_ends.size() != documents.size()) throw nb::value_error("one array of ends per text");
    if (!weights.is_none() && all_weights.size() != documents.size()) throw nb::value_error("one weight per text");
    for (std::size_t i = 0; i < documents.size(); ++i) {
        Document& document = documents[i];
        document.text = text_view(texts[i]);
        check_size(document.text);
        if (!all_weights.empty()) document.weight = all_weights[i];
        if (document.weight <= 0) throw nb::value_error("weights must be positive");
        if (ends.is_none()) continue;
        document.has_ends = true;
        document.ends = {all_ends[i].data(), all_ends[i].size()};
        check_ends(document.ends, document.text.size());
    }
    run_controlled(progress, [&](Control& control) { counter.add(documents, control); });
}

nb::list counted_pieces(PieceCounter& counter) {
    run_controlled(nb::none(), [&](Control& control) { counter.finish(control); });
    nb::list pieces;
    for (std::size_t shard = 0; shard < PieceTable::shard_count; ++shard) {
        for (const PieceTable::Entry& entry : counter.table().entries(shard)) {
            if (entry.count == 0) continue;
            const std::string_view text = entry.text();
            pieces.append(nb::make_tuple(nb::bytes(text.data(), text.size()), entry.count));
        }
    }
    return pieces;
}

std::vector<Merge> checked_merges(const MergesIn& table, std::span<const std::string> bytes_of) {
    std::vector<Merge> merges(table.shape(0));
    for (std::size_t i = 0; i < merges.size(); ++i) {
        merges[i] = {table(i, 0), table(i, 1), table(i, 2)};
        for (const TokenId id : {merges[i].left, merges[i].right, merges[i].result}) {
            if (id < 0 || static_cast<std::size_t>(id) >= bytes_of.size() || bytes_of[id].empty()) {
                throw nb::value_error("a merge names a token that has no bytes");
            }
        }
        if (bytes_of[merges[i].left] + bytes_of[merges[i].right] != bytes_of[merges[i].result]) {
            throw nb::value_error("a merge does not give the bytes of its token");
        }
    }
    return merges;
}

// A learner and what the replay of the merges it began with has told.
struct Learner {
    MergeLearner learner;
    std::vector<std::uint8_t> fired;
};

Learner* new_learner(PieceCounter& counter, const std::vector<nb::bytes>& tokens, const MergesIn& table,
                     const nb::object& progress) {
    std::vector<std::string> bytes_of = to_strings(tokens);
    std::array<TokenId, 256> byte_ids;
    byte_ids.fill(-1);
    for (std::size_t id = 0; id < bytes_of.size(); ++id) {
        if (bytes_of[id].size() == 1) byte_ids[static_cast<unsigned char>(bytes_of[id][0])] = static_cast<TokenId>(id);
    }
    if (std::find(byte_ids.begin(), byte_ids.end(), -1) != byte_ids.end()) {
        throw nb::value_error("every one of the 256 bytes needs a token");
    }
    const std::vector<Merge> merges = checked_merges(table, bytes_of);
    return run_controlled(progress, [&](Control& control) {
        counter.finish(control);
        const std::vector<std::string_view> views(bytes_of.begin(), bytes_of.end());
        const MergeReplay replay(merges, views, byte_ids);
        std::vector<std::uint8_t> fired;
        Sequences sequences = replay_pieces(counter, replay, counter.threads(), control, &fired);
        return new Learner{{std::move(sequences), std::move(bytes_of), merges, counter.threads()}, std::move(fired)};
    });
}

nb::tuple learn_merges(Learner& self, std::int64_t new_tokens, std::int64_t min_count, std::int64_t max_token_bytes,
                       const std::vector<nb::bytes>& forbid, int max_words, const std::vector<nb::bytes>& reserved,
                       const nb::object& veto, const nb::object& progress) {
    LearnRules rules;
    rules.new_tokens = new_tokens;
    rules.min_count = min_count;
    if (max_token_bytes > 0) rules.max_token_bytes = static_cast<std::size_t>(max_token_bytes);
    rules.max_words = max_words;
    for (const nb::bytes& bytes : forbid) rules.forbid.emplace_back(bytes.c_str(), bytes.size());
    for (const nb::bytes& bytes : reserved) rules.reserved.emplace_back(bytes.c_str(), bytes.size());
    if (!veto.is_none()) {
        rules.veto = [&](std::string_view left, std::string_view right) {
            nb::gil_scoped_acquire acquired;
            return nb::cast<bool>(veto(nb::bytes(left.data(), left.size()), nb::bytes(right.data(), right.size())));
        };
    }
    const auto learned = run_controlled(progress, [&](Control& control) { return self.learner.learn(rules, control); });
    std::vector<TokenId> merges;
    std::vector<std::int64_t> counts;
    for (const auto& [merge, count] : learned) {
        merges.insert(merges.end(), {merge.left, merge.right, merge.result});
        counts.push_back(count);
    }
    return nb::make_tuple(to_table(std::move(merges), 3), to_numpy(std::move(counts)));
}

Array2<TokenId> recover_parents(const std::vector<nb::bytes>& tokens, unsigned threads) {
    std::vector<std::string_view> views;
    for (const nb::bytes& token : tokens) views.emplace_back(token.c_str(), token.size());
    const auto parents = run_controlled(
        nb::none(), [&](Control& control) { return recover_merges(views, resolve_threads(threads), control); });
    std::vector<TokenId> table;
    for (const auto& [left, right] : parents) table.insert(table.end(), {left, right});
    return to_table(std::move(table), 2);
}

void bind_training(nb::module_& m) {
    nb::class_<PieceCounter>(m, "PieceCounter", "Counts the distinct pieces of a stream of documents.")
        .def("__init__",
             [](PieceCounter* self, int pattern, bool lines, unsigned threads) {
                 new (self) PieceCounter(checked_pattern(pattern), lines ? Unit::line : Unit::document, threads);
             },
             "pattern"_a, "lines"_a, "threads"_a)
        .def("add", &count_documents, "texts"_a, "ends"_a = nb::none(), "weights"_a = nb::none(),
             "progress"_a = nb::none(),
             "Counts the pieces of str or bytes objects; `ends` (uint32 per text) overrides the pattern.")
        .def("add_pieces_of",
             [](PieceCounter& self, PieceCounter& units, const nb::object& progress) {
                 run_controlled(progress, [&](Control& control) { self.add_pieces_of(units, control); });
             },
             "units"_a, "progress"_a = nb::none(), "Counts the pieces of another counter's pieces.")
        .def("items", &counted_pieces, "[(piece, count)] in no particular order.")
        .def_prop_ro("total_bytes", &PieceCounter::total_bytes);
    nb::class_<Learner>(m, "MergeLearner", "Learns merges on counted pieces, after replaying those given.")
        .def(nb::new_(&new_learner), "pieces"_a, "tokens"_a, "merges"_a, "progress"_a = nb::none())
        .def("learn", &learn_merges, "new_tokens"_a, "min_count"_a = 1, "max_token_bytes"_a = 0,
             "forbid"_a = std::vector<nb::bytes>(), "max_words"_a = 0, "reserved"_a = std::vector<nb::bytes>(),
             "veto"_a = nb::none(), "progress"_a = nb::none(),
             "(merges int32 [n, 3], counts int64 [n]) of up to `new_tokens` further tokens.")
        .def_prop_ro("fired", [](const Learner& self) { return to_numpy(std::vector<std::uint8_t>(self.fired)); },
                     nb::rv_policy::move);
    m.def("recover_merges", &recover_parents, "tokens"_a, "threads"_a = 0,
          "Parents (int32 [n, 2]) of tokens in rank order; -1 where there are none.");
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
}
