// Bindings of replaying merges over samples and of finding what a mixture of them violates.
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "binding_tools.hpp"
#include "mixture_steps.hpp"
#include "pair_changes.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

// Words as `replay_pairs` wants them, checked: cells begin and end with a boundary, ends ascend up to the last cell.
Sequences checked_words(const ArrayIn<std::int32_t>& cells, const ArrayIn<std::int64_t>& ends,
                        const ArrayIn<std::int64_t>& weights) {
    if (cells.size() == 0 || cells(0) != Sequences::boundary || cells(cells.size() - 1) != Sequences::boundary) {
        throw nb::value_error("cells begin and end with -1");
    }
    if (ends.size() != weights.size()) throw nb::value_error("one weight per end");
    Sequences words;
    words.cells.assign(cells.data(), cells.data() + cells.size());
    for (const TokenId cell : words.cells) {
        if (cell < Sequences::boundary) throw nb::value_error("a cell is a symbol of 0 or more, or -1");
    }
    check_size({reinterpret_cast<const char*>(cells.data()), cells.size()});
    std::int64_t before = 0;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends(i) <= before || weights(i) <= 0) throw nb::value_error("ends ascend and weights are positive");
        before = ends(i);
        words.ranges.push_back({static_cast<std::uint32_t>(ends(i)), weights(i)});
    }
    if (before != static_cast<std::int64_t>(cells.size())) throw nb::value_error("the last end is that of the cells");
    return words;
}

nb::list replay_samples(const nb::list& samples, const MergesIn& table, unsigned threads, const nb::object& progress) {
    std::vector<Sequences> words;
    for (const nb::handle sample : samples) {
        const auto parts = nb::cast<nb::tuple>(sample);
        if (parts.size() != 3) throw nb::value_error("a sample is (cells, ends, weights)");
        words.push_back(checked_words(nb::cast<ArrayIn<std::int32_t>>(parts[0]),
                                      nb::cast<ArrayIn<std::int64_t>>(parts[1]),
                                      nb::cast<ArrayIn<std::int64_t>>(parts[2])));
    }
    std::vector<Merge> merges(table.shape(0));
    for (std::size_t i = 0; i < merges.size(); ++i) {
        merges[i] = {table(i, 0), table(i, 1), table(i, 2)};
        if (std::min({merges[i].left, merges[i].right, merges[i].result}) < 0) {
            throw nb::value_error("a merge is made of symbols of 0 or more");
        }
    }
    std::vector<PairChanges> changes(words.size());
    run_controlled(progress, [&](Control& control) {
        run_items(resolve_threads(threads), control, words.size(), [&](unsigned, std::size_t i) {
            changes[i] = replay_pairs(std::move(words[i]), merges, control);
        });
    });
    nb::list results;
    for (PairChanges& each : changes) {
        std::vector<std::int32_t> sides;
        sides.reserve(each.keys.size() * 2);
        for (const std::uint64_t key : each.keys) {
            sides.push_back(static_cast<std::int32_t>(key >> 32));
            sides.push_back(static_cast<std::int32_t>(key & 0xffffffffu));
        }
        results.append(nb::make_tuple(to_table(std::move(sides), 2), to_numpy(std::move(each.offsets)),
                                      to_numpy(std::move(each.pairs)), to_numpy(std::move(each.counts))));
    }
    return results;
}

void new_steps(MixtureSteps* self, std::int64_t pairs, std::int64_t categories, const ArrayIn<std::int64_t>& offsets,
               const ArrayIn<std::int32_t>& pair, const ArrayIn<std::int32_t>& category,
               const ArrayIn<std::int64_t>& amount, const ArrayIn<std::int32_t>& merged) {
    const std::size_t count = pair.size();
    if (category.size() != count || amount.size() != count) throw nb::value_error("one category and amount per change");
    if (offsets.size() != merged.size() + 1 || offsets(0) != 0 ||
        offsets(offsets.size() - 1) != static_cast<std::int64_t>(count) ||
        !std::is_sorted(offsets.data(), offsets.data() + offsets.size())) {
        throw nb::value_error("offsets ascend from 0 to the number of changes, one more than there are steps");
    }
    std::vector<CountChange> changes(count);
    for (std::size_t i = 0; i < count; ++i) {
        changes[i] = {pair(i), category(i), amount(i)};
        if (pair(i) < 0 || pair(i) >= pairs || category(i) < 0 || category(i) >= categories) {
            throw nb::value_error("a change names a pair or a category that does not exist");
        }
    }
    new (self) MixtureSteps(static_cast<std::size_t>(pairs), static_cast<std::size_t>(categories),
                            {offsets.data(), offsets.data() + offsets.size()}, std::move(changes),
                            {merged.data(), merged.data() + merged.size()});
}

nb::tuple find_violated(MixtureSteps& self, const ArrayIn<double>& weights, const ArrayIn<double>& slack,
                        const ArrayIn<double>& thresholds, std::size_t batch, std::size_t limit) {
    if (weights.size() != self.categories() || slack.size() != self.pairs() || thresholds.size() != self.steps()) {
        throw nb::value_error("one weight per category, one slack per pair, one threshold per step");
    }
    MixtureSteps::Violated found;
    run_controlled(nb::none(), [&](Control& control) {
        run_workers(1, control, [&](unsigned) {
            found = self.violated({weights.data(), weights.size()}, {slack.data(), slack.size()},
                                  {thresholds.data(), thresholds.size()}, batch, limit, control);
        });
    });
    return nb::make_tuple(to_numpy(std::move(found.steps)), to_numpy(std::move(found.pairs)));
}

}  // namespace

void bind_mixture(nb::module_& m) {
    m.def("replay_pairs", &replay_samples, "samples"_a, "merges"_a, "threads"_a = 0, "progress"_a = nb::none(),
          "[(pairs int32 [p, 2], offsets int64 [m + 1], pair ids int32, new counts int64)] of (cells, ends, weights).");
    nb::class_<MixtureSteps>(m, "MixtureSteps", "Finds what a mixture of replayed categories violates.")
        .def("__init__", &new_steps, "pairs"_a, "categories"_a, "offsets"_a, "pair"_a, "category"_a, "amount"_a,
             "merged"_a)
        .def("violated", &find_violated, "weights"_a, "slack"_a, "thresholds"_a, "batch"_a, "limit"_a,
             "(steps int32, pairs int32) that are violated and were not returned before.")
        .def(
            "mark",
            [](MixtureSteps& self, const ArrayIn<std::int32_t>& steps, const ArrayIn<std::int32_t>& pairs) {
                if (steps.size() != pairs.size()) throw nb::value_error("one pair per step");
                for (std::size_t i = 0; i < steps.size(); ++i) self.mark(steps(i), pairs(i));
            },
            "steps"_a, "pairs"_a, "As if they had been returned before.")
        .def("forget", &MixtureSteps::forget, "As if nothing had been returned before.");
}

}  // namespace tokencraft
