#include "pair_index.hpp"

#include <algorithm>
#include <bit>

#include "huge_pages.hpp"

namespace tokencraft {

namespace {

struct Counted {
    std::uint64_t key;
    std::int64_t count;
    std::uint32_t positions;
};

// The pairs of one part, counted in a table that grows with them.
class PartCounter {
public:
    void add(std::uint64_t key, std::uint64_t hash, std::int64_t weight) {
        std::size_t slot = hash & mask_;
        while (slots_[slot].positions != 0 && slots_[slot].key != key) slot = (slot + 1) & mask_;
        Counted& entry = slots_[slot];
        entry.key = key;
        entry.count += weight;
        if (entry.positions++ == 0 && ++used_ * 2 > mask_) grow();
    }
    void take(std::int64_t threshold, std::vector<Counted>& frequent) {
        for (Counted& entry : slots_) {
            if (entry.positions != 0 && entry.count >= threshold) frequent.push_back(entry);
            entry = {};
        }
        used_ = 0;
    }

private:
    void grow() {
        std::vector<Counted> larger(slots_.size() * 2);
        mask_ = larger.size() - 1;
        for (const Counted& entry : slots_) {
            if (entry.positions == 0) continue;
            std::size_t slot = hash_pair(entry.key) & mask_;
            while (larger[slot].positions != 0) slot = (slot + 1) & mask_;
            larger[slot] = entry;
        }
        slots_ = std::move(larger);
    }

    std::vector<Counted> slots_ = std::vector<Counted>(4096);
    std::size_t mask_ = 4095;
    std::size_t used_ = 0;
};

// Sums of the counts of pairs that share a hash: where a sum is below the threshold, so is every pair of it.
class Sieve {
public:
    Sieve(std::size_t size, std::int64_t threshold)
        : threshold_(static_cast<std::uint32_t>(std::min<std::int64_t>(threshold, UINT32_MAX))) {
        const std::size_t slots = std::bit_ceil(std::clamp<std::size_t>(size, 1024, most));
        mask_ = slots - 1;
        reserve_huge(sums_, slots);
        sums_.resize(slots);
    }
    void add(std::uint64_t hash, std::int64_t weight) {
        std::uint32_t& sum = sums_[hash & mask_];
        sum = static_cast<std::uint32_t>(std::min<std::int64_t>(weight + sum, UINT32_MAX));
    }
    bool passes(std::uint64_t hash) const { return sums_[hash & mask_] >= threshold_; }
    std::size_t passing() const {
        return static_cast<std::size_t>(
            std::count_if(sums_.begin(), sums_.end(), [&](std::uint32_t sum) { return sum >= threshold_; }));
    }

private:
    static constexpr std::size_t most = std::size_t{1} << 24;

