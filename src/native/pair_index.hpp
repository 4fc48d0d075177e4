// Counts the adjacent pairs of token sequences and remembers where the frequent ones lie.
//
// Contract: `build` drops what was there and indexes every pair of neighbouring cells (both >= 0) whose weighted count
// is at least `threshold`, positions ascending. Cells are compact: every cell is a token or a boundary. The result does
// not depend on the number of threads. `pairs()` references stay valid until the next `insert` or `build`, positions
// until `build`.
//
// How it is fast: most pairs are rare. Sums over pairs of the same hash tell which of them cannot reach the threshold,
// so that few are counted one by one. The pairs are cut into parts by hash: whoever counts a part reads all cells but
// keeps a small table, so no tables are merged and what is rare is dropped part by part.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "merge.hpp"
#include "parallel.hpp"

namespace tokencraft {

class PairIndex {
public:
    struct Pair {
        std::uint64_t key;
        std::int64_t count;
        std::uint32_t* positions;
        std::uint32_t size;
    };

    PairIndex() = default;
    PairIndex(PairIndex&&) = default;
    PairIndex& operator=(PairIndex&&) = default;

    void build(std::span<const TokenId> cells, std::span<const WeightRange> ranges, std::int64_t threshold,
               unsigned threads, const Control& control);

    std::span<const Pair> pairs() const { return pairs_; }

    Pair* find(std::uint64_t key) {
        for (std::size_t slot = hash_pair(key) & mask_;; slot = (slot + 1) & mask_) {
            const std::uint32_t index = slots_[slot];
            if (index == empty) return nullptr;
            if (pairs_[index].key == key) return &pairs_[index];
        }
    }
    // Adds a pair that is not there yet, with room for `size` positions.
    Pair& insert(std::uint64_t key, std::int64_t count, std::uint32_t size);
    // Room for `size` positions.
    std::uint32_t* allocate(std::uint32_t size);
    // Positions that room was made for since `build`.
    std::size_t grown() const { return allocated_ - built_; }

private:
    static constexpr std::uint32_t empty = UINT32_MAX;

    std::vector<Pair> pairs_;
    std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024, empty);
    std::size_t mask_ = 1023;
    std::vector<std::unique_ptr<std::uint32_t[]>> blocks_;
    std::uint32_t* free_ = nullptr;
    std::size_t free_size_ = 0;
    std::size_t allocated_ = 0;  // positions
    std::size_t built_ = 0;      // of them when `build` was done
};

}  // namespace tokencraft
