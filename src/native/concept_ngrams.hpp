// Character n-grams of the words of concepts, and the pieces that a word falls into by merges among its own n-grams.
//
// Contract: words have 1 to `longest_word` code points and positive weights. Every substring of a word is counted once a
// place and weight; with `tails_again` a tail of length m of a word of length n counts n - m + 1 times, as where words are
// cut into n-grams without looking at their end. `cut` may be called from several threads at once.
//
// `cut` takes the distinct n-grams of a word by length, then by place, each weighing as much as it was counted (1 where it
// was not), written as its characters with an end mark on the last. It joins the heaviest adjacent pair everywhere, the one
// met first of equal ones, as often as asked for while a pair weighs at least 2. Then it cuts the word from the left, where
// each piece is the longest string of at most `longest` code points that a merge has made, or a single one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parallel.hpp"

namespace tokencraft {

class ConceptNgrams {
public:
    static constexpr std::size_t longest_word = 255;

    ConceptNgrams(std::vector<std::u32string> words, std::span<const std::int64_t> weights, bool tails_again,
                  Control& control);

    std::int64_t total() const { return total_; }
    std::size_t size() const { return used_; }
    std::int64_t count(std::u32string_view ngram) const;

    // Appends the END offsets (code points) of the pieces of a word.
    void cut(std::u32string_view word, unsigned merges, std::size_t longest, std::vector<std::uint32_t>& ends) const;

private:
    struct Slot {
        const char32_t* data = nullptr;
        std::uint32_t size = 0;
        std::uint64_t hash = 0;
        std::int64_t count = 0;
    };

    void add(const char32_t* data, std::uint32_t size, std::uint64_t hash, std::int64_t weight);
    const Slot* find(std::u32string_view ngram, std::uint64_t hash) const;
    void grow();

    std::vector<std::u32string> words_;  // what the slots point into
    std::vector<Slot> slots_;
    std::size_t used_ = 0;
    std::int64_t total_ = 0;
};

}  // namespace tokencraft
