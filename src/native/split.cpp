#include "split.hpp"

#include <bit>

#include "characters.hpp"
#include "digit_groups.hpp"
#include "split_blocks.hpp"

namespace tokencraft {
namespace {

// How a family of patterns spells its contractions ('s 't 're 've 'm 'll 'd).
enum class Contractions { none, lower, listed, folded };

// The end of the contraction at `at`, or `at` itself where there is none. `folded` is (?i:...): it also takes U+017F,
// the long s, which folds to s (so does Oniguruma); the listed spellings are ASCII.
template <Contractions kind>
const Byte* skip_contraction(const Byte* at, const Byte* end) {
    if constexpr (kind == Contractions::none) return at;
    if (end - at < 2 || *at != '\'') return at;
    const Byte fold = kind == Contractions::lower ? 0x00 : 0x20;
    const Byte first = at[1] | fold;
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    if (end - at < 3) return at;
    const Byte second = at[2] | fold;
    if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l'))
        return at + 3;
    if (kind == Contractions::folded && at[1] == 0xC5 && at[2] == 0xBF) return at + 3;
    return at;
}

// \s+(?!\S)|\s+ at the first character of white space: all of a run that ends the text (or, where `stop` says so,
// stands before a character of that set), else all but its last character, else that one.
template <ClassSet stop = 0>
const Byte* skip_white(const Byte* at, const Byte* end) {
    const Byte* last = at;
    const Byte* next = at;
    while (next < end) {
        const Character here = character(next, end);
        if (here.cls & stop) return next;
        if (!(here.cls & white)) return last > at ? last : next;
        last = next;
        next += here.length;
    }
    return end;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ : a run goes to its last line end where it has one.
template <bool whole_at_end = false>
const Byte* skip_white_lines(const Byte* at, const Byte* end) {
    const Byte* last = at;
    const Byte* next = at;
    const Byte* line = nullptr;
    while (next < end) {
        const Character here = character(next, end);
        if (!(here.cls & white)) {
            if (line) return line;
            return last > at ? last : next;
        }
        last = next;
        next += here.length;
        if (here.cls & newline) line = next;
    }
    if (whole_at_end) return end;
    return line ? line : end;
}

// `{first}{1,most}` for digits.
inline const Byte* skip_numbers(const Byte* at, const Byte* end, int most) {
    for (; most > 0 && at < end; --most) {
        const Character here = character(at, end);
        if (!(here.cls & number)) break;
        at += here.length;
    }
    return at;
}

inline bool starts_with(ClassSet set, const Byte* at, const Byte* end) {
    return at < end && (character(at, end).cls & set);
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
const Byte* next_gpt2(const Byte* at, const Byte* end) {
    if (const Byte* after = skip_contraction<Contractions::lower>(at, end); after != at) return after;
    const Byte* body = at + (*at == ' ');
    if (body < end) {
        const Character here = character(body, end);
        if (here.cls & letter) return skip<letter>(body + here.length, end);
        if (here.cls & number) return skip<number>(body + here.length, end);
        if (here.cls & other) return skip<other>(body + here.length, end);
    }
    return skip_white(at, end);
}

// ' ?[^\s\p{L}\p{N}]+[\r\n]*' at a character known to be in the class or a space; nullptr where it does not match.
template <ClassSet trail>
const Byte* skip_other(const Byte* at, const Byte* end) {
    const Byte* body = at + (*at == ' ');
    if (!starts_with(other, body, end)) return nullptr;
    return skip<trail>(skip<other>(body, end), end);
}

// (contractions)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <Contractions kind, int digits, bool whole_at_end = false>
const Byte* next_cl100k(const Byte* at, const Byte* end) {
    if (const Byte* after = skip_contraction<kind>(at, end); after != at) return after;
    const Character here = character(at, end);
    const Byte* second = at + here.length;
    if (here.cls & letter) return skip<letter>(second, end);
    if ((here.cls & prefix) && starts_with(letter, second, end)) return skip<letter>(second, end);
    if (here.cls & number) return skip_numbers(at, end, digits);
    if (const Byte* after = skip_other<newline>(at, end)) return after;
    return skip_white_lines<whole_at_end>(at, end);
}

// [upper]*[lower]+ at `at`, else (unless first_only) [upper]+[lower]*; nullptr where neither matches. Characters of
// both sets make the first alternative backtrack: in `ABx` it takes all, in `AB` nothing, in `A<Lo>B` all but the last.
template <bool first_only>
const Byte* skip_cased(const Byte* at, const Byte* end) {
    const Byte* next = at;
    const Byte* after_both = nullptr;
    Character here{};
    while (next < end) {
        here = character(next, end);
        if (!(here.cls & upper)) break;
        next += here.length;
        if (here.cls & both_cases) after_both = next;
    }
    if (next < end && (here.cls & lower)) return skip<lower>(next, end);
    if (after_both || first_only) return after_both;
    return next > at ? next : nullptr;
}

// [^\r\n\p{L}\p{N}]?[upper]*[lower]+(contraction)?|[^\r\n\p{L}\p{N}]?[upper]+[lower]*(contraction)?|\p{N}{1,3}
// | ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <Contractions kind>
const Byte* next_o200k(const Byte* at, const Byte* end) {
    const Character here = character(at, end);
    const Byte* second = at + here.length;
    const Byte* word = nullptr;
    if (here.cls & letter) {
        word = skip_cased<false>(at, end);
    } else if (here.cls & both_cases) {
        // A mark can be the optional prefix or the word itself: the first alternative tries both before the second is
        // tried.
        word = skip_cased<true>(second, end);
        if (!word) word = second;
    } else if (here.cls & prefix) {
        word = skip_cased<false>(second, end);
    }
    if (word) return skip_contraction<kind>(word, end);
    if (here.cls & number) return skip_numbers(at, end, 3);
    if (const Byte* after = skip_other<newline_or_slash>(at, end)) return after;
    return skip_white_lines(at, end);
}

//  ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ in text that ends at the next \p{N}
const Byte* next_paper(const Byte* at, const Byte* end) {
    const Byte* body = at + (*at == ' ');
    if (body < end) {
        const Character here = character(body, end);
        if (here.cls & letter) return skip<letter>(body + here.length, end);
        if (here.cls & other) return skip<other>(body + here.length, end);
    }
    return skip_white<number>(at, end);
}

// Where pieces end; room is made for a block of cuts at a time.
class Ends {
public:
    Ends(std::string_view text, std::vector<std::uint32_t>& ends)
        : begin(reinterpret_cast<const Byte*>(text.data())), end(begin + text.size()), ends_(ends), size_(ends.size()) {
        ends_.resize(size_ + text.size() / 8 + 2 * block);
    }
    ~Ends() { ends_.resize(size_); }

    void cut(const Byte* at) {
        make_room();
        ends_[size_++] = static_cast<std::uint32_t>(at - begin);
    }
    // Cuts at every bit of the mask.
    void cut(const Byte* at, Mask cuts) {
        make_room();
        const auto offset = static_cast<std::uint32_t>(at - begin);
        std::uint32_t* out = ends_.data() + size_;
        for (; cuts; cuts &= cuts - 1) *out++ = offset + static_cast<std::uint32_t>(std::countr_zero(cuts));
        size_ = static_cast<std::size_t>(out - ends_.data());
    }

    const Byte* const begin;
    const Byte* const end;

private:
    static constexpr std::size_t block = 64;
    void make_room() {
        if (size_ + block > ends_.size()) ends_.resize(size_ + size_ / 2 + 2 * block);
    }

    std::vector<std::uint32_t>& ends_;
    std::size_t size_;
};

// Blocks with fewer ASCII bytes at their beginning are left to the scanner, for a few pieces.
constexpr unsigned least_ascii = 16;
constexpr int pieces_between = 4;

// For patterns that leave no gaps: blocks of ASCII by `starts`, the rest by `next`, one call a piece.
template <const Byte* (*next)(const Byte*, const Byte*), typename Starts>
void split_covering(Ends& out, Starts starts) {
    const Byte* at = out.begin;
    while (has_blocks && out.end - at >= 64) {
        const AsciiBlock block(at);
        int pieces = pieces_between;
        if (block.size >= least_ascii) {
            if (const Mask found = starts(block, at)) {
                out.cut(at, found);
                at += 63 - std::countl_zero(found);
                continue;
            }
            pieces = 1;
        }
        for (; pieces > 0 && at < out.end; --pieces) out.cut(at = next(at, out.end));
    }
    while (at < out.end) out.cut(at = next(at, out.end));
}

void split_gpt2(Ends& out) {
    split_covering<next_gpt2>(out, [](const AsciiBlock& block, const Byte* at) {
        return starts_gpt2(block, at,
                           [](const Byte* from) { return skip_contraction<Contractions::lower>(from, from + 3); });
    });
}

template <Contractions kind, int digits, bool whole_at_end = false>
void split_cl100k(Ends& out) {
    split_covering<next_cl100k<kind, digits, whole_at_end>>(out, [](const AsciiBlock& block, const Byte* at) {
        return starts_words<false, digits, ContractionPlace::ahead>(
            block, at, [](const Byte* from) { return skip_contraction<kind>(from, from + 3); });
    });
}

template <Contractions kind>
void split_o200k(Ends& out) {
    constexpr auto place = kind == Contractions::none ? ContractionPlace::none : ContractionPlace::suffix;
    split_covering<next_o200k<kind>>(out, [](const AsciiBlock& block, const Byte* at) {
        return starts_words<true, 3, place>(block, at,
                                            [](const Byte* from) { return skip_contraction<kind>(from, from + 3); });
    });
}

// Characters that no match of superbpe_v2_stage2 begins with: letters, and white space other than the space itself.
constexpr ClassSet calm = set_of("ulbse");

// \p{N}{1,3}| ?[^\s\p{L}\p{N}]{2,}[\r\n/]*| +(?!\S) and the gaps.
void split_v2_stage2(Ends& out) {
    const Byte* gap = out.begin;  // where the text that no match has taken starts
    const Byte* at = out.begin;
    auto match = [&](const Byte* from, const Byte* to) {
        if (gap < from) out.cut(from);
        out.cut(to);
        gap = at = to;
    };
    while (at < out.end) {
        if (has_blocks && out.end - at >= 64) {
            const AsciiBlock block(at);
            unsigned resume = 0;
            Mask cuts = cuts_v2_stage2(block, resume);
            if (resume > 0) {
                if (gap == at) cuts &= ~Mask{1};
                if (cuts) {
                    out.cut(at, cuts);
                    gap = at + (63 - std::countl_zero(cuts));
                }
                at += resume;
                continue;
            }
        }
        // One match, or one character that starts none.
        const Character here = character(at, out.end);
        if (here.cls & number) {
            match(at, skip_numbers(at, out.end, 3));
            continue;
        }
        if (here.cls & calm) {
            at = skip<calm>(at, out.end);
            continue;
        }
        const Byte* body = here.cls & space ? at + 1 : at;
        if (starts_with(other, body, out.end)) {
            const Byte* second = body + character(body, out.end).length;
            const Byte* after = skip<other>(second, out.end);
            if (after > second) {
                match(at, skip<newline_or_slash>(after, out.end));
            } else {
                at = after;  // one symbol alone stays in the gap, and so does the space before it
            }
            continue;
        }
        // Spaces: all before white space or the end, else all but the last.
        const Byte* spaces = skip<space>(at, out.end);
        if (spaces < out.end && !starts_with(white, spaces, out.end)) --spaces;
        if (spaces > at) {
            match(at, spaces);
        } else {
            ++at;
        }
    }
    if (gap < out.end) out.cut(out.end);
}

// One run of \p{N}, split by (?=(\d{3})+(?!\d)): the empty matches lie where a positive multiple of three decimal
// digits is left. \d is \p{Nd} alone, so ½123 is ½|123 and 123½ stays whole.
const Byte* split_number_run(const Byte* at, Ends& out) {
    const Byte* const run = at;
    while (at < out.end) {
        const Byte* digits = at;
        std::size_t left = 0;
        for (Character here; digits < out.end && ((here = character(digits, out.end)).cls & digit);
             digits += here.length)
            ++left;
        for (; left > 0; --left) {
            if (left % 3 == 0 && at > run) out.cut(at);
            at += character(at, out.end).length;
        }
        if (!starts_with(number, at, out.end)) break;
        at += character(at, out.end).length;
    }
    out.cut(at);
    return at;
}

void split_paper_stage1(Ends& out) {
    const Byte* at = out.begin;
    while (at < out.end) {
        if (has_blocks && out.end - at >= 64) {
            const AsciiBlock block(at);
            const Mask found = block.size >= least_ascii ? starts_paper(block) : 0;
            if (found) {
                out.cut(at, found);
                at += 63 - std::countl_zero(found);
                continue;
            }
        }
        if (starts_with(number, at, out.end)) {
            at = split_number_run(at, out);
        } else {
            out.cut(at = next_paper(at, out.end));
        }
    }
}

void split_paper_stage2(Ends& out) {
    for (const Byte* at = out.begin; at < out.end;) {
        if (starts_with(number, at, out.end)) {
            at = split_number_run(at, out);
        } else {
            out.cut(at = skip<no_number>(at, out.end));
        }
    }
}

void split_digits_first(const DigitGroups& groups, Pattern pattern, std::string_view text,
                        std::vector<std::uint32_t>& ends) {
    const Byte* const begin = reinterpret_cast<const Byte*>(text.data());
    const auto offset = [&](const Byte* at) { return static_cast<std::uint32_t>(at - begin); };
    for_groups(
        groups, begin, begin + text.size(),
        [&](const Byte* from, const Byte* to) {
            if (pattern == Pattern::whole || to - from == 1) return ends.push_back(offset(to));
            const std::size_t first = ends.size();
            split(pattern, text.substr(offset(from), static_cast<std::size_t>(to - from)), ends);
            for (std::size_t i = first; i < ends.size(); ++i) ends[i] += offset(from);
        },
        [&](const Byte* to) { ends.push_back(offset(to)); });
}

}  // namespace

void split(Pattern pattern, std::string_view text, std::vector<std::uint32_t>& ends) {
    if (const std::optional<DigitGroups> groups = DigitGroups::of(static_cast<int>(pattern))) {
        return split_digits_first(*groups, static_cast<Pattern>(static_cast<int>(pattern) & 255), text, ends);
    }
    Ends out(text, ends);
    switch (pattern) {
        case Pattern::whole:
            if (!text.empty()) out.cut(out.end);
            return;
        case Pattern::gpt2:
            return split_gpt2(out);
        case Pattern::cl100k:
            return split_cl100k<Contractions::listed, 3>(out);
        case Pattern::llama3:
            return split_cl100k<Contractions::folded, 3>(out);
        case Pattern::qwen2:
            return split_cl100k<Contractions::folded, 1>(out);
        case Pattern::o200k:
            return split_o200k<Contractions::folded>(out);
        case Pattern::superbpe_v2_stage1:
            return split_o200k<Contractions::none>(out);
        case Pattern::superbpe_v2_stage2:
            return split_v2_stage2(out);
        case Pattern::superbpe_paper_stage1:
            return split_paper_stage1(out);
        case Pattern::superbpe_paper_stage2:
            return split_paper_stage2(out);
        case Pattern::o200k_listed:
            return split_o200k<Contractions::listed>(out);
        case Pattern::cl100k_trailing:
            return split_cl100k<Contractions::folded, 3, true>(out);
    }
}

}  // namespace tokencraft
