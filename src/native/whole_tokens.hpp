// Keeps given strings whole where a split pattern would cut them.
//
// Contract: from the left, the longest string that stands at a position is a piece; what lies between such pieces is
// cut by `pattern` as if it stood alone. A string that begins (ends) with a letter or number is not found behind
// (before) one: it would cut a word. Strings are valid UTF-8 and not empty; the text may be any bytes. Equal to the
// regular expressions of vocabulary/whole_tokens.py.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "split.hpp"

namespace tokencraft {

class WholeTokens {
public:
    WholeTokens(const std::vector<std::string>& tokens, Pattern pattern);

    // Appends the END offset of every piece of `text` (< 2^32 bytes) to `ends`.
    void split(std::string_view text, std::vector<std::uint32_t>& ends) const;

private:
    struct Node {
        std::vector<std::pair<unsigned char, std::uint32_t>> children;  // few each
        bool ends_token = false;
        bool ends_word = false;  // the token's last character is a letter or number
    };

    const unsigned char* longest(const unsigned char* at, const unsigned char* end, bool& ends_word) const;

    Pattern pattern_;
    std::vector<Node> nodes_;
    std::array<std::uint32_t, 256> first_{};  // the node of each first byte; 0 where no token begins so
};

}  // namespace tokencraft
