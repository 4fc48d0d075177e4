// The value types that the merge kernels share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace tokencraft {

using TokenId = std::int32_t;

// left + right -> result. A list of these is in rank order.
struct Merge {
    TokenId left;
    TokenId right;
    TokenId result;
};

inline std::uint64_t pair_key(TokenId left, TokenId right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
}

// Spreads pair keys over a power-of-two table.
inline std::uint64_t hash_pair(std::uint64_t key) {
    key *= 0x9e3779b97f4a7c15u;
    return key ^ (key >> 32);
}

// Cells before `end` (and from the end of the range before) belong to pieces that were counted `weight` times.
struct WeightRange {
    std::uint32_t end;
    std::int64_t weight;
};

// Finds the weight of positions that mostly ascend.
class WeightCursor {
public:
    explicit WeightCursor(std::span<const WeightRange> ranges) : ranges_(ranges) {}

    std::int64_t at(std::uint32_t position) {
        if (position >= ranges_[index_].end || (index_ > 0 && position < ranges_[index_ - 1].end)) seek(position);
        return ranges_[index_].weight;
    }

private:
    void seek(std::uint32_t position) {
        std::size_t low = position < ranges_[index_].end ? 0 : index_ + 1;
        std::size_t high = low;  // gallop from here: the wanted range is seldom far
        for (std::size_t step = 1; high < ranges_.size() && ranges_[high].end <= position; step *= 2) {
            low = high + 1;
            high += step;
        }
        high = std::min(high, ranges_.size() - 1);
        while (low < high) {
            const std::size_t middle = low + (high - low) / 2;
            if (ranges_[middle].end <= position) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        index_ = low;
    }

    std::span<const WeightRange> ranges_;
    std::size_t index_ = 0;
};

// Distinct pieces as tokens, one after the other in one array, `boundary` before, between and after them.
struct Sequences {
    static constexpr TokenId boundary = -1;
    std::vector<TokenId> cells;
    std::vector<WeightRange> ranges;  // by position
};

}  // namespace tokencraft
