#include "bpe_plan.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace tokencraft {
namespace {

// Costs that decide between plans, in nanoseconds: of a segment, of a byte of a segment that was not seen before in the sample
// (a small part of a batch), of a byte of a segment too long for the caches, and of looking for cuts inside pieces.
constexpr double segment_cost = 20.0;
constexpr double new_byte_cost = 4.0;
constexpr double long_byte_cost = 30.0;
constexpr double cut_byte_cost = 0.5;
constexpr std::size_t cached_bytes = 31;
constexpr std::size_t most_crossings = std::size_t{1} << 24;

std::array<std::array<std::uint64_t, 4>, 256> joins_below(const BpeRules& rules, std::span<const std::uint32_t> junctions,
                                                          std::uint32_t threshold) {
    std::array<std::array<std::uint64_t, 4>, 256> joins{};
    for (unsigned left = 0; left < 256; ++left) {
        for (unsigned right = 0; right < 256; ++right) {
            // A byte without a token vanishes, and its neighbours may join: never cut beside it.
            const bool vanishes = rules.of_byte(static_cast<unsigned char>(left)) == no_symbol ||
                                  rules.of_byte(static_cast<unsigned char>(right)) == no_symbol;
            if (vanishes || junctions[left * 256 + right] < threshold) joins[left][right >> 6] |= std::uint64_t{1} << (right & 63);
        }
    }
    return joins;
}

// Marks the boundaries between pieces as cut; ranks[i] is of the position between the bytes i and i + 1.
void cut_at(std::vector<std::uint32_t>& ranks, std::span<const std::uint32_t> ends) {
    for (const std::uint32_t end : ends) {
        if (end > 0 && end <= ranks.size()) ranks[end - 1] = no_rank;
    }
}

// Thresholds at which the number of cuts in the sample changes by a tenth, from none on.
std::vector<std::uint32_t> candidates(std::vector<std::uint32_t> ranks) {
    std::sort(ranks.begin(), ranks.end(), std::greater<>());
    std::vector<std::uint32_t> found{no_rank};
    std::size_t cuts = 0;
    while (cuts < ranks.size() && ranks[cuts] == no_rank) ++cuts;
    std::size_t last = cuts;
    while (cuts < ranks.size()) {
        const std::uint32_t rank = ranks[cuts];
        while (cuts < ranks.size() && ranks[cuts] == rank) ++cuts;
        if (cuts > last + last / 10) {
            found.push_back(rank);  // with merges below this rank alone, its positions are cut
            last = cuts;
        }
    }
    return found;
}

double cost(std::string_view sample, std::span<const std::uint32_t> ranks, std::uint32_t threshold) {
    std::unordered_set<std::string_view> seen;
    std::size_t segments = 0;
    std::size_t new_bytes = 0;
    std::size_t long_bytes = 0;
    std::size_t start = 0;
    for (std::size_t at = 0; at < sample.size(); ++at) {
        if (at + 1 < sample.size() && ranks[at] < threshold) continue;
        ++segments;
        const std::string_view segment = sample.substr(start, at + 1 - start);
        if (segment.size() > cached_bytes) {
            long_bytes += segment.size();
        } else if (seen.insert(segment).second) {
            new_bytes += segment.size();
        }
        start = at + 1;
    }
    return segment_cost * static_cast<double>(segments) + new_byte_cost * static_cast<double>(new_bytes) +
           long_byte_cost * static_cast<double>(long_bytes);
}

// What a token can end (or begin) with when merges at or above the threshold are undone.
using Leaves = std::vector<Symbol>;

void add_leaves(Leaves& to, const Leaves& from) {
    for (const Symbol leaf : from) {
        if (std::find(to.begin(), to.end(), leaf) == to.end()) to.push_back(leaf);
    }
}

// False where there are so many pairs that a filter would let everything through.
bool add_crossings(const BpeRules& rules, std::uint32_t threshold, CrossingPairs& crossing) {
    const std::size_t size = rules.tokens().size();
    std::vector<Leaves> first(size);
    std::vector<Leaves> last(size);
    std::vector<bool> late(size);  // level 2 can make it
    for (Symbol id = 0; id < size; ++id) {
        if (rules.tokens()[id].size() == 1) first[id] = last[id] = {id};
    }
    // Operands are shorter than results, so by length every operand is done before it is needed.
    std::vector<std::uint32_t> order(rules.merges().size());
    std::iota(order.begin(), order.end(), 0u);
    auto length = [&](std::uint32_t index) { return rules.tokens()[rules.merges()[index].result].size(); };
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return length(a) < length(b); });
    std::size_t pairs = 0;
    for (const std::uint32_t index : order) {
        const RankedMerge& merge = rules.merges()[index];
        // A merge below the threshold is done by level 1, unless an operand exists from level 2 on only.
        if (merge.rank < threshold) {
            add_leaves(first[merge.result], {merge.result});
            add_leaves(last[merge.result], {merge.result});
            if (!late[merge.left] && !late[merge.right]) continue;
        }
        late[merge.result] = true;
        add_leaves(first[merge.result], first[merge.left]);
        add_leaves(last[merge.result], last[merge.right]);
        pairs += last[merge.left].size() * first[merge.right].size();
        if (pairs > most_crossings) return false;
        for (const Symbol left : last[merge.left]) {
            for (const Symbol right : first[merge.right]) crossing.add(left, right);
        }
    }
    return true;
}

}  // namespace

std::vector<std::uint32_t> junction_ranks(const BpeRules& rules) {
    std::vector<std::uint32_t> ranks(256 * 256, no_rank);
    for (const RankedMerge& merge : rules.merges()) {
        const auto left = static_cast<unsigned char>(rules.tokens()[merge.left].back());
        const auto right = static_cast<unsigned char>(rules.tokens()[merge.right].front());
        std::uint32_t& rank = ranks[left * 256u + right];
        rank = std::min(rank, merge.rank);
    }
    return ranks;
}

Plan make_plan(const BpeRules& rules, std::span<const std::uint32_t> junctions, std::string_view sample,
               std::span<const std::uint32_t> ends) {
    Plan plan;
    if (sample.empty()) return plan;
    std::vector<std::uint32_t> ranks(sample.size() - 1, 0);  // whole pieces: no cuts but theirs
    cut_at(ranks, ends);
    double best = cost(sample, ranks, no_rank);
    for (std::size_t at = 0; at < ranks.size(); ++at) {
        ranks[at] = junctions[static_cast<unsigned char>(sample[at]) * 256u + static_cast<unsigned char>(sample[at + 1])];
    }
    cut_at(ranks, ends);
    const double cutting = cut_byte_cost * static_cast<double>(sample.size());
    for (const std::uint32_t threshold : candidates(ranks)) {
        const double here = cost(sample, ranks, threshold) + cutting;
        if (here >= best) continue;
        best = here;
        plan.threshold = threshold;
        plan.cut_inside = true;
    }
    if (!plan.cut_inside) return plan;
    if (plan.two_level() && !add_crossings(rules, plan.threshold, plan.crossing)) {
        plan.threshold = no_rank;
        plan.crossing = {};
    }
    plan.joins = joins_below(rules, junctions, plan.threshold);
    return plan;
}

}  // namespace tokencraft
