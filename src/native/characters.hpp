// Character classes at a position of UTF-8 text: a table for ASCII, the two-stage Unicode table for the rest.
#pragma once

#include <array>
#include <cstdint>

#include "unicode_tables.hpp"

namespace tokencraft {

using Byte = unsigned char;

// A set of the class letters of unicode_tables.hpp, one bit each. `many` stands for a byte that starts no ASCII
// character.
using ClassSet = std::uint32_t;
constexpr ClassSet set_of(const char* letters) {
    ClassSet set = 0;
    for (; *letters; ++letters) set |= ClassSet{1} << (*letters & 31);
    return set;
}
inline constexpr ClassSet many = set_of("z");
inline constexpr ClassSet letter = set_of("ulb");
inline constexpr ClassSet number = set_of("dn");
inline constexpr ClassSet digit = set_of("d");
inline constexpr ClassSet newline = set_of("e");
inline constexpr ClassSet space = set_of("g");
inline constexpr ClassSet white = set_of("sge");
inline constexpr ClassSet unassigned = set_of("c");
inline constexpr ClassSet other = set_of("ocmqx");     // [^\s\p{L}\p{N}]
inline constexpr ClassSet prefix = set_of("ocmqxsg");  // [^\r\n\p{L}\p{N}]
inline constexpr ClassSet upper = set_of("ubm");       // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
inline constexpr ClassSet lower = set_of("lbm");       // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
inline constexpr ClassSet newline_or_slash = set_of("ex");
inline constexpr ClassSet no_number = set_of("ulbcmoqxsge");
inline constexpr ClassSet both_cases = set_of("bm");

inline constexpr std::array<ClassSet, 256> ascii_class = [] {
    std::array<ClassSet, 256> table{};
    for (unsigned byte = 0; byte < 256; ++byte) {
        table[byte] = many;
        if (byte < 0x80)
            table[byte] =
                ClassSet{1} << (class_blocks[class_index[byte / class_block] * class_block + byte % class_block] & 31);
    }
    return table;
}();

struct Character {
    ClassSet cls;     // exactly one bit
    unsigned length;  // bytes
};

// The non-ASCII character at `at`; ill-formed bytes are single characters of class `o`.
inline Character wide_character(const Byte* at, const Byte* end) {
    constexpr Character broken{set_of("o"), 1};
    auto tail = [&](unsigned i) { return at + i < end && (at[i] & 0xC0) == 0x80; };
    std::uint32_t code;
    unsigned length;
    const Byte lead = at[0];
    if (lead < 0xC2) return broken;
    if (lead < 0xE0) {
        if (!tail(1)) return broken;
        code = (lead & 0x1Fu) << 6 | (at[1] & 0x3Fu);
        length = 2;
    } else if (lead < 0xF0) {
        if (!tail(1) || !tail(2)) return broken;
        code = (lead & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
        if (code < 0x800 || (code >= 0xD800 && code < 0xE000)) return broken;
        length = 3;
    } else {
        if (lead > 0xF4 || !tail(1) || !tail(2) || !tail(3)) return broken;
        code = (lead & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
        if (code < 0x10000 || code > 0x10FFFF) return broken;
        length = 4;
    }
    return {ClassSet{1} << (class_blocks[class_index[code / class_block] * class_block + code % class_block] & 31),
            length};
}

inline Character character(const Byte* at, const Byte* end) {
    const ClassSet cls = ascii_class[*at];
    return cls != many ? Character{cls, 1} : wide_character(at, end);
}

// The first position at or after `at` whose character is not in `set`.
template <ClassSet set>
inline const Byte* skip(const Byte* at, const Byte* end) {
    while (at < end) {
        const ClassSet cls = ascii_class[*at];
        if (cls & set) {
            ++at;
        } else if (cls == many) {
            const Character wide = wide_character(at, end);
            if (!(wide.cls & set)) return at;
            at += wide.length;
        } else {
            return at;
        }
    }
    return at;
}

}  // namespace tokencraft
