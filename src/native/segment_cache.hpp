// Remembers the tokens of short byte strings: one a thread, of bounded size, exact (keys are compared whole).
//
// Sets of two entries; a new key takes the first place of its set and moves the older one to the second. Up to
// `inline_ids` tokens lie in the entry, more in an arena; when that is full, everything is forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "bpe_rules.hpp"
#include "zeroed.hpp"

namespace tokencraft {

// Up to `words * 8 - 1` bytes, zero-padded, the length in the last byte.
template <int words>
struct SegmentKey {
    static constexpr std::size_t most = words * 8 - 1;
    std::array<std::uint64_t, words> word;

    // Reads words * 8 bytes at `bytes`; the caller makes sure that they can be read.
    static SegmentKey read(const char* bytes, std::size_t size) {
        SegmentKey key;
        std::memcpy(key.word.data(), bytes, sizeof key.word);
        for (int i = 0; i < words; ++i) {
            const std::size_t inside =
                size > static_cast<std::size_t>(i) * 8 ? size - static_cast<std::size_t>(i) * 8 : 0;
            key.word[i] &= low_bytes[inside < 8 ? inside : 8];
        }
        key.word[words - 1] |= std::uint64_t{size} << 56;
        return key;
    }
    bool operator==(const SegmentKey& other) const {
        std::uint64_t difference = 0;
        for (int i = 0; i < words; ++i) difference |= word[i] ^ other.word[i];
        return difference == 0;
    }
    std::uint64_t hash() const {
        std::uint64_t value = fold(word[0] ^ 0x9E3779B97F4A7C15u, word[1] ^ 0xC2B2AE3D27D4EB4Fu);
        for (int i = 2; i < words; i += 2)
            value ^= fold(word[i] ^ 0xD6E8FEB86659FD93u, word[i + 1] ^ 0xA0761D6478BD642Fu);
        return value;
    }

private:
    static constexpr std::uint64_t low_bytes[9] = {
        0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
    static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
        const auto product = static_cast<unsigned __int128>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    }
};

template <int words, int inline_ids>
class SegmentCache {
public:
    using Key = SegmentKey<words>;

    explicit SegmentCache(int set_bits) : shift_(64 - set_bits), entries_(std::size_t{2} << set_bits) {}

    // Where a key would lie; prefetched, because the lookup mostly waits for memory.
    std::size_t set_of(const Key& key) const {
        const std::size_t set = key.hash() >> shift_;
#if defined(__GNUC__)
        __builtin_prefetch(entries_.get() + set * 2);
#endif
        return set;
    }

    // Writes the remembered ids to `out`, which must have room for max(inline_ids, their number); their number, or -1
    // where the key is not remembered.
    int find(const Key& key, std::size_t set, Symbol* out) const {
        const Entry* entry = entries_.get() + set * 2;
        entry += entry[1].key == key;
        if (!(entry->key == key)) return -1;
        std::memcpy(out, entry->ids, sizeof entry->ids);
        if (entry->count > inline_ids) [[unlikely]]
            std::memcpy(out, arena_.data() + entry->ids[0], entry->count * sizeof(Symbol));
        return static_cast<int>(entry->count);
    }

    void insert(const Key& key, std::size_t set, std::span<const Symbol> ids) {
        Entry added{key, {}, static_cast<std::uint32_t>(ids.size())};
        if (ids.size() <= inline_ids) {
            std::memcpy(added.ids, ids.data(), ids.size_bytes());
        } else {
            if (arena_.size() + ids.size() > most_in_arena) {
                arena_.clear();
                entries_.clear();
            }
            added.ids[0] = static_cast<Symbol>(arena_.size());
            arena_.insert(arena_.end(), ids.begin(), ids.end());
        }
        Entry* entry = entries_.get() + set * 2;
        entry[1] = entry[0];
        entry[0] = added;
    }

private:
    // A zeroed entry has a key of length 0, which no segment has.
    struct Entry {
        Key key;
        Symbol ids[inline_ids];
        std::uint32_t count;
    };
    static constexpr std::size_t most_in_arena = std::size_t{1} << 20;

    int shift_;
    Zeroed<Entry> entries_;
    std::vector<Symbol> arena_;
};

}  // namespace tokencraft
