// The Mersenne Twister MT19937, seeded and read as Python's `random.Random` does it: the same seed, the same numbers.
//
// Matsumoto, Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number generator",
// 1998.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tokencraft {

class MersenneTwister {
public:
    static constexpr std::size_t words = 624;
    using State = std::array<std::uint32_t, words + 1>;  // the words, and how many of them have been read

    explicit MersenneTwister(std::uint64_t seed) {
        // Python seeds with the 32-bit digits of the number, lowest first.
        const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed),
                                               static_cast<std::uint32_t>(seed >> 32)};
        const std::size_t length = key[1] != 0 ? 2 : 1;
        state_[0] = 19650218;
        for (std::uint32_t i = 1; i < words; ++i) state_[i] = mixed(i, 1812433253u) + i;
        std::uint32_t i = 1;
        std::size_t j = 0;
        auto step = [&] {
            if (++i == words) {
                state_[0] = state_[words - 1];
                i = 1;
            }
        };
        for (std::size_t k = 0; k < words; ++k) {  // the key is shorter than the state
            state_[i] = (state_[i] ^ mixed(i, 1664525u)) + key[j] + static_cast<std::uint32_t>(j);
            step();
            if (++j == length) j = 0;
        }
        for (std::size_t k = 1; k < words; ++k) {
            state_[i] = (state_[i] ^ mixed(i, 1566083941u)) - i;
            step();
        }
        state_[0] = 0x80000000u;
        state_[words] = words;
    }

    explicit MersenneTwister(const State& state) : state_(state) {}

    const State& state() const { return state_; }

    // Uniform in [0, 1) with 53 bits, as `random.random()`.
    double uniform() {
        const std::uint32_t high = next() >> 5;
        const std::uint32_t low = next() >> 6;
        return (high * 67108864.0 + low) * (1.0 / 9007199254740992.0);
    }

private:
    std::uint32_t mixed(std::uint32_t i, std::uint32_t factor) const {
        return factor * (state_[i - 1] ^ (state_[i - 1] >> 30));
    }

    std::uint32_t next() {
        if (state_[words] >= words) refill();
        std::uint32_t y = state_[state_[words]++];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        return y ^ (y >> 18);
    }

    void refill() {
        for (std::size_t i = 0; i < words; ++i) {
            const std::uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % words] & 0x7fffffffu);
            state_[i] = state_[(i + 397) % words] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfu : 0u);
        }
        state_[words] = 0;
    }

    State state_;
};

}  // namespace tokencraft
