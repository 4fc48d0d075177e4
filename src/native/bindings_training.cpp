// Bindings of counting pieces and learning merges.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <memory>

#include "binding_tools.hpp"
#include "merge_learner.hpp"
#include "merge_replay.hpp"
#include "piece_counter.hpp"
#include "rank_recovery.hpp"
#include "sequence_builder.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

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

Learner* learner_of(SequenceBuilder& builder) {
    return new Learner{{builder.take_sequences(), builder.take_bytes(), builder.merges(), builder.threads()},
                       builder.fired()};
}

SequenceBuilder* new_builder(const std::vector<nb::bytes>& tokens, const MergesIn& table, std::size_t tables,
                             std::size_t most_cells, unsigned threads) {
    std::vector<std::string> bytes_of = to_strings(tokens);
    std::vector<Merge> merges = checked_merges(table, bytes_of);
    return new SequenceBuilder(std::move(bytes_of), std::move(merges), tables, most_cells, resolve_threads(threads));
}

bool add_sequences(SequenceBuilder& self, PieceCounter& counter, std::int64_t threshold, std::uint64_t seed,
                   const nb::object& progress) {
    if (threshold < 1) throw nb::value_error("the threshold of a sample is at least 1");
    return run_controlled(progress, [&](Control& control) {
        counter.finish(control);
        return self.add(counter.table(), {threshold, seed}, control);
    });
}

// [(smallest threshold, cells, pieces)] of the classes that hold something.
nb::list sample_weights(const SequenceBuilder& self) {
    nb::list rows;
    for (std::size_t index = 0; index < self.weights().size(); ++index) {
        const SequenceBuilder::Weight& weight = self.weights()[index];
        if (weight.pieces == 0) continue;
        rows.append(nb::make_tuple(SequenceBuilder::class_begin(index), weight.cells, weight.pieces));
    }
    return rows;
}

Learner* new_learner(PieceCounter& counter, const std::vector<nb::bytes>& tokens, const MergesIn& table,
                     const nb::object& progress) {
    std::unique_ptr<SequenceBuilder> builder(new_builder(tokens, table, 1, SIZE_MAX, counter.threads()));
    if (!add_sequences(*builder, counter, 1, 0, progress)) {
        throw std::length_error("the distinct pieces hold 2^32 tokens or more; train on a smaller sample");
    }
    return learner_of(*builder);
}

std::vector<std::string_view> views_of(const std::vector<nb::bytes>& written) {
    std::vector<std::string_view> views;
    for (const nb::bytes& bytes : written) views.emplace_back(bytes.c_str(), bytes.size());
    return views;
}

nb::bytes written_shard(const PieceCounter& counter, std::size_t shard) {
    if (shard >= PieceTable::shard_count) throw nb::index_error("there is no such shard");
    std::string written;
    {
        nb::gil_scoped_release released;
        written = counter.write(shard);
    }
    return nb::bytes(written.data(), written.size());
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

}  // namespace

void bind_training(nb::module_& m) {
    nb::class_<PieceCounter>(m, "PieceCounter", "Counts the distinct pieces of a stream of documents.")
        .def("__init__",
             [](PieceCounter* self, int pattern, bool lines, unsigned threads) {
                 new (self) PieceCounter(checked_pattern(pattern), lines ? Unit::line : Unit::document, threads);
             },
             "pattern"_a, "lines"_a, "threads"_a)
        .def("keep_runs", &PieceCounter::keep_runs, "runs"_a, nb::keep_alive<1, 2>(),
             "Counts runs of the pieces that the pattern cuts from now on, and nothing else.")
        .def("add", &count_documents, "texts"_a, "ends"_a = nb::none(), "weights"_a = nb::none(),
             "progress"_a = nb::none(),
             "Counts the pieces of str or bytes objects; `ends` (uint32 per text) overrides the pattern.")
        .def("add_pieces_of",
             [](PieceCounter& self, PieceCounter& units, std::size_t first, std::size_t last,
                const nb::object& progress) {
                 if (first > last || last > PieceTable::shard_count) throw nb::index_error("there are no such shards");
                 run_controlled(progress, [&](Control& control) { self.add_pieces_of(units, first, last, control); });
             },
             "units"_a, "first_shard"_a = 0, "last_shard"_a = PieceTable::shard_count, "progress"_a = nb::none(),
             "Counts the pieces of another counter's pieces, of some of its shards.")
        .def("read",
             [](PieceCounter& self, const std::vector<nb::bytes>& written, bool cut, const nb::object& progress) {
                 const auto views = views_of(written);
                 run_controlled(progress, [&](Control& control) { self.read(views, cut, control); });
             },
             "written"_a, "cut"_a = false, "progress"_a = nb::none(), "Adds what `write` gave; `cut` by the pattern.")
        .def("write", &written_shard, "shard"_a, "The pieces of a shard with their counts as bytes.")
        .def("merge", [](PieceCounter& self) { run_controlled(nb::none(), [&](Control& c) { self.finish(c); }); },
             "Makes one table of those of the threads, which saves memory.")
        .def("clear", &PieceCounter::clear, "Forgets the pieces, not `total_bytes`.")
        .def("add_total_bytes", &PieceCounter::add_total_bytes, "bytes"_a)
        .def_prop_ro("memory_bytes", &PieceCounter::memory_bytes)
        .def_ro_static("SHARDS", &PieceTable::shard_count)
        .def("items", &counted_pieces, "[(piece, count)] in no particular order.")
        .def_prop_ro("total_bytes", &PieceCounter::total_bytes);
    nb::class_<SequenceBuilder>(m, "SequenceBuilder", "Turns counted pieces into what a learner begins with.")
        .def(nb::new_(&new_builder), "tokens"_a, "merges"_a, "tables"_a = 1, "most_cells"_a = SIZE_MAX,
             "threads"_a = 0)
        .def("add", &add_sequences, "pieces"_a, "threshold"_a = 1, "seed"_a = 0, "progress"_a = nb::none(),
             "False once there are more than `most_cells`.")
        .def("weigh",
             [](SequenceBuilder& self, PieceCounter& counter, std::uint64_t seed, const nb::object& progress) {
                 run_controlled(progress, [&](Control& control) {
                     counter.finish(control);
                     self.weigh(counter.table(), seed, control);
                 });
             },
             "pieces"_a, "seed"_a = 0, "progress"_a = nb::none())
        .def_prop_ro("weights", &sample_weights, "[(threshold, cells, pieces)] that `weigh` found, ascending.")
        .def_prop_ro("cells", &SequenceBuilder::cells)
        .def_prop_ro("pieces", &SequenceBuilder::pieces)
        .def("learner", &learner_of, "The learner; the builder is empty afterwards.");
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

}  // namespace tokencraft
