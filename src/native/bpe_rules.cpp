#include "bpe_rules.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace tokencraft {
namespace {

constexpr std::size_t few = 48;  // up to here a scan for the lowest rank beats a heap

constexpr std::uint64_t heap_entry(std::uint32_t rank, std::size_t position) {
    return std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(position);
}

}  // namespace

PairTable::PairTable(std::span<const RankedMerge> merges) {
    const std::size_t size = std::bit_ceil(std::max<std::size_t>(merges.size() * 2, 16));
    entries_.resize(size);
    mask_ = size - 1;
    shift_ = 64 - std::countr_zero(size);
    for (const RankedMerge& merge : merges) {
        const std::uint64_t key = key_of(merge.left, merge.right);
        std::size_t at = slot_of(key);
        while (entries_[at].key != key && entries_[at].key != empty) at = (at + 1) & mask_;
        entries_[at] = {key, merge.rank, merge.result};
    }
}

double Random::uniform() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1.0p-53;
}

BpeRules::BpeRules(std::vector<std::string> tokens, std::vector<RankedMerge> merges)
    : tokens_(std::move(tokens)), merges_(std::move(merges)), pairs_(merges_) {
    for (std::size_t i = 0; i < merges_.size(); ++i) {
        const RankedMerge& merge = merges_[i];
        const std::size_t size = tokens_.size();
        if (merge.left >= size || merge.right >= size || merge.result >= size || merge.rank == no_rank ||
            tokens_[merge.left].empty() || tokens_[merge.right].empty() ||
            tokens_[merge.left] + tokens_[merge.right] != tokens_[merge.result]) {
            throw std::invalid_argument("merge " + std::to_string(i) + " does not give the bytes of its token");
        }
    }
    of_byte_.fill(no_symbol);
    by_bytes_.reserve(tokens_.size());
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
        const std::string& bytes = tokens_[id];
        if (bytes.empty()) continue;
        longest_ = std::max(longest_, bytes.size());
        by_bytes_.emplace(bytes, static_cast<Symbol>(id));
        if (bytes.size() != 1) continue;
        Symbol& symbol = of_byte_[static_cast<unsigned char>(bytes[0])];
        if (symbol == no_symbol) symbol = static_cast<Symbol>(id);
    }
}

std::vector<RankedMerge> BpeRules::merges_of_ranks(std::span<const std::string> tokens) {
    std::unordered_map<std::string_view, Symbol> ids;
    ids.reserve(tokens.size());
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        if (!tokens[id].empty()) ids.emplace(tokens[id], static_cast<Symbol>(id));
    }
    std::vector<RankedMerge> merges;
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const std::string_view bytes = tokens[id];
        if (bytes.empty() || ids.find(bytes)->second != id) continue;
        for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
            const auto left = ids.find(bytes.substr(0, cut));
            if (left == ids.end()) continue;
            const auto right = ids.find(bytes.substr(cut));
            if (right == ids.end()) continue;
            merges.push_back({left->second, right->second, static_cast<Symbol>(id), static_cast<std::uint32_t>(id)});
        }
    }
    return merges;
}

Symbol BpeRules::find(std::string_view bytes) const {
    if (bytes.size() > longest_) return no_symbol;
    const auto found = by_bytes_.find(bytes);
    return found == by_bytes_.end() ? no_symbol : found->second;
}

std::size_t BpeRules::start(std::string_view bytes, Symbol* out) const {
    Symbol* at = out;
    for (const char byte : bytes) {
        *at = of_byte_[static_cast<unsigned char>(byte)];
        at += *at != no_symbol;
    }
    return static_cast<std::size_t>(at - out);
}

std::size_t BpeRules::apply(Symbol* symbols, std::size_t count, std::uint32_t limit, MergeScratch& scratch) const {
    if (count <= few) return apply_few(symbols, count, limit);
    return apply_heap(symbols, count, limit, scratch, [](const PairTable::Entry&, Symbol, std::uint64_t) { return true; });
}

