#include "unassigned.hpp"

#include <cstring>

#include "characters.hpp"

namespace tokencraft {

bool has_unassigned(std::string_view text) {
    const Byte* at = reinterpret_cast<const Byte*>(text.data());
    const Byte* const end = at + text.size();
    while (at < end) {
        std::uint64_t eight;
        if (end - at >= 8 && (std::memcpy(&eight, at, 8), !(eight & 0x8080808080808080u))) {
            at += 8;
        } else if (*at < 0x80) {
            ++at;
        } else {
            const Character here = wide_character(at, end);
            if (here.cls & unassigned) return true;
            at += here.length;
        }
    }
    return false;
}

}  // namespace tokencraft
