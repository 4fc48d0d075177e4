#include "mixture_steps.hpp"

#include <algorithm>
#include <limits>

namespace tokencraft {

namespace {

struct Entry {
    double height;
    std::int32_t pair;
    std::uint32_t version;  // of the pair's height when it was queued
    // For the heap: lower heights, then larger pairs, are less.
    bool operator<(const Entry& other) const {
        return height != other.height ? height < other.height : pair > other.pair;
    }
};

}  // namespace

MixtureSteps::MixtureSteps(std::size_t pairs, std::size_t categories, std::vector<std::int64_t> offsets,
                           std::vector<CountChange> changes, std::vector<std::int32_t> merged)
    : pairs_(pairs),
      categories_(categories),
      offsets_(std::move(offsets)),
      changes_(std::move(changes)),
      merged_(std::move(merged)) {}

MixtureSteps::Violated MixtureSteps::violated(std::span<const double> weights, std::span<const double> slack,
                                              std::span<const double> thresholds, std::size_t batch,
                                              std::size_t limit, Control& control) {
    const std::size_t steps = merged_.size();
    std::vector<double> floors(steps + 1, std::numeric_limits<double>::infinity());
    for (std::size_t t = steps; t-- > 0;) floors[t] = std::min(floors[t + 1], thresholds[t]);

    std::vector<double> heights(pairs_);
    for (std::size_t pair = 0; pair < pairs_; ++pair) heights[pair] = -slack[pair];
    std::vector<std::uint32_t> versions(pairs_, 0);
    std::vector<std::uint32_t> touched_at(pairs_, UINT32_MAX);
    std::vector<std::int32_t> touched;
    std::vector<Entry> heap, aside;
    Violated found;
    for (std::size_t t = 0; t < steps && found.steps.size() < limit && !control.stopped(); ++t) {
        touched.clear();
        for (std::int64_t i = offsets_[t]; i < offsets_[t + 1]; ++i) {
            const CountChange& change = changes_[static_cast<std::size_t>(i)];
            heights[change.pair] += weights[change.category] * static_cast<double>(change.amount);
            if (touched_at[change.pair] == t) continue;
            touched_at[change.pair] = static_cast<std::uint32_t>(t);
            touched.push_back(change.pair);
        }
        for (const std::int32_t pair : touched) {
            ++versions[pair];
            if (!(heights[pair] > floors[t])) continue;
            heap.push_back({heights[pair], pair, versions[pair]});
            std::push_heap(heap.begin(), heap.end());
        }
        std::size_t here = 0;
        aside.clear();
        while (!heap.empty() && heap.front().height > thresholds[t] && here < batch) {
            const Entry entry = heap.front();
            std::pop_heap(heap.begin(), heap.end());
            heap.pop_back();
            if (entry.version != versions[entry.pair]) continue;
            aside.push_back(entry);
            if (entry.pair == merged_[t]) continue;
            if (!returned_.insert(row_key(static_cast<std::int32_t>(t), entry.pair)).second) continue;
            found.steps.push_back(static_cast<std::int32_t>(t));
            found.pairs.push_back(entry.pair);
            ++here;
        }
        for (const Entry& entry : aside) {
            heap.push_back(entry);
            std::push_heap(heap.begin(), heap.end());
        }
    }
    return found;
}

}  // namespace tokencraft
