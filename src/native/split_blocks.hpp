// Piece starts of 64 bytes of ASCII at once, as bits: what makes split.cpp fast on English and code.
//
// A block begins where a piece begins, so nothing before it matters. Bit i of a mask is about byte i; `mask << 1` asks
// the byte before. The functions return the starts that are certain from the block alone (never bit 0): white space
// that reaches the end of the block, anything non-ASCII and the rare cases named below are left to the scanners of
// split.cpp.
#pragma once

#include <bit>
#include <cstdint>

#include "characters.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tokencraft {

#if defined(__SSE2__)
inline constexpr bool has_blocks = true;
#else
inline constexpr bool has_blocks = false;  // the scanners alone
#endif

using Mask = std::uint64_t;

inline Mask below(unsigned bit) { return bit >= 64 ? ~Mask{0} : (Mask{1} << bit) - 1; }

struct AsciiBlock {
    unsigned size = 0;  // ASCII bytes before the first other one, at most 64; no mask has a bit beyond
    Mask upper = 0, lower = 0, letters = 0, digits = 0, spaces = 0, newlines = 0, white = 0, others = 0,
         apostrophes = 0, slashes = 0;

    // Reads 64 bytes.
    explicit AsciiBlock(const Byte* at) {
#if defined(__SSE2__)
        Mask wide = 0;
        for (int part = 0; part < 4; ++part) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at) + part);
            auto mask = [&](__m128i set) {
                return static_cast<Mask>(static_cast<unsigned>(_mm_movemask_epi8(set))) << (part * 16);
            };
            // Unsigned bytes in [first, first + count): shift the range to the lowest signed values and compare.
            auto range = [&](char first, int count) {
                const __m128i shifted = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - first)));
                return mask(_mm_cmplt_epi8(shifted, _mm_set1_epi8(static_cast<char>(-128 + count))));
            };
            auto equal = [&](char byte) { return mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte))); };
            wide |= mask(bytes);
            upper |= range('A', 26);
            lower |= range('a', 26);
            digits |= range('0', 10);
            spaces |= equal(' ');
            newlines |= equal('\n') | equal('\r');
            white |= range('\t', 5);
            apostrophes |= equal('\'');
            slashes |= equal('/');
        }
        size = wide ? static_cast<unsigned>(std::countr_zero(wide)) : 64;
        const Mask valid = below(size);
        for (Mask* mask : {&upper, &lower, &digits, &spaces, &newlines, &white, &apostrophes, &slashes}) *mask &= valid;
        white |= spaces;
        letters = upper | lower;
        others = valid & ~(letters | digits | white);
#else
        (void)at;
#endif
    }
};

// Bits up to where the run of `set` that reaches the end of the block starts, that start included; all where none does.
inline Mask before_open_run(Mask set, unsigned size) {
    const unsigned open = static_cast<unsigned>(std::countl_one(set << (64 - size)));
    return open == 0 ? ~Mask{0} : below(size - open + 1);
}

// How contractions come in a pattern: ahead of a piece ('s | words | ...) or at the end of a word (words('s)?).
enum class ContractionPlace { none, ahead, suffix };

// Corrects `starts` for the contractions at `candidates` (apostrophes); `skip(at)` is the end of a contraction. Returns
// the bits that stay certain.
template <ContractionPlace place, typename Skip>
Mask apply_contractions(Mask candidates, Mask& starts, unsigned size, const Byte* at, Skip skip) {
    unsigned last_end = 64;
    for (; candidates; candidates &= candidates - 1) {
        const auto i = static_cast<unsigned>(std::countr_zero(candidates));
        if (i + 3 > size) return below(place == ContractionPlace::ahead ? i + 1 : i);
        if (place == ContractionPlace::suffix && i == last_end)
            continue;  // 's's: what ended in a contraction takes no other
        const auto length = static_cast<unsigned>(skip(at + i) - (at + i));
        if (length == 0) continue;
        starts &= ~((below(length) & ~Mask{place == ContractionPlace::ahead}) << i);
        last_end = i + length;
        if (last_end < 64) starts |= Mask{1} << last_end;
    }
    return ~Mask{0};
}

// 's|...| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
template <typename Skip>
Mask starts_gpt2(const AsciiBlock& block, const Byte* at, Skip skip) {
    const Mask free = ~(block.spaces << 1);  // no space before that belongs to the piece
    const Mask symbols = block.others & ~(block.others << 1) & free;
    Mask starts = ((block.letters & ~(block.letters << 1)) | (block.digits & ~(block.digits << 1))) & free;
    starts |= symbols | (block.white & ~(block.white << 1)) | (block.white & ~(block.white >> 1));
    Mask certain = before_open_run(block.white, block.size);
    if (const Mask contractions = block.apostrophes & symbols) {
        certain &= apply_contractions<ContractionPlace::ahead>(contractions, starts, block.size, at, skip);
    }
    return starts & certain & ~Mask{1};
}

