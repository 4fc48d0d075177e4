#include "bpe_plan.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_map>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tokencraft {
namespace {

// Costs that decide between plans, in nanoseconds: of a segment, of a byte of a segment that has to be merged, and of
// every byte where segments are cut inside pieces, and where there are two levels. The longer a segment, the rarer it
// is remembered: (characters / rare_characters)^4 is how often it is not.
constexpr double segment_cost = 25.0;
constexpr double merged_byte_cost = 40.0;
constexpr double cut_byte_cost = 1.0;
constexpr double level_byte_cost = 2.5;
constexpr double rare_characters = 20.0;
// A sample is a small part of a batch, in which long segments may be far more common. So costs up to this factor above
// the best one count as equal; and of the thresholds with such costs, the highest is taken before the cuts begin to
// vanish suddenly: before this share of them is lost while the rank grows by that one. That is where a trainer went
// over to superwords, and where commas and spaces begin to join whole tables of numbers.
constexpr double equal_costs = 1.1;
constexpr double lost_cuts = 0.04;
constexpr double rank_step = 1.02;
constexpr std::size_t most_crossings = std::size_t{1} << 24;

// Marks the boundaries between pieces as cut; ranks[i] is of the position between the bytes i and i + 1.
void cut_at(std::vector<std::uint32_t>& ranks, std::span<const std::uint32_t> ends) {
    for (const std::uint32_t end : ends) {
        if (end > 0 && end <= ranks.size()) ranks[end - 1] = no_rank;
    }
}

// Thresholds between which the number of cuts in the sample grows by a sixth, highest first; `ranks` is sorted, highest
// first.
std::vector<std::uint32_t> candidates(const std::vector<std::uint32_t>& ranks) {
    std::vector<std::uint32_t> found;
    std::size_t last = 0;
    for (std::size_t cuts = 0; cuts < ranks.size();) {
        const std::uint32_t rank = ranks[cuts];
        while (cuts < ranks.size() && ranks[cuts] == rank) ++cuts;
        if (rank == no_rank) {
            last = cuts;
        } else if (found.empty() || cuts > last + last / 6) {
            found.push_back(rank);  // with the merges below this rank alone, its positions are cut
            last = cuts;
        }
    }
    return found;
}

// See `equal_costs`. `sorted` are the ranks of the sample's positions, highest first.
std::uint32_t before_loss(const std::vector<std::uint32_t>& sorted, const std::vector<std::uint32_t>& thresholds,
                          const std::vector<double>& costs, double equal) {
    std::size_t lowest = costs.size() - 1;
    while (costs[lowest] > equal) --lowest;
    std::size_t highest = lowest;
    while (highest > 0 && costs[highest - 1] <= equal) --highest;
    const auto cuts_from = [&](double rank) {
        return std::partition_point(sorted.begin(), sorted.end(), [&](std::uint32_t here) { return here >= rank; }) -
               sorted.begin();
    };
    std::uint32_t found = thresholds[lowest];
    for (std::ptrdiff_t at = cuts_from(found) - 1; at >= 0 && sorted[at] <= thresholds[highest]; --at) {
        const double rank = sorted[at];
        const auto cuts = static_cast<double>(at + 1);
        if (cuts - static_cast<double>(cuts_from(rank * rank_step + 1.0)) > lost_cuts * cuts) break;
        found = sorted[at];
    }
    return found;
}

double cost(std::string_view sample, std::span<const std::uint32_t> ranks, std::uint32_t threshold) {
    double total = 0.0;
    double characters = 0.0;
    double bytes = 0.0;
    for (std::size_t at = 0; at < sample.size(); ++at) {
        characters += (sample[at] & 0xC0) != 0x80;
        bytes += 1.0;
        if (at + 1 < sample.size() && ranks[at] < threshold) continue;
        const double square = characters * characters / (rare_characters * rare_characters);
        total += segment_cost + std::min(square * square, 1.0) * bytes * merged_byte_cost;
        characters = bytes = 0.0;
    }
    return total;
}

// What a token that level 2 can make begins or ends with when merges at or above the threshold are undone.
using Leaves = std::vector<Symbol>;

void add_leaves(Leaves& to, std::span<const Symbol> from) {
    for (const Symbol leaf : from) {
        if (std::find(to.begin(), to.end(), leaf) == to.end()) to.push_back(leaf);
    }
}

// The merges that level 2 can apply, shortest result first: those level 1 leaves out, and those of level 1 whose
// operand only level 2 makes (which needs a token that two merges make).
std::vector<RankedMerge> late_merges(const BpeRules& rules, std::uint32_t threshold) {
    const std::span<const RankedMerge> merges = rules.merges();
    std::vector<bool> made_late(rules.tokens().size());
    std::vector<bool> is_late(merges.size());
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t i = 0; i < merges.size(); ++i) {
            if (is_late[i] || (merges[i].rank < threshold && !made_late[merges[i].left] && !made_late[merges[i].right]))
                continue;
            is_late[i] = made_late[merges[i].result] = changed = true;
        }
    }
    std::vector<RankedMerge> late;
    for (std::size_t i = 0; i < merges.size(); ++i) {
        if (is_late[i]) late.push_back(merges[i]);
    }
    std::stable_sort(late.begin(), late.end(), [&](const RankedMerge& a, const RankedMerge& b) {
        return rules.tokens()[a.result].size() < rules.tokens()[b.result].size();
    });
    return late;
}

