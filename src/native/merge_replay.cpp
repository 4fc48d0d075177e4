#include "merge_replay.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

namespace tokencraft {

namespace {

constexpr std::size_t longest_known_chunk = 64;
constexpr std::size_t most_known_chunks = std::size_t{1} << 19;
constexpr std::size_t short_chunk = 24;
constexpr std::int32_t unknown_rank = -2;

}  // namespace

MergeReplay::MergeReplay(std::span<const Merge> merges, std::span<const std::string_view> bytes_of,
                         const std::array<TokenId, 256>& byte_ids)
    : byte_ids_(byte_ids) {
    results_.reserve(merges.size());
    slots_.resize(std::bit_ceil(std::max<std::size_t>(16, merges.size() * 2)));
    mask_ = slots_.size() - 1;
    for (const Merge& merge : merges) {
        const auto rank = static_cast<std::int32_t>(results_.size());
        results_.push_back(merge.result);
        const std::uint64_t key = pair_key(merge.left, merge.right);
        std::size_t slot = hash_pair(key) & mask_;
        while (slots_[slot].rank != no_rank && slots_[slot].key != key) slot = (slot + 1) & mask_;
        if (slots_[slot].rank == no_rank) slots_[slot] = {key, rank};  // a repeated pair keeps its first rank
        const auto last = static_cast<unsigned char>(bytes_of[merge.left].back());
        const auto first = static_cast<unsigned char>(bytes_of[merge.right].front());
        joined_.set(std::size_t{last} << 8 | first);
    }
}

std::int32_t MergeReplay::rank(TokenId left, TokenId right) const {
    const std::uint64_t key = pair_key(left, right);
    for (std::size_t slot = hash_pair(key) & mask_;; slot = (slot + 1) & mask_) {
        if (slots_[slot].key == key || slots_[slot].rank == no_rank) return slots_[slot].rank;
    }
}

void MergeReplay::append(std::string_view piece, const char* readable_end, std::vector<TokenId>& tokens,
                         Scratch& scratch) const {
    std::size_t begin = 0;
    for (std::size_t i = 1; i <= piece.size(); ++i) {
        if (i < piece.size()) {
            const auto last = static_cast<unsigned char>(piece[i - 1]);
            const auto first = static_cast<unsigned char>(piece[i]);
            if (joined_[std::size_t{last} << 8 | first]) continue;
        }
        if (i - begin == 1) {
            tokens.push_back(byte_ids_[static_cast<unsigned char>(piece[begin])]);
        } else {
            append_chunk(piece.substr(begin, i - begin), readable_end, tokens, scratch);
        }
        begin = i;
    }
}

void MergeReplay::append_chunk(std::string_view chunk, const char* readable_end, std::vector<TokenId>& tokens,
                               Scratch& scratch) const {
    std::int64_t* place = nullptr;
    if (chunk.size() <= longest_known_chunk) {
        if (scratch.stored.size() >= most_known_chunks * 4) {  // those that matter are soon there again
            scratch.known = PieceTable();
            scratch.stored.clear();
        }
        place = &scratch.known.count_of(chunk, readable_end);
        if (*place != 0) {
            const TokenId* stored = scratch.stored.data() + *place;
            tokens.insert(tokens.end(), stored + 1, stored + 1 + *stored);
            return;
        }
    }
    scratch.fired.resize(results_.size());
    scratch.tokens.clear();
    for (const char byte : chunk) scratch.tokens.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
    if (chunk.size() <= short_chunk) {
        merge_short(scratch);
    } else {
        merge_long(scratch);
    }
    tokens.insert(tokens.end(), scratch.tokens.begin(), scratch.tokens.end());
    if (place != nullptr) {
        if (scratch.stored.empty()) scratch.stored.push_back(0);  // so that no place is 0
        *place = static_cast<std::int64_t>(scratch.stored.size());
        scratch.stored.push_back(static_cast<TokenId>(scratch.tokens.size()));
        scratch.stored.insert(scratch.stored.end(), scratch.tokens.begin(), scratch.tokens.end());
    }
}

void MergeReplay::merge_short(Scratch& scratch) const {
    auto& tokens = scratch.tokens;
    auto& ranks = scratch.ranks;  // of the pair that begins at each token
    ranks.resize(tokens.size());
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) ranks[i] = rank(tokens[i], tokens[i + 1]);
    std::int32_t applied = -1;
    while (tokens.size() > 1) {
        std::int32_t lowest = no_rank;
        for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
            if (ranks[i] < lowest && ranks[i] > applied) lowest = ranks[i];
        }
        if (lowest == no_rank) return;
        applied = lowest;
        scratch.fired[lowest] = 1;
        std::size_t kept = 0;
        for (std::size_t i = 0; i < tokens.size(); ++i, ++kept) {
            if (ranks[i] == lowest && i + 1 < tokens.size()) {
                tokens[kept] = results_[lowest];
                ranks[kept] = unknown_rank;
                if (kept > 0) ranks[kept - 1] = unknown_rank;
                ++i;
            } else {
                tokens[kept] = tokens[i];
                ranks[kept] = ranks[i];
            }
        }
        tokens.resize(kept);
        for (std::size_t i = 0; i + 1 < kept; ++i) {
            if (ranks[i] == unknown_rank) ranks[i] = rank(tokens[i], tokens[i + 1]);
        }
    }
}

void MergeReplay::merge_long(Scratch& scratch) const {
    auto& tokens = scratch.tokens;
    auto& previous = scratch.previous;
    auto& next = scratch.next;
    auto& queue = scratch.queue;  // rank << 32 | position, smallest first
    const auto size = static_cast<std::int32_t>(tokens.size());
    previous.resize(tokens.size());
    next.resize(tokens.size());
    queue.clear();
    auto entry = [](std::int32_t rank, std::int32_t position) {
        return static_cast<std::uint64_t>(rank) << 32 | static_cast<std::uint32_t>(position);
    };
    for (std::int32_t i = 0; i < size; ++i) {
        previous[i] = i - 1;
        next[i] = i + 1;
        if (i + 1 == size) break;
        const std::int32_t found = rank(tokens[i], tokens[i + 1]);
        if (found != no_rank) queue.push_back(entry(found, i));
    }
    std::make_heap(queue.begin(), queue.end(), std::greater<>());
    auto push = [&](std::int32_t position, std::int32_t applied) {
        const std::int32_t found = rank(tokens[position], tokens[next[position]]);
        if (found == no_rank || found <= applied) return;
        queue.push_back(entry(found, position));
        std::push_heap(queue.begin(), queue.end(), std::greater<>());
    };
    while (!queue.empty()) {
        std::pop_heap(queue.begin(), queue.end(), std::greater<>());
        const auto lowest = static_cast<std::int32_t>(queue.back() >> 32);
        const auto position = static_cast<std::int32_t>(queue.back() & 0xffffffffu);
        queue.pop_back();
        if (tokens[position] < 0 || next[position] == size) continue;
        const std::int32_t right = next[position];
        if (rank(tokens[position], tokens[right]) != lowest) continue;
        scratch.fired[lowest] = 1;
        tokens[position] = results_[lowest];
        tokens[right] = -1;
        next[position] = next[right];
        if (next[right] < size) {
            previous[next[right]] = position;
            push(position, lowest);
        }
        if (previous[position] >= 0) push(previous[position], lowest);
    }
    std::erase(tokens, -1);
}

}  // namespace tokencraft
