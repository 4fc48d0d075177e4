#include "unassigned.hpp"

#include <algorithm>

#include "characters.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tokencraft {
namespace {

constexpr bool all_assigned(std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t code = first; code <= last; ++code) {
        const unsigned char letter = class_blocks[class_index[code / class_block] * class_block + code % class_block];
        if (ClassSet{1} << (letter & 31) & unassigned) return false;
    }
    return true;
}

// Latin with its accents, and Cyrillic: whatever follows these lead bytes is assigned.
constexpr Byte latin_end = 0xCD;
constexpr Byte cyrillic_begin = 0xD0;
constexpr Byte cyrillic_size = 4;
static_assert(all_assigned(0x80, (latin_end & 0x1F) * 64 - 1));
static_assert(all_assigned((cyrillic_begin & 0x1F) * 64, ((cyrillic_begin + cyrillic_size) & 0x1F) * 64 - 1));

constexpr std::size_t block = 16;

// Whether 16 bytes hold no other lead bytes than those.
bool is_plain(const Byte* at) {
#if defined(__SSE2__)
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    auto at_least = [](__m128i values, Byte least) {
        return _mm_cmpeq_epi8(_mm_max_epu8(values, _mm_set1_epi8(static_cast<char>(least))), values);
    };
    const __m128i beyond = at_least(bytes, latin_end);
    const __m128i no_cyrillic =
        at_least(_mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(cyrillic_begin))), cyrillic_size);
    return _mm_movemask_epi8(_mm_and_si128(beyond, no_cyrillic)) == 0;
#else
    for (std::size_t i = 0; i < block; ++i) {
        if (at[i] >= latin_end && static_cast<Byte>(at[i] - cyrillic_begin) >= cyrillic_size) return false;
    }
    return true;
#endif
}

}  // namespace

bool has_unassigned(std::string_view text) {
    const Byte* at = reinterpret_cast<const Byte*>(text.data());
    const Byte* const end = at + text.size();
    while (at < end) {
        if (static_cast<std::size_t>(end - at) >= block && is_plain(at)) {
            at += block;  // perhaps into a character, whose last bytes then count as broken, which is assigned
            continue;
        }
        const Byte* const stop = at + std::min<std::size_t>(block, static_cast<std::size_t>(end - at));
        while (at < stop) {
            const Character here = character(at, end);
            if (here.cls & unassigned) return true;
            at += here.length;
        }
    }
    return false;
}

}  // namespace tokencraft