// Fills the parts of the plan that its threshold decides. False where there are so many pairs that the filter would let
// everything through.
bool divide(const BpeRules& rules, Plan& plan) {
    std::vector<RankedMerge> early;
    std::vector<bool> made_early(rules.tokens().size());
    for (const RankedMerge& merge : rules.merges()) {
        if (merge.rank >= plan.threshold) continue;
        early.push_back(merge);
        made_early[merge.result] = true;
    }
    const std::vector<RankedMerge> late = late_merges(rules, plan.threshold);

    // Operands are shorter than results, so that they are done before they are needed.
    struct Ends {
        Leaves first;
        Leaves last;
    };
    std::unordered_map<Symbol, Ends> ends;
    std::size_t pairs = 0;
    for (const RankedMerge& merge : late) {
        const auto left = ends.find(merge.left);
        const auto right = ends.find(merge.right);
        const auto leaves = [&](auto found, Leaves Ends::* side, const Symbol& self) -> std::span<const Symbol> {
            if (found == ends.end()) return {&self, 1};
            return found->second.*side;
        };
        const auto last = leaves(left, &Ends::last, merge.left);
        const auto first = leaves(right, &Ends::first, merge.right);
        pairs += last.size() * first.size();
        if (pairs > most_crossings) return false;
        for (const Symbol before : last) {
            for (const Symbol after : first) plan.crossing.add(before, after);
        }
        Ends made = ends[merge.result];
        if (made_early[merge.result]) {
            add_leaves(made.first, {&merge.result, 1});
            add_leaves(made.last, {&merge.result, 1});
        }
        add_leaves(made.first, leaves(ends.find(merge.left), &Ends::first, merge.left));
        add_leaves(made.last, leaves(ends.find(merge.right), &Ends::last, merge.right));
        ends[merge.result] = std::move(made);
    }
    plan.early = PairTable(early);
    plan.late = PairTable(late);
    return true;
}

}  // namespace

WideJunctions::WideJunctions(std::size_t merges) {
    const auto bits = static_cast<int>(std::bit_width(merges * 64 + 64));
    shift_ = 64 - bits;
    words_.resize(std::size_t{1} << (bits - 6));
}

void WideJunctions::add(std::string_view left, std::string_view right) {
    const auto last = static_cast<unsigned>(std::min<std::size_t>(left.size(), most));
    const auto first = static_cast<unsigned>(std::min<std::size_t>(right.size(), most));
    char bytes[2 * most] = {};
    std::memcpy(bytes + most - last, left.data() + left.size() - last, last);
    std::memcpy(bytes + most, right.data(), first);
    const std::uint64_t bit =
        key(last, three(bytes) >> (8 * (most - last)), first, three(bytes + most)) >> shift_;
    words_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
}

std::uint64_t Junctions::cuts(const char* at, std::size_t size, unsigned char before) const {
    alignas(16) std::uint8_t cut[64];
    for (std::size_t i = 0; i < size; ++i) {
        const auto here = static_cast<unsigned char>(at[i]);
        cut[i] = cut_[left_class_[before] * classes + right_class_[here]];
        before = here;
    }
    std::uint64_t mask = 0;
#if defined(__SSE2__)
    for (int part = 0; part < 4; ++part) {
        const __m128i bytes = _mm_load_si128(reinterpret_cast<const __m128i*>(cut) + part);
        mask |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(bytes))) << (part * 16);
    }
    return size < 64 ? mask & ((std::uint64_t{1} << size) - 1) : mask;
#else
    for (std::size_t i = 0; i < size; ++i) mask |= static_cast<std::uint64_t>(cut[i] & 1) << i;
    return mask;
#endif
}

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
        ranks[at] =
            junctions[static_cast<unsigned char>(sample[at]) * 256u + static_cast<unsigned char>(sample[at + 1])];
    }
    cut_at(ranks, ends);
    const auto bytes = static_cast<double>(sample.size());
    if (const double here = cost(sample, ranks, no_rank) + cut_byte_cost * bytes; here < best) {
        best = here;
        plan.cut_inside = true;
    }
    std::vector<std::uint32_t> sorted = ranks;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::vector<std::uint32_t> thresholds = candidates(sorted);
    std::vector<double> costs;
    for (const std::uint32_t threshold : thresholds) {
        costs.push_back(cost(sample, ranks, threshold) + (cut_byte_cost + level_byte_cost) * bytes);
    }
    const auto cheapest = std::min_element(costs.begin(), costs.end());
    if (cheapest != costs.end() && *cheapest < best) {
        plan.threshold = before_loss(sorted, thresholds, costs, *cheapest * equal_costs);
        plan.cut_inside = true;
    }
    if (!plan.cut_inside) return plan;
    if (plan.two_level() && !divide(rules, plan)) {
        plan.threshold = no_rank;
        plan.crossing = {};
    }
    plan.junctions = Junctions([&](unsigned left, unsigned right) {
        // A byte without a token vanishes, and its neighbours may join: never cut beside it.
        return junctions[left * 256 + right] < plan.threshold ||
               rules.of_byte(static_cast<unsigned char>(left)) == no_symbol ||
               rules.of_byte(static_cast<unsigned char>(right)) == no_symbol;
    });
    for (unsigned byte = 0; byte < 256; ++byte) {
        if (rules.of_byte(static_cast<unsigned char>(byte)) == no_symbol) return plan;
    }
    plan.wide_junctions = WideJunctions(rules.merges().size());
    for (const RankedMerge& merge : rules.merges()) {
        if (merge.rank < plan.threshold)
            plan.wide_junctions.add(rules.tokens()[merge.left], rules.tokens()[merge.right]);
    }
    return plan;
}

}  // namespace tokencraft
