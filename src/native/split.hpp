// Cuts text into the pieces of a well-known split pattern, without a regex engine.
//
// The semantics are those of `tokenizers`' Split(Regex(pattern), "isolated") (Oniguruma, leftmost match, first
// alternative wins): matches and the gaps between them are pieces. Character classes are those of Unicode 16.0.0, as
// there.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace tokencraft {

// The spelled-out patterns lie in vocabulary/split.py, under the same names.
enum class Pattern : int {
    whole = 0,
    gpt2 = 1,
    cl100k = 2,  // contractions listed letter by letter: ASCII only
    llama3 = 3,  // contractions as (?i:...), which also takes U+017F (long s) for an s
    qwen2 = 4,   // llama3 with single digits
    o200k = 5,   // contractions as (?i:...)
    superbpe_v2_stage1 = 6,
    superbpe_v2_stage2 = 7,
    superbpe_paper_stage1 = 8,
    superbpe_paper_stage2 = 9,
    o200k_listed = 10,     // o200k with contractions listed letter by letter
    cl100k_trailing = 11,  // tiktoken's own cl100k: as llama3, but white space that ends the text is one piece
};
inline constexpr int pattern_count = 12;

// A number of a pattern with digit groups in its higher bits (see digit_groups.hpp) cuts digits first, and every stretch
// between them by the pattern as if it stood alone.

// Appends the END offset of every piece of `text` (UTF-8, < 2^32 bytes) to `ends`; pieces are non-empty and cover the
// text in order. A byte that is not part of valid UTF-8 counts as one character of no class.
void split(Pattern pattern, std::string_view text, std::vector<std::uint32_t>& ends);

}  // namespace tokencraft
