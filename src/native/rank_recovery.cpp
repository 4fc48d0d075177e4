#include "rank_recovery.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <unordered_map>

namespace tokencraft {

namespace {

constexpr TokenId none = INT32_MAX;
using Ranks = std::unordered_map<std::string_view, TokenId>;

Parents parents_of(std::string_view token, const Ranks& ranks) {
    std::vector<std::size_t> starts;  // of the pieces, and the end of the last
    for (std::size_t i = 0; i <= token.size(); ++i) starts.push_back(i);
    auto rank_of = [&](std::size_t begin, std::size_t end) {
        const auto found = ranks.find(token.substr(begin, end - begin));
        return found == ranks.end() ? none : found->second;
    };
    while (starts.size() > 3) {
        TokenId lowest = none;
        std::size_t where = 0;
        for (std::size_t i = 0; i + 2 < starts.size(); ++i) {
            const TokenId rank = rank_of(starts[i], starts[i + 2]);
            if (rank < lowest) {
                lowest = rank;
                where = i;
            }
        }
        if (lowest == none) return {};
        starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
    }
    if (starts.size() < 3) return {};
    const Parents parents{rank_of(0, starts[1]), rank_of(starts[1], token.size())};
    return parents.left == none || parents.right == none ? Parents{} : parents;
}

}  // namespace

std::vector<Parents> recover_merges(std::span<const std::string_view> tokens, unsigned threads, Control& control) {
    Ranks ranks;
    ranks.reserve(tokens.size());
    for (std::size_t rank = 0; rank < tokens.size(); ++rank) {
        if (tokens[rank].empty()) throw std::invalid_argument("a token is empty");
        const bool added = ranks.emplace(tokens[rank], static_cast<TokenId>(rank)).second;
        if (!added) throw std::invalid_argument("a token is there twice");
    }
    std::vector<Parents> parents(tokens.size());
    constexpr std::size_t batch = 1024;
    run_items(threads, control, (tokens.size() + batch - 1) / batch, [&](unsigned, std::size_t index) {
        const std::size_t end = std::min(tokens.size(), (index + 1) * batch);
        for (std::size_t rank = index * batch; rank < end; ++rank) {
            if (control.stopped()) return;
            parents[rank] = parents_of(tokens[rank], ranks);
        }
    });
    return parents;
}

}  // namespace tokencraft
