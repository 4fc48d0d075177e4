// How documents are cut into short independent segments so that caches can hit: the two-level encoder.
//
// Byte-pair rule. A merge joins two tokens at a junction, the last byte of the left and the first byte of the right
// one. Two bytes that are no merge's junction are never neighbours inside a token, so no merge crosses them. With
// merges of rank below a threshold alone, the same holds for the junctions of those. That needs no knowledge of how the
// vocabulary was trained.
//
// Level 1 applies the merges below the threshold. They cannot cross a cut between bytes that are no junction of theirs,
// so the segments between cuts (words, mostly) are independent and are looked up in a cache. Plain BPE passes through
// the same state: it applies all merges below the threshold, lowest first, before the first one above it.
//
// Level 2 applies the other merges to the tokens of level 1, but only where two neighbours u, v can be joined: some
// merge (left, right) that level 1 did not do has u as the last leaf of left and v as the first leaf of right. Leaves
// are what a token falls into when merges at or above the threshold are undone. Every other boundary is never crossed,
// so the tokens between such boundaries are independent, and most of them stand alone. A Bloom filter of the pairs (u,
// v) is enough: what it lets through wrongly makes a run of tokens longer, not different.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bpe_rules.hpp"

namespace tokencraft {

// The lowest rank of a merge with the junction (left byte, right byte), at left * 256 + right; `no_rank` where there is
// none.
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
    static constexpr int bits = 17;  // 16 KiB: stays in the first-level cache
    static std::uint32_t bit_of(Symbol left, Symbol right) {
        const std::uint64_t mixed =
            left * std::uint64_t{0x9E3779B97F4A7C15} + right * std::uint64_t{0xC2B2AE3D27D4EB4F};
        return static_cast<std::uint32_t>(mixed >> (64 - bits));
    }
    std::array<std::uint64_t, (1 << bits) / 64> words_{};
};

// Where bytes can be joined by merges of level 1. Bytes with the same neighbours share a class, so that the table is
// small; should there be too many classes, the last one stands for several and joins everything any of them joins.
class Junctions {
public:
    Junctions() = default;
    // `joined(left, right)`: some merge has this junction.
    template <typename Joined>
    explicit Junctions(Joined joined) {
        classify([&](unsigned byte, unsigned other) { return joined(byte, other); }, left_class_);
        classify([&](unsigned byte, unsigned other) { return joined(other, byte); }, right_class_);
        cut_.fill(0xFF);
        for (unsigned left = 0; left < 256; ++left) {
            for (unsigned right = 0; right < 256; ++right) {
                if (joined(left, right)) cut_[left_class_[left] * classes + right_class_[right]] = 0;
            }
        }
    }

    // Bit i: no merge joins the bytes before and at `at[i]`, for `size` <= 64 bytes; `before` is the byte ahead of
    // them.
    std::uint64_t cuts(const char* at, std::size_t size, unsigned char before) const;

private:
    static constexpr unsigned classes = 64;
    template <typename Joined>
    static void classify(Joined joined, std::array<std::uint8_t, 256>& class_of) {
        std::vector<std::vector<bool>> rows;
        for (unsigned byte = 0; byte < 256; ++byte) {
            std::vector<bool> row(256);
            for (unsigned other = 0; other < 256; ++other) row[other] = joined(byte, other);
            std::size_t found = 0;
            while (found < rows.size() && rows[found] != row) ++found;
            if (found == rows.size() && found < classes) rows.push_back(std::move(row));
            class_of[byte] = static_cast<std::uint8_t>(found < classes ? found : classes - 1);
        }
    }

    std::array<std::uint8_t, 256> left_class_{};
    std::array<std::uint8_t, 256> right_class_{};
    std::array<std::uint8_t, classes * classes> cut_{};  // 0xFF: cut
};

// Where characters can be joined by merges of level 1: as Junctions, but by the last three bytes before a boundary and
// the first three behind it, as far as a merge knows them. That cuts scripts without spaces, whose bytes join in every
// combination. A filter like CrossingPairs.
class WideJunctions {
public:
    WideJunctions() = default;
    explicit WideJunctions(std::size_t merges);
    void add(std::string_view left, std::string_view right);

    // Whether some merge may join the text before `at` with the text from it on; both sides have at least three bytes.
    // Always, where there is no filter.
    bool may_join(const char* at) const {
        if (words_.empty()) return true;
        const std::uint32_t before = three(at - 3);
        const std::uint32_t behind = three(at);
        for (unsigned left = 1; left <= most; ++left) {
            const std::uint32_t last = before >> (8 * (most - left));
            for (unsigned right = 1; right <= most; ++right) {
                if (holds(key(left, last, right, behind & ((1u << 8 * right) - 1)))) return true;
            }
        }
        return false;
    }

private:
    static constexpr unsigned most = 3;
    static std::uint32_t three(const char* at) {
        return static_cast<unsigned char>(at[0]) | static_cast<std::uint32_t>(static_cast<unsigned char>(at[1])) << 8 |
               static_cast<std::uint32_t>(static_cast<unsigned char>(at[2])) << 16;
    }
    static std::uint64_t key(unsigned left, std::uint32_t last, unsigned right, std::uint32_t first) {
        return ((std::uint64_t{last} << 24 | first) << 4 | left << 2 | right) * std::uint64_t{0x9E3779B97F4A7C15};
    }
    bool holds(std::uint64_t key) const {
        const std::uint64_t bit = key >> shift_;
        return words_[bit >> 6] >> (bit & 63) & 1;
    }

    int shift_ = 0;
    std::vector<std::uint64_t> words_;
};

struct Plan {
    // Merges of lower rank are level 1; no_rank: all are, there is no level 2.
    std::uint32_t threshold = no_rank;
    // Whether segments are also cut between bytes, not at piece ends alone.
    bool cut_inside = false;
    Junctions junctions;
    WideJunctions wide_junctions;
    CrossingPairs crossing;
    PairTable early;  // the merges of level 1, and those of level 2; both empty where there is one level
    PairTable late;

    bool two_level() const { return threshold != no_rank; }
};

// A plan for texts like the sample, whose pieces have these end offsets. Any plan gives the same ids.
Plan make_plan(const BpeRules& rules, std::span<const std::uint32_t> junctions, std::string_view sample,
               std::span<const std::uint32_t> ends);

}  // namespace tokencraft
