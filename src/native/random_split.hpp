// Cuts text at random places, for vocabularies whose tokens may span words: chunks of random lengths, and cuts before a
// random share of the runs of white space.
//
// Contract: the random numbers depend on the seed and the bytes of the text alone, so the same text is cut alike on
// every thread, shard and machine. They come from splitmix64, whose state begins as the FNV-1a hash of the seed (8
// bytes, lowest first) and the text. No character of valid UTF-8 is cut; a byte that continues no character belongs to
// the character before it. White space is that of split.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tokencraft {

// A range of lengths in characters, 1 <= shortest <= longest, with the probability of it or of a range before it; the
// last range takes what is left.
struct LengthRange {
    std::uint32_t shortest;
    std::uint32_t longest;
    double cumulative;
};

// Appends the END offset of every chunk of `text` (< 2^32 bytes). Again and again a range is drawn, then a length in
// it, both ends no larger than what is left.
void split_chunks(std::span<const LengthRange> ranges, std::uint64_t seed, std::string_view text,
                  std::vector<std::uint32_t>& ends);

// Appends the END offset of every piece of `text` (< 2^32 bytes): before every run of white space that does not begin
// the text, a cut is drawn.
void split_before_white(double probability, std::uint64_t seed, std::string_view text,
                        std::vector<std::uint32_t>& ends);

}  // namespace tokencraft