std::size_t BpeRules::apply_few(Symbol* symbols, std::size_t count, std::uint32_t limit) const {
    std::uint32_t rank[few];  // of the pair that starts at a position
    Symbol result[few];
    auto look = [&](std::size_t at) {
        const PairTable::Entry& entry = pairs_.find(symbols[at], symbols[at + 1]);
        rank[at] = entry.rank < limit ? entry.rank : no_rank;
        result[at] = entry.result;
    };
    for (std::size_t at = 0; at + 1 < count; ++at) look(at);
    while (count > 1) {
        std::size_t best = 0;
        for (std::size_t at = 1; at + 1 < count; ++at) {
            if (rank[at] < rank[best]) best = at;
        }
        if (rank[best] == no_rank) break;
        symbols[best] = result[best];
        --count;
        std::copy(symbols + best + 2, symbols + count + 1, symbols + best + 1);
        if (best + 1 < count) {
            std::copy(rank + best + 1, rank + count, rank + best);
            std::copy(result + best + 1, result + count, result + best);
            look(best);
        }
        if (best > 0) look(best - 1);
    }
    return count;
}

// `keep(entry, right, heap entry)` says whether a popped merge is applied now.
template <typename Keep>
std::size_t BpeRules::apply_heap(Symbol* symbols, std::size_t count, std::uint32_t limit, MergeScratch& scratch,
                                 Keep&& keep) const {
    auto& next = scratch.next;
    auto& previous = scratch.previous;
    auto& heap = scratch.heap;
    if (next.size() < count) {
        next.resize(count);
        previous.resize(count);
    }
    heap.clear();
    const auto end = static_cast<std::uint32_t>(count);
    auto rank_at = [&](std::uint32_t at) {
        const std::uint32_t rank = pairs_.find(symbols[at], symbols[next[at]]).rank;
        return rank < limit ? rank : no_rank;
    };
    for (std::uint32_t at = 0; at < end; ++at) {
        next[at] = at + 1;
        previous[at] = at - 1;
    }
    for (std::uint32_t at = 0; at + 1 < end; ++at) {
        if (const std::uint32_t rank = rank_at(at); rank != no_rank) heap.push_back(heap_entry(rank, at));
    }
    constexpr std::greater<> later;
    std::make_heap(heap.begin(), heap.end(), later);
    auto push = [&](std::uint32_t at) {
        if (const std::uint32_t rank = rank_at(at); rank != no_rank) {
            heap.push_back(heap_entry(rank, at));
            std::push_heap(heap.begin(), heap.end(), later);
        }
    };
    while (!heap.empty()) {
        const std::uint64_t top = heap.front();
        std::pop_heap(heap.begin(), heap.end(), later);
        heap.pop_back();
        const auto at = static_cast<std::uint32_t>(top);
        const auto rank = static_cast<std::uint32_t>(top >> 32);
        // A symbol that was merged away is no_symbol; a pair that changed since has another rank, and its own entry.
        if (symbols[at] == no_symbol || next[at] == end) continue;
        const std::uint32_t right = next[at];
        const PairTable::Entry& entry = pairs_.find(symbols[at], symbols[right]);
        if (entry.rank != rank || !keep(entry, symbols[right], top)) continue;
        symbols[at] = entry.result;
        symbols[right] = no_symbol;
        next[at] = next[right];
        if (next[right] != end) previous[next[right]] = at;
        if (next[at] != end) push(at);
        if (at > 0) push(previous[at]);
    }
    std::size_t kept = 0;
    for (std::uint32_t at = 0; at < end; at = next[at]) symbols[kept++] = symbols[at];
    return kept;
}

std::size_t BpeRules::apply_dropout(Symbol* symbols, std::size_t count, const Dropout& dropout, Random& random,
                                    MergeScratch& scratch) const {
    auto& skipped = scratch.skipped;
    skipped.clear();
    return apply_heap(symbols, count, no_rank, scratch, [&](const PairTable::Entry&, Symbol right, std::uint64_t top) {
        if (dropout.superword > 0.0 && tokens_[right][0] == ' ' && random.uniform() < dropout.superword) return false;
        if (dropout.any > 0.0 && random.uniform() < dropout.any) {
            skipped.push_back(top);
            return false;
        }
        for (const std::uint64_t entry : skipped) {
            scratch.heap.push_back(entry);
            std::push_heap(scratch.heap.begin(), scratch.heap.end(), std::greater<>());
        }
        skipped.clear();
        return true;
    });
}

}  // namespace tokencraft