    std::vector<std::uint32_t> sums_;
    std::size_t mask_;
    std::uint32_t threshold_;
};

// Calls `visit(key, hash, position, weight)` for every pair of a part. The part comes from bits that tables do not use.
template <typename Visit>
void for_pairs(std::span<const TokenId> cells, std::span<const WeightRange> ranges, std::size_t part, std::size_t parts,
               const Control& control, Visit visit) {
    std::uint32_t position = 0;
    for (const WeightRange& range : ranges) {
        if (control.stopped()) return;
        const std::uint32_t end = std::min<std::uint32_t>(range.end, static_cast<std::uint32_t>(cells.size()) - 1);
        for (; position < end; ++position) {
            const TokenId left = cells[position];
            const TokenId right = cells[position + 1];
            if ((left | right) < 0) continue;
            const std::uint64_t key = pair_key(left, right);
            const std::uint64_t hash = hash_pair(key);
            if (((hash >> 32) * parts) >> 32 != part) continue;
            visit(key, hash, position, range.weight);
        }
    }
}

}  // namespace

void PairIndex::build(std::span<const TokenId> cells, std::span<const WeightRange> ranges, std::int64_t threshold,
                      unsigned threads, const Control& control) {
    pairs_.clear();
    slots_.assign(1024, empty);
    mask_ = 1023;
    blocks_.clear();
    free_size_ = 0;
    allocated_ = built_ = 0;
    if (cells.size() < 2) return;

    Control quiet;  // the learner's own thread is no place to ask Python
    std::vector<Sieve> sieves;
    for (unsigned part = 0; part < threads; ++part) sieves.emplace_back(cells.size() / 8 / threads, threshold);
    run_items(threads, quiet, threads, [&](unsigned, std::size_t part) {
        for_pairs(cells, ranges, part, threads, control,
                  [&](std::uint64_t, std::uint64_t hash, std::uint32_t, std::int64_t weight) {
                      sieves[part].add(hash, weight);
                  });
    });
    std::size_t left = 0;  // an idea of how many pairs
    for (const Sieve& sieve : sieves) left += sieve.passing();
    const std::size_t parts = threads * std::clamp<std::size_t>(left >> 20, 1, 64 / std::min(threads, 64u));
    std::vector<std::vector<Counted>> frequent(parts);
    std::vector<PartCounter> counters(threads);
    run_items(threads, quiet, parts, [&](unsigned worker, std::size_t part) {
        const Sieve& sieve = sieves[part * threads / parts];
        for_pairs(cells, ranges, part, parts, control,
                  [&](std::uint64_t key, std::uint64_t hash, std::uint32_t, std::int64_t weight) {
                      if (sieve.passes(hash)) counters[worker].add(key, hash, weight);
                  });
        counters[worker].take(threshold, frequent[part]);
    });
    sieves.clear();
    counters.clear();
    for (auto& part : frequent) {
        for (const Counted& entry : part) insert(entry.key, entry.count, entry.positions).size = 0;
        part = {};
    }
    built_ = allocated_;
    run_items(threads, quiet, threads, [&](unsigned, std::size_t part) {
        for_pairs(cells, ranges, part, threads, control,
                  [&](std::uint64_t key, std::uint64_t, std::uint32_t position, std::int64_t) {
                      Pair* pair = find(key);
                      if (pair != nullptr) pair->positions[pair->size++] = position;
                  });
    });
}

PairIndex::Pair& PairIndex::insert(std::uint64_t key, std::int64_t count, std::uint32_t size) {
    if ((pairs_.size() + 1) * 2 > slots_.size()) {
        slots_.assign(slots_.size() * 2, empty);
        mask_ = slots_.size() - 1;
        for (std::uint32_t index = 0; index < pairs_.size(); ++index) {
            std::size_t slot = hash_pair(pairs_[index].key) & mask_;
            while (slots_[slot] != empty) slot = (slot + 1) & mask_;
            slots_[slot] = index;
        }
    }
    std::size_t slot = hash_pair(key) & mask_;
    while (slots_[slot] != empty) slot = (slot + 1) & mask_;
    slots_[slot] = static_cast<std::uint32_t>(pairs_.size());
    pairs_.push_back({key, count, allocate(size), size});
    return pairs_.back();
}

std::uint32_t* PairIndex::allocate(std::uint32_t size) {
    allocated_ += size;
    if (size > free_size_) {
        constexpr std::size_t block = std::size_t{1} << 18;
        if (size > block / 8) {  // a block of its own, so that the rest of the current one is not lost
            blocks_.push_back(std::make_unique_for_overwrite<std::uint32_t[]>(size));
            prefer_huge_pages(blocks_.back().get(), size * sizeof(std::uint32_t));
            return blocks_.back().get();
        }
        blocks_.push_back(std::make_unique_for_overwrite<std::uint32_t[]>(block));
        free_ = blocks_.back().get();
        free_size_ = block;
    }
    std::uint32_t* place = free_;
    free_ += size;
    free_size_ -= size;
    return place;
}

}  // namespace tokencraft
