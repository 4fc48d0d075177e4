// Encodes with a ranked lexicon, without cutting text first: by the longest match, or by the better of two paths.
//
// Two paths (Less-is-Better): where the longest token that begins the rest of a text has a shorter rival, both are
// followed, each by longest matches, until they end at the same place; the one of fewer tokens is taken as a whole, of
// two as long the one whose ranks have the smaller sum. A character that no token begins is one step of rank 0, and
// becomes the tokens of its bytes; a byte that is not UTF-8 is such a character.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parallel.hpp"

namespace tokencraft {

struct PathRules {
    bool two_paths = false;
    bool official = false;  // as published: a token without a shorter rival is not taken, its first character is
    bool deeper = false;    // tokens fall apart where both parts have better ranks, and the parts once more
};

class PathEncoder {
public:
    // Tokens by id; those with a rank (0 and more) are looked for in text. Every single byte needs a token, with or
    // without a rank. Throws std::invalid_argument otherwise.
    PathEncoder(std::vector<std::string> tokens, std::vector<std::int64_t> ranks, const PathRules& rules);

    struct Encoded {
        std::vector<std::uint32_t> ids;      // of all texts
        std::vector<std::int64_t> offsets;  // where each text begins, and the end
    };
    Encoded encode(std::span<const std::string_view> texts, unsigned threads, Control& control) const;

private:
    static constexpr std::uint32_t none = UINT32_MAX;

    struct Step {
        std::uint32_t id;  // none: a character without a token
        std::uint32_t length;  // bytes
    };
    struct Node {
        std::uint32_t first = 0;  // of its children, which follow one another
        std::uint32_t count = 0;
        std::uint32_t token = none;
    };

    void build_trie();
    void build_parts();
    std::uint32_t child(std::uint32_t node, unsigned char byte) const;
    // The longest token that begins the rest of the text, and the second longest.
    std::pair<Step, Step> two_longest(std::string_view rest) const;
    Step next(std::string_view rest) const;
    Step character(std::string_view rest) const;
    std::uint32_t find(std::string_view token) const;
    std::vector<std::uint32_t> parts_of(std::uint32_t id, int levels) const;
    std::int64_t rank(const Step& step) const { return step.id == none ? 0 : ranks_[step.id]; }
    void emit(const Step& step, std::string_view rest, std::vector<std::uint32_t>& ids) const;
    void encode_text(std::string_view text, std::vector<std::uint32_t>& ids, const Control& control) const;
    std::size_t better_path(std::string_view rest, const Step& big, const Step& small, std::vector<Step>& longer,
                            std::vector<Step>& shorter, std::vector<std::uint32_t>& ids) const;

    std::vector<std::string> tokens_;
    std::vector<std::int64_t> ranks_;
    PathRules rules_;
    std::array<std::uint32_t, 256> byte_ids_;
    std::array<std::uint32_t, 256> from_root_;  // nodes
    std::vector<Node> nodes_;
    std::vector<unsigned char> labels_;  // by node: the byte that leads to it
    std::vector<std::vector<std::uint32_t>> parts_;  // by token; empty: it stays whole
};

}  // namespace tokencraft
