// How documents are cut into short independent segments so that caches can hit: the two-level encoder.
//
// Byte-pair rule. A merge joins two tokens at a junction, the last byte of the left and the first byte of the right one. Two
// bytes that are no merge's junction are never neighbours inside a token, so no merge crosses them. With merges of rank below
// a threshold alone, the same holds for the junctions of those. That needs no knowledge of how the vocabulary was trained.
//
// Level 1 applies the merges below the threshold. They cannot cross a cut between bytes that are no junction of theirs, so
// the segments between cuts (words, mostly) are independent and are looked up in a cache. Plain BPE passes through the same
// state: it applies all merges below the threshold, lowest first, before the first one above it.
//
// Level 2 applies the full table to the tokens of level 1, but only where two neighbours u, v can be joined: some merge
// (left, right) that level 1 did not do has u as the last leaf of left and v as the first leaf of right. Leaves are what a
// token falls into when merges at or above the threshold are undone. Every other boundary is never crossed, so the tokens
// between such boundaries are independent, and most of them stand alone. A Bloom filter of the pairs (u, v) is enough: what
// it lets through wrongly makes a run of tokens longer, not different.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpe_rules.hpp"

namespace tokencraft {

// The lowest rank of a merge with the junction (left byte, right byte), at left * 256 + right; `no_rank` where there is none.
std::vector<std::uint32_t> junction_ranks(const BpeRules& rules);

// Pairs of level-1 tokens that a later merge may join.
class CrossingPairs {
public:
    void add(Symbol left, Symbol right) {
        const std::uint32_t bit = bit_of(left, right);
        words_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    }
    bool may_join(Symbol left, Symbol right) const {
        const std::uint32_t bit = bit_of(left, right);
        return words_[bit >> 6] >> (bit & 63) & 1;
    }

private:
    static constexpr int bits = 18;
    static std::uint32_t bit_of(Symbol left, Symbol right) {
        return static_cast<std::uint32_t>((std::uint64_t{left} * 0x9E3779B97F4A7C15u + std::uint64_t{right} * 0xC2B2AE3D27D4EB4Fu) >> (64 - bits));
    }
    std::array<std::uint64_t, (1 << bits) / 64> words_{};
};

struct Plan {
    // Merges of lower rank are level 1; no_rank: all are, there is no level 2.
    std::uint32_t threshold = no_rank;
    // Whether segments are also cut between bytes, not at piece ends alone.
    bool cut_inside = false;
    // Bit b of row a: a level-1 merge may join the bytes a | b.
    std::array<std::array<std::uint64_t, 4>, 256> joins{};
    CrossingPairs crossing;

    bool two_level() const { return threshold != no_rank; }
};

// A plan for texts like the sample, whose pieces have these end offsets. Any plan gives the same ids.
Plan make_plan(const BpeRules& rules, std::span<const std::uint32_t> junctions, std::string_view sample,
               std::span<const std::uint32_t> ends);

}  // namespace tokencraft
