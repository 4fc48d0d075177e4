#include "random_split.hpp"

#include <algorithm>

#include "characters.hpp"

namespace tokencraft {

namespace {

class SplitMix {
public:
    SplitMix(std::uint64_t seed, std::string_view text) {
        for (int byte = 0; byte < 8; ++byte) add(static_cast<Byte>(seed >> (8 * byte)));
        for (const char c : text) add(static_cast<Byte>(c));
    }
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    // In [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
    // In [0, count); the bias is below count / 2^64.
    std::uint32_t below(std::uint32_t count) {
        return static_cast<std::uint32_t>((static_cast<unsigned __int128>(next()) * count) >> 64);
    }

private:
    void add(Byte byte) { state_ = (state_ ^ byte) * 0x100000001b3u; }

    std::uint64_t state_ = 0xcbf29ce484222325u;
};

bool begins_character(char c) { return (static_cast<Byte>(c) & 0xC0) != 0x80; }

}  // namespace

void split_chunks(std::span<const LengthRange> ranges, std::uint64_t seed, std::string_view text,
                  std::vector<std::uint32_t>& ends) {
    if (text.empty()) return;
    SplitMix random(seed, text);
    const char* at = text.data();
    const char* const end = at + text.size();
    // The first byte begins a character, whatever it is.
    auto left = static_cast<std::uint32_t>(1 + std::count_if(at + 1, end, begins_character));
    while (left > 0) {
        const double drawn = random.unit();
        const LengthRange* range = ranges.data();
        while (drawn >= range->cumulative && range != &ranges.back()) ++range;
        const std::uint32_t shortest = std::min(range->shortest, left);
        const std::uint32_t length = shortest + random.below(std::min(range->longest, left) - shortest + 1);
        left -= length;
        if (left == 0) break;
        for (std::uint32_t passed = 0; passed < length;) passed += begins_character(*++at);
        ends.push_back(static_cast<std::uint32_t>(at - text.data()));
    }
    ends.push_back(static_cast<std::uint32_t>(text.size()));
}

void split_before_white(double probability, std::uint64_t seed, std::string_view text,
                        std::vector<std::uint32_t>& ends) {
    if (text.empty()) return;
    SplitMix random(seed, text);
    const Byte* const begin = reinterpret_cast<const Byte*>(text.data());
    const Byte* const end = begin + text.size();
    bool in_run = true;  // a run that begins the text draws nothing
    for (const Byte* at = begin; at < end;) {
        const Character here = character(at, end);
        const bool is_white = (here.cls & white) != 0;
        if (is_white && !in_run && random.unit() < probability) ends.push_back(static_cast<std::uint32_t>(at - begin));
        in_run = is_white;
        at += here.length;
    }
    ends.push_back(static_cast<std::uint32_t>(text.size()));
}

}  // namespace tokencraft
