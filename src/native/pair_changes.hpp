// Replays a list of merges over weighted words and records how often every adjacent pair of tokens occurs at every step.
//
// Contract: entry 0 holds the counts of all pairs that occur, entry t those whose count differs after the merges 0..t-1
// from what it was after 0..t-2, with the new count (which may be 0). Every adjacent window counts, so "aaa" holds
// (a, a) twice; a merge joins left to right without overlaps. A merge that occurs nowhere makes an empty entry. The
// result equals a recount at every step; so the counts at a step add up to the weighted number of neighbours.
//
// How it is fast: a pair keeps the list of its positions only where a merge will ask for them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "merge.hpp"
#include "parallel.hpp"

namespace tokencraft {

struct PairChanges {
    std::vector<std::uint64_t> keys;    // left << 32 | right, by pair
    std::vector<std::int64_t> offsets;  // of the entries, merges + 1
    std::vector<std::int32_t> pairs;
    std::vector<std::int64_t> counts;
};

PairChanges replay_pairs(Sequences words, std::span<const Merge> merges, Control& control);

}  // namespace tokencraft
