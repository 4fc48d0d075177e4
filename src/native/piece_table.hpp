// Counts distinct byte strings: an open-addressing hash table of pieces with 64-bit counts.
//
// Contract: `add(piece, readable_end, weight)` adds `weight` (> 0) to the count of `piece` (non-empty, < 2^32 bytes);
// bytes up to `readable_end` (>= the piece's end) may be read. Pieces of up to 15 bytes lie inside the entry, longer
// ones in an append-only arena; `text()` views of short ones hold until the table grows. Equal pieces are recognised by
// their bytes, never by a hash alone. The table is cut into shards by hash so that tables can be merged in parallel and
// growth copies little at a time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "huge_pages.hpp"

namespace tokencraft {

static_assert(std::endian::native == std::endian::little, "pieces are packed into words in memory order");

inline std::uint64_t load_word(const char* bytes) {
    std::uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

// The high and low half of the 128-bit product, folded: the mixing step of wyhash.
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// A hash of at least 16 bytes.
inline std::uint64_t hash_long(const char* bytes, std::size_t size) {
    std::uint64_t state = 0x9e3779b97f4a7c15u ^ size;
    const char* const last = bytes + size - 16;
    for (; bytes < last; bytes += 16) {
        state = mix(load_word(bytes) ^ 0xa0761d6478bd642fu, load_word(bytes + 8) ^ state);
    }
    return mix(load_word(last) ^ 0xe7037ed1a0b428dbu, load_word(last + 8) ^ state);
}

class PieceTable {
public:
    static constexpr std::size_t shard_count = 32;
    static constexpr std::size_t inline_bytes = 15;

    // `low` and `high` hold the bytes of a short piece and, on top, its length; or the hash of a long piece and, below
    // the mark `long_tag`, where in the arena its length and bytes lie. `count` is 0 in an empty slot.
    struct Entry {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
        std::int64_t count = 0;

        std::string_view text() const {
            const std::uint64_t size = high >> 56;
            if (size != long_tag) return {reinterpret_cast<const char*>(this), static_cast<std::size_t>(size)};
            const char* stored = address();
            std::uint32_t length;
            std::memcpy(&length, stored, sizeof length);
            return {stored + sizeof length, length};
        }
        // Bytes up to here may be read.
        const char* readable_end() const {
            if ((high >> 56) != long_tag) return reinterpret_cast<const char*>(this) + 16;
            const std::string_view view = text();
            return view.data() + view.size() + padding;
        }
        // Fetches the bytes of a long piece.
        void prefetch() const {
            if ((high >> 56) != long_tag) return;
            __builtin_prefetch(address());
            __builtin_prefetch(address() + 64);
        }
        const char* address() const { return reinterpret_cast<const char*>(high & ((std::uint64_t{1} << 56) - 1)); }
    };
    static constexpr std::uint64_t long_tag = 0xff;

    PieceTable() = default;
    PieceTable(PieceTable&&) = default;
    PieceTable& operator=(PieceTable&&) = default;

    void add(std::string_view piece, const char* readable_end, std::int64_t weight) {
        count_of(piece, readable_end) += weight;
    }

    // A piece on its way into the table: `prepare` several, whose slots are then fetched at the same time, before
    // `add` of the first.
    struct Prepared {
        std::string_view piece;
        Entry key;
        std::uint64_t hash;
    };
    Prepared prepare(std::string_view piece, const char* readable_end) const {
        Prepared prepared{piece, {}, 0};
        if (piece.size() > inline_bytes) {
            prepared.hash = hash_long(piece.data(), piece.size());
        } else {
            pack_short(piece, readable_end, prepared.key);
            prepared.hash = hash_of(prepared.key);
        }
        const Shard& shard = shards_[prepared.hash >> 59];
        __builtin_prefetch(&shard.entries[prepared.hash & shard.mask], 1);
        return prepared;
    }
    void add(const Prepared& prepared, std::int64_t weight) {
        if (prepared.piece.size() > inline_bytes) {
            count_of_long(prepared.piece, prepared.hash) += weight;
        } else {
            count_of_short(prepared.key, prepared.hash) += weight;
        }
    }

    // The count of `piece`, which is 0 where it is new: the caller sets it before the next call.
    std::int64_t& count_of(std::string_view piece, const char* readable_end) {
        if (piece.size() > inline_bytes) return count_of_long(piece, hash_long(piece.data(), piece.size()));
        Entry key;
        pack_short(piece, readable_end, key);
        return count_of_short(key, hash_of(key));
    }

    // Adds the counts of one shard of `other`, whose stored bytes must outlive this table (see `adopt`).
    void merge_shard(const PieceTable& other, std::size_t index) {
        Shard& shard = shards_[index];
        for (const Entry& entry : other.shards_[index].entries) {
            if (entry.count == 0) continue;
            const std::uint64_t hash = hash_of(entry);
            for (std::size_t slot = hash & shard.mask;; slot = (slot + 1) & shard.mask) {
                Entry& mine = shard.entries[slot];
                if (mine.count == 0) {
                    place(shard, hash, entry).count = entry.count;
                    break;
                }
                if (same_piece(mine, entry)) {
                    mine.count += entry.count;
                    break;
                }
            }
        }
    }
    // Frees the slots of a shard that was merged elsewhere.
    void clear_shard(std::size_t index) { shards_[index] = Shard(); }
    // Takes over the stored bytes of `other`.
    void adopt(PieceTable& other) {
        for (auto& block : other.blocks_) blocks_.push_back(std::move(block));
        other.blocks_.clear();
        stored_bytes_ += std::exchange(other.stored_bytes_, 0);
        other.free_ = other.free_end_ = nullptr;
    }

    std::size_t size() const {
        std::size_t total = 0;
        for (const Shard& shard : shards_) total += shard.used;
        return total;
    }
    // Bytes that the slots and the long pieces take.
    std::size_t memory_bytes() const {
        std::size_t total = stored_bytes_;
        for (const Shard& shard : shards_) total += shard.entries.capacity() * sizeof(Entry);
        return total;
    }
    // The slots of one shard; those with count 0 are empty.
    const std::vector<Entry>& entries(std::size_t shard) const { return shards_[shard].entries; }

private:
    static constexpr std::size_t padding = 16;
    static constexpr std::size_t least_block = std::size_t{1} << 16;
    static constexpr std::size_t most_block = std::size_t{16} << 20;

    struct Shard {
        std::vector<Entry> entries = std::vector<Entry>(64);
        std::size_t mask = 63;
        std::size_t used = 0;
    };

    static void pack_short(std::string_view piece, const char* readable_end, Entry& key) {
        const std::size_t size = piece.size();
        if (piece.data() + 16 <= readable_end) {
            key.low = load_word(piece.data());
            key.high = load_word(piece.data() + 8);
            if (size <= 8) {
                key.high = 0;
                if (size < 8) key.low &= (std::uint64_t{1} << (8 * size)) - 1;
            } else {
                key.high &= (std::uint64_t{1} << (8 * (size - 8))) - 1;
            }
        } else {
            std::memcpy(&key, piece.data(), size);
        }
        key.high |= static_cast<std::uint64_t>(size) << 56;
    }

    static std::uint64_t hash_of(const Entry& key) {
        if ((key.high >> 56) == long_tag) return key.low;
        return mix(key.low ^ 0xa0761d6478bd642fu, key.high ^ 0xe7037ed1a0b428dbu);
    }

    static bool same_piece(const Entry& a, const Entry& b) {
        if (a.low != b.low) return false;
        return a.high == b.high || ((a.high >> 56) == long_tag && (b.high >> 56) == long_tag && a.text() == b.text());
    }

    std::int64_t& count_of_short(const Entry& key, std::uint64_t hash) {
        Shard& shard = shards_[hash >> 59];
        for (std::size_t slot = hash & shard.mask;; slot = (slot + 1) & shard.mask) {
            Entry& entry = shard.entries[slot];
            if (entry.low == key.low && entry.high == key.high) return entry.count;  // `high` is never 0 in a used slot
            if (entry.count == 0) return place(shard, hash, key).count;
        }
    }

    std::int64_t& count_of_long(std::string_view piece, std::uint64_t hash) {
        Shard& shard = shards_[hash >> 59];
        for (std::size_t slot = hash & shard.mask;; slot = (slot + 1) & shard.mask) {
            Entry& entry = shard.entries[slot];
            if (entry.count == 0) {
                const auto stored = reinterpret_cast<std::uint64_t>(store(piece));
                return place(shard, hash, {hash, long_tag << 56 | stored, 0}).count;
            }
            if (entry.low == hash && (entry.high >> 56) == long_tag && entry.text() == piece) return entry.count;
        }
    }

    const char* store(std::string_view piece) {
        const auto length = static_cast<std::uint32_t>(piece.size());
        const std::size_t needed = sizeof length + piece.size() + padding;
        if (static_cast<std::size_t>(free_end_ - free_) < needed) {
            const std::size_t size = std::max(needed, next_block_);
            next_block_ = std::min(most_block, 2 * next_block_);
            stored_bytes_ += size;
            blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
            prefer_huge_pages(blocks_.back().get(), size);
            free_ = blocks_.back().get();
            free_end_ = free_ + size;
        }
        char* const place = free_;
        std::memcpy(place, &length, sizeof length);
        std::memcpy(place + sizeof length, piece.data(), piece.size());
        free_ += sizeof length + piece.size();
        return place;
    }

    // Puts a new key into the first free slot of its chain, after making room.
    static Entry& place(Shard& shard, std::uint64_t hash, const Entry& key) {
        if (++shard.used * 8 > (shard.mask + 1) * 5) grow(shard);
        std::size_t slot = hash & shard.mask;
        while (shard.entries[slot].count != 0) slot = (slot + 1) & shard.mask;
        shard.entries[slot] = {key.low, key.high, 0};
        return shard.entries[slot];
    }

    static void grow(Shard& shard) {
        std::vector<Entry> larger;
        reserve_huge(larger, (shard.mask + 1) * 2);
        larger.resize((shard.mask + 1) * 2);
        const std::size_t mask = larger.size() - 1;
        for (const Entry& entry : shard.entries) {
            if (entry.count == 0) continue;
            std::size_t slot = hash_of(entry) & mask;
            while (larger[slot].count != 0) slot = (slot + 1) & mask;
            larger[slot] = entry;
        }
        shard.entries = std::move(larger);
        shard.mask = mask;
    }

    std::array<Shard, shard_count> shards_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t next_block_ = least_block;
    std::size_t stored_bytes_ = 0;
    char* free_ = nullptr;
    char* free_end_ = nullptr;
};

}  // namespace tokencraft
