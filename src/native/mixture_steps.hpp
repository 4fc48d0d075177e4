// Finds the inequalities that a mixture of replayed categories violates: at which steps of a list of merges which pair
// would have been more frequent than the pair that was merged.
//
// Contract: category i has `weights[i]` for each counted pair. At step t pair p is violated where
//     sum_i weights[i] count_i(t, p) - slack[p] > thresholds[t],
// p is not the pair that is merged at t, and (t, p) was never returned before. Of every step the `batch` largest are
// returned, steps ascending, until there are `limit` or more; thresholds of infinity ask for nothing.
//
// How it is fast: the thresholds are known beforehand, so a pair that lies below all those to come needs no place in
// the queue, and most pairs never do get one.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "parallel.hpp"

namespace tokencraft {

// One count that changes: that of `pair` in `category`, by `amount`.
struct CountChange {
    std::int32_t pair;
    std::int32_t category;
    std::int64_t amount;
};

class MixtureSteps {
public:
    // `offsets` of the changes by step, one more than there are steps; `merged[t]` is the pair that is merged at t.
    MixtureSteps(std::size_t pairs, std::size_t categories, std::vector<std::int64_t> offsets,
                 std::vector<CountChange> changes, std::vector<std::int32_t> merged);

    struct Violated {
        std::vector<std::int32_t> steps;
        std::vector<std::int32_t> pairs;
    };

    Violated violated(std::span<const double> weights, std::span<const double> slack,
                      std::span<const double> thresholds, std::size_t batch, std::size_t limit, Control& control);

    // As if nothing had been returned before.
    void forget() { returned_.clear(); }
    // As if this had been returned before.
    void mark(std::int32_t step, std::int32_t pair) { returned_.insert(row_key(step, pair)); }

    std::size_t steps() const { return merged_.size(); }
    std::size_t pairs() const { return pairs_; }
    std::size_t categories() const { return categories_; }

private:
    static std::uint64_t row_key(std::int32_t step, std::int32_t pair) {
        return static_cast<std::uint64_t>(static_cast<std::uint32_t>(step)) << 32 | static_cast<std::uint32_t>(pair);
    }

    std::size_t pairs_;
    std::size_t categories_;
    std::vector<std::int64_t> offsets_;
    std::vector<CountChange> changes_;
    std::vector<std::int32_t> merged_;
    std::unordered_set<std::uint64_t> returned_;
};

}  // namespace tokencraft
