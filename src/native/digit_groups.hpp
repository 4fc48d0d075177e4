// Cuts runs of digits into groups, and hands over what lies between them.
//
// Contract: the groups are the matches of `DigitGroups.pattern` (vocabulary/numbers.py), to the byte: from the left, or
// so that full groups end where the run ends. Of a run whose groups would be more than `longest_run / size`, full groups
// are taken from the left first; behind "digit, full stop" the first six groups are taken from the left where
// `fraction` says so. Linear in the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "characters.hpp"

namespace tokencraft {

struct DigitGroups {
    static constexpr std::uint64_t longest_run = 510;  // digits that are grouped from the right
    static constexpr int fraction_groups = 6;

    unsigned size;      // 1 to 9
    bool from_right;
    bool fraction;
    ClassSet digits;    // `digit` or `number`

    // A splitter's number holds the pattern in its lowest 8 bits, then the size (4 bits; 0: no groups), the direction,
    // the treatment of fractions and the class of digits.
    static std::optional<DigitGroups> of(int code) {
        const unsigned size = static_cast<unsigned>(code >> 8) & 15u;
        if (size == 0) return std::nullopt;
        return DigitGroups{size, (code >> 12 & 1) != 0, (code >> 13 & 1) != 0, (code >> 14 & 1) != 0 ? number : digit};
    }
    static bool is_code(int code) {
        return code >= 0 && code >> 15 == 0 && (code >> 8 & 15) <= 9 && ((code >> 8 & 15) != 0 || code < 256);
    }
};

// The digits from `at` on that are of one run: their number, and where the run ends.
struct DigitRun {
    const Byte* end;
    std::uint64_t digits;
};

inline DigitRun digit_run(const DigitGroups& groups, const Byte* at, const Byte* end) {
    std::uint64_t digits = 0;
    while (at < end) {
        const Character here = character(at, end);
        if (!(here.cls & groups.digits)) break;
        at += here.length;
        ++digits;
    }
    return {at, digits};
}

// How many digits the next group takes, where `left` are left of the run.
inline std::uint64_t group_size(const DigitGroups& groups, std::uint64_t left) {
    if (!groups.from_right) return left < groups.size ? left : groups.size;
    const std::uint64_t rest = left % groups.size;
    const std::uint64_t count = left / groups.size + (rest != 0);
    return rest == 0 || count > DigitGroups::longest_run / groups.size ? groups.size : rest;
}

// Calls `gap(begin, end)` for every stretch without digits and `cut(end)` behind every group, in order.
template <typename Gap, typename Cut>
void for_groups(const DigitGroups& groups, const Byte* begin, const Byte* end, Gap gap, Cut cut) {
    const Byte* free = begin;      // where the stretch without digits began
    const Byte* before = nullptr;  // where the last run ended
    for (const Byte* at = begin; at < end;) {
        const Character here = character(at, end);
        if (!(here.cls & groups.digits)) {
            at += here.length;
            continue;
        }
        const DigitRun run = digit_run(groups, at, end);
        const bool fraction = groups.fraction && before != nullptr && before + 1 == at && *before == '.';
        if (free < at) gap(free, at);
        std::uint64_t left = run.digits;
        for (int index = 0; left > 0; ++index) {
            std::uint64_t taken = group_size(groups, left);
            if (fraction && index < DigitGroups::fraction_groups) taken = left < groups.size ? left : groups.size;
            left -= taken;
            for (; taken > 0; --taken) at += character(at, end).length;
            cut(at);
        }
        free = before = at;
    }
    if (free < end) gap(free, end);
}

}  // namespace tokencraft
