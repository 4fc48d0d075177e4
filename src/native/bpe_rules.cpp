#include "bpe_rules.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace tokencraft {
namespace {

constexpr std::size_t few = 48;  // up to here a scan for the lowest rank beats a heap

constexpr std::uint64_t heap_entry(std::uint32_t rank, std::size_t position) {
    return std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(position);
}

// A scan for the lowest rank after every merge.
std::size_t apply_few(const PairTable& pairs, Symbol* symbols, std::size_t count) {
    std::uint32_t ranks[few];  // of the pair that starts at a position
    for (std::size_t at = 0; at + 1 < count; ++at) ranks[at] = pairs.find(symbols[at], symbols[at + 1]);
    while (count > 1) {
        std::uint32_t lowest = no_rank;
        std::size_t best = 0;
        for (std::size_t at = 0; at + 1 < count; ++at) {
            best = ranks[at] < lowest ? at : best;
            lowest = ranks[at] < lowest ? ranks[at] : lowest;
        }
        if (lowest == no_rank) break;
        symbols[best] = pairs.result(lowest);
        --count;
        for (std::size_t at = best + 1; at < count; ++at) {
            symbols[at] = symbols[at + 1];
            ranks[at - 1] = ranks[at];
        }
        if (best + 1 < count) ranks[best] = pairs.find(symbols[best], symbols[best + 1]);
        if (best > 0) ranks[best - 1] = pairs.find(symbols[best - 1], symbols[best]);
    }
    return count;
}

// A linked list and a heap. `keep(right symbol, heap entry)` says whether a popped merge is applied now.
template <typename Keep>
std::size_t apply_heap(const PairTable& pairs, Symbol* symbols, std::size_t count, MergeScratch& scratch, Keep&& keep) {
    auto& next = scratch.next;
    auto& previous = scratch.previous;
    auto& heap = scratch.heap;
    if (next.size() < count) {
        next.resize(count);
        previous.resize(count);
    }
    heap.clear();
    const auto end = static_cast<std::uint32_t>(count);
    for (std::uint32_t at = 0; at < end; ++at) {
        next[at] = at + 1;
        previous[at] = at - 1;
    }
    auto add = [&](std::uint32_t at) {
        const std::uint32_t rank = pairs.find(symbols[at], symbols[next[at]]);
        if (rank != no_rank) heap.push_back(heap_entry(rank, at));
        return rank != no_rank;
    };
    for (std::uint32_t at = 0; at + 1 < end; ++at) add(at);
    constexpr std::greater<> later;
    std::make_heap(heap.begin(), heap.end(), later);
    while (!heap.empty()) {
        const std::uint64_t top = heap.front();
        std::pop_heap(heap.begin(), heap.end(), later);
        heap.pop_back();
        const auto at = static_cast<std::uint32_t>(top);
        // A symbol that was merged away is no_symbol; a pair that changed since has another rank, and its own entry.
        if (symbols[at] == no_symbol || next[at] == end) continue;
        const std::uint32_t right = next[at];
        const std::uint32_t rank = pairs.find(symbols[at], symbols[right]);
        if (rank != top >> 32 || !keep(symbols[right], top)) continue;
        symbols[at] = pairs.result(rank);
        symbols[right] = no_symbol;
        next[at] = next[right];
        if (next[right] != end) previous[next[right]] = at;
        if (next[at] != end && add(at)) std::push_heap(heap.begin(), heap.end(), later);
        if (at > 0 && add(previous[at])) std::push_heap(heap.begin(), heap.end(), later);
    }
    std::size_t kept = 0;
    for (std::uint32_t at = 0; at < end; at = next[at]) symbols[kept++] = symbols[at];
    return kept;
}

}  // namespace

PairTable::PairTable(std::span<const RankedMerge> merges) : buckets_(merges.size() * 10 / 16 + 1) {
    std::uint32_t last_rank = 0;
    first_rank_ = no_rank;
    for (const RankedMerge& merge : merges) {
        first_rank_ = std::min(first_rank_, merge.rank);
        last_rank = std::max(last_rank, merge.rank);
    }
    if (!merges.empty()) results_.resize(last_rank - first_rank_ + std::size_t{1}, no_symbol);
    for (const RankedMerge& merge : merges) {
        results_[merge.rank - first_rank_] = merge.result;
        const std::uint64_t key = key_of(merge.left, merge.right);
        for (std::size_t at = bucket_of(key);; at = (at + 1) % buckets_.size()) {
            Bucket& bucket = buckets_[at];
            int i = 0;
            while (i < bucket_size && bucket.keys[i] != no_key && bucket.keys[i] != key) ++i;
            if (i < bucket_size) {
                bucket.keys[i] = key;
                bucket.ranks[i] = merge.rank;
                break;
            }
            bucket.overflowed = 1;
        }
    }
}

std::size_t apply_merges(const PairTable& pairs, Symbol* symbols, std::size_t count, MergeScratch& scratch) {
    if (count <= few) return apply_few(pairs, symbols, count);
    return apply_heap(pairs, symbols, count, scratch, [](Symbol, std::uint64_t) { return true; });
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
            tokens_[merge.result].size() != tokens_[merge.left].size() + tokens_[merge.right].size() ||
            !tokens_[merge.result].starts_with(tokens_[merge.left]) || !tokens_[merge.result].ends_with(tokens_[merge.right])) {
            throw std::invalid_argument("merge " + std::to_string(i) + " does not give the bytes of its token");
        }
    }
    std::erase_if(merges_, [&](const RankedMerge& merge) {  // those that a later merge of the same pair replaces
        return pairs_.find(merge.left, merge.right) != merge.rank;
    });
    of_byte_.fill(no_symbol);
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
        if (tokens_[id].size() != 1) continue;
        Symbol& symbol = of_byte_[static_cast<unsigned char>(tokens_[id][0])];
        if (symbol == no_symbol) symbol = static_cast<Symbol>(id);
    }
}

void BpeRules::index_tokens() {
    by_bytes_.reserve(tokens_.size());
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
        longest_ = std::max(longest_, tokens_[id].size());
        if (!tokens_[id].empty()) by_bytes_.emplace(tokens_[id], static_cast<Symbol>(id));
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

std::size_t BpeRules::apply_dropout(Symbol* symbols, std::size_t count, const Dropout& dropout, Random& random,
                                    MergeScratch& scratch) const {
    auto& skipped = scratch.skipped;
    skipped.clear();
    return apply_heap(pairs_, symbols, count, scratch, [&](Symbol right, std::uint64_t top) {
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