//  ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ between runs of \p{N}, of which those of more than three digits are left
//  out.
inline Mask starts_paper(const AsciiBlock& block) {
    const Mask free = ~(block.spaces << 1);
    Mask starts = ((block.letters & ~(block.letters << 1)) | (block.others & ~(block.others << 1))) & free;
    const Mask first_digits = block.digits & ~(block.digits << 1);
    starts |= first_digits | (block.white & ~(block.white << 1));
    starts |= block.white & ~(block.white >> 1) & ~(block.digits >> 1);  // white space before digits is one piece
    Mask certain = before_open_run(block.white, block.size) & before_open_run(block.digits, block.size);
    if (const Mask fours = first_digits & (block.digits >> 1) & (block.digits >> 2) & (block.digits >> 3)) {
        certain &= below(static_cast<unsigned>(std::countr_zero(fours)) + 1);
    }
    return starts & certain & ~Mask{1};
}

// Every third digit of a run.
inline Mask thirds(Mask digits) {
    Mask starts = digits & ~(digits << 1);
    const Mask fourth = digits & (digits << 1) & (digits << 2) & (digits << 3);
    for (Mask next = (starts << 3) & fourth; next; next = (next << 3) & fourth) starts |= next;
    return starts;
}

// Line ends right after symbols belong to those, [\r\n]* or [\r\n/]*. `certain` ends at a slash that follows them.
inline Mask trailing_newlines(const AsciiBlock& block, bool slashes_trail, Mask after_symbols, Mask& certain) {
    const Mask first = block.newlines & after_symbols;
    if (!first) return 0;
    const Mask trailing = block.newlines & (block.newlines ^ (block.newlines + first));
    if (const Mask slash = slashes_trail ? block.slashes & (trailing << 1) : 0) {
        certain &= below(static_cast<unsigned>(std::countr_zero(slash)));
    }
    return trailing;
}

// The cl100k and o200k families: see next_cl100k and next_o200k in split.cpp.
template <bool cased, int digits, ContractionPlace place, typename Skip>
Mask starts_words(const AsciiBlock& block, const Byte* at, Skip skip) {
    Mask certain = before_open_run(block.white, block.size);
    const Mask first_symbols = block.others & ~(block.others << 1);
    const Mask symbols = first_symbols & ~(block.spaces << 1);
    // A single character, if no line end, goes with the letters after it: white space, or a symbol that starts a piece.
    const Mask taken = (block.white & ~block.newlines) | (symbols & ~(block.others >> 1));
    Mask starts = block.letters & ~(block.letters << 1) & ~(taken << 1);
    if (cased) starts |= block.upper & (block.lower << 1);
    starts |= digits == 1 ? block.digits : thirds(block.digits);
    starts |= symbols;

    const Mask trailing = trailing_newlines(block, cased, block.others << 1, certain);
    const Mask white = block.white & ~trailing;
    // A run of white space goes to its last line end where it has one.
    const Mask last_newlines = white & block.newlines & ~(block.newlines >> 1);
    const Mask blanks = white & ~block.newlines;
    const Mask after_newlines = (last_newlines << 1) & blanks;
    starts |= (white & ~(white << 1)) | after_newlines | (blanks & ~(block.white >> 1));
    if (const Mask again = (blanks + after_newlines) & ~blanks & block.newlines) {
        // Blanks between two line ends: those between them start nothing. Rare, so the scanner does it.
        const Mask earlier = last_newlines & below(static_cast<unsigned>(std::countr_zero(again)));
        certain &= below(64 - static_cast<unsigned>(std::countl_zero(earlier)));
    }
    if (place == ContractionPlace::ahead) {
        if (const Mask contractions = block.apostrophes & symbols) {
            certain &= apply_contractions<place>(contractions, starts, block.size, at, skip);
        }
    } else if (place == ContractionPlace::suffix) {
        if (const Mask contractions = block.apostrophes & (block.letters << 1)) {
            certain &= apply_contractions<place>(contractions, starts, block.size, at, skip);
        }
    }
    return starts & certain & ~Mask{1};
}

// \p{N}{1,3}| ?[^\s\p{L}\p{N}]{2,}[\r\n/]*| +(?!\S) and the gaps: the cuts up to the last letter, which no match holds.
// Bit 0 may be among them. `resume` becomes the bit of that letter, from which to go on; 0 where there is none.
inline Mask cuts_v2_stage2(const AsciiBlock& block, unsigned& resume) {
    const Mask doubles = block.others & (block.others << 1);
    const Mask first_doubles = block.others & ~(block.others << 1) & (block.others >> 1);
    const Mask spaced = first_doubles & (block.spaces << 1);
    const Mask after = (doubles << 1) & ~block.others;
    Mask certain = ~Mask{0};
    const Mask trailing = trailing_newlines(block, true, after, certain);
    const Mask letters = block.letters & certain & ~Mask{1};
    if (!letters) {
        resume = 0;
        return 0;
    }
    resume = 63 - static_cast<unsigned>(std::countl_zero(letters));
    Mask cuts = thirds(block.digits) | ((block.digits << 1) & ~block.digits);
    cuts |= (first_doubles & ~spaced) | (spaced >> 1) | (after & ~trailing) | ((trailing << 1) & ~trailing);

    const Mask first_spaces = block.spaces & ~(block.spaces << 1);
    const Mask last_spaces = block.spaces & ~(block.spaces >> 1);
    const Mask before_white = last_spaces & ((block.white & ~block.spaces) >> 1);
    const Mask several = block.spaces >> 1;  // at a first space: more follow
    cuts |= (first_spaces & several) | (first_spaces & before_white);
    cuts |= (before_white << 1) | (last_spaces & ~before_white & ~first_spaces);
    return cuts & below(resume + 1);
}

}  // namespace tokencraft
