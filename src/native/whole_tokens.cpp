#include "whole_tokens.hpp"

#include <algorithm>

#include "characters.hpp"

namespace tokencraft {

namespace {

constexpr ClassSet word = letter | number;

bool last_is_word(std::string_view token) {
    const Byte* const begin = reinterpret_cast<const Byte*>(token.data());
    const Byte* const end = begin + token.size();
    bool found = false;
    for (const Byte* at = begin; at < end;) {
        const Character here = character(at, end);
        found = (here.cls & word) != 0;
        at += here.length;
    }
    return found;
}

}  // namespace

WholeTokens::WholeTokens(const std::vector<std::string>& tokens, Pattern pattern) : pattern_(pattern), nodes_(1) {
    for (const std::string& token : tokens) {
        std::uint32_t node = 0;
        for (const char c : token) {
            const auto byte = static_cast<Byte>(c);
            std::uint32_t next = 0;
            for (const auto& [label, child] : nodes_[node].children) {
                if (label == byte) next = child;
            }
            if (next == 0) {
                next = static_cast<std::uint32_t>(nodes_.size());
                nodes_[node].children.emplace_back(byte, next);
                nodes_.emplace_back();
            }
            node = next;
        }
        nodes_[node].ends_token = true;
        nodes_[node].ends_word = last_is_word(token);
    }
    for (const auto& [label, child] : nodes_[0].children) first_[label] = child;
}

// The end of the longest token at `at`; null where none stands there.
const Byte* WholeTokens::longest(const Byte* at, const Byte* end, bool& ends_word) const {
    const Byte* found = nullptr;
    std::uint32_t node = first_[*at];
    while (node != 0) {
        ++at;
        const Node& here = nodes_[node];
        if (here.ends_token && !(here.ends_word && at < end && (character(at, end).cls & word))) {
            found = at;
            ends_word = here.ends_word;
        }
        if (at == end) break;
        node = 0;
        for (const auto& [label, child] : here.children) {
            if (label == *at) node = child;
        }
    }
    return found;
}

void WholeTokens::split(std::string_view text, std::vector<std::uint32_t>& ends) const {
    const Byte* const begin = reinterpret_cast<const Byte*>(text.data());
    const Byte* const end = begin + text.size();
    const Byte* gap = begin;
    bool in_word = false;  // the character before is a letter or number
    auto cut_gap = [&](const Byte* until) {
        if (gap == until) return;
        const std::size_t known = ends.size();
        const auto offset = static_cast<std::uint32_t>(gap - begin);
        tokencraft::split(pattern_, text.substr(offset, static_cast<std::size_t>(until - gap)), ends);
        for (std::size_t i = known; i < ends.size(); ++i) ends[i] += offset;
    };
    for (const Byte* at = begin; at < end;) {
        const Character here = character(at, end);
        const bool is_word = (here.cls & word) != 0;
        if (first_[*at] != 0 && !(in_word && is_word)) {
            bool ends_word = false;
            if (const Byte* const stop = longest(at, end, ends_word)) {
                cut_gap(at);
                ends.push_back(static_cast<std::uint32_t>(stop - begin));
                gap = at = stop;
                in_word = ends_word;
                continue;
            }
        }
        in_word = is_word;
        at += here.length;
    }
    cut_gap(end);
}

}  // namespace tokencraft
