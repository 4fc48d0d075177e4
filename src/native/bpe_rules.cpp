#include "bpe_rules.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

namespace tokencraft {
namespace {

constexpr std::size_t few = 48;           // up to here a scan for the lowest rank beats a heap
constexpr std::size_t unwatched = 1 << 16;  // entries of the heap between looks at the control

constexpr std::uint64_t heap_entry(std::uint32_t rank, std::size_t position) {
    return std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(position);
}

// A scan for the lowest rank after every merge, for up to `width` symbols whose pairs have these ranks. Nothing moves:
// merged symbols leave a mask. The loops have one length and the lookups no branches, because their ends would be
// mispredicted.
template <unsigned width>
std::size_t apply_few(const PairTable& pairs, Symbol* symbols, const std::uint32_t* ranks, std::size_t count) {
    static_assert(width + 2 <= 64);
    constexpr int place_bits = 6;
    constexpr std::uint32_t nothing = UINT32_MAX;
    // Strangers at both ends, so that every symbol has neighbours.
    Symbol symbol[width + 2];
    std::uint32_t pair[width + 1];  // of a symbol and the next: rank << place_bits | place
    auto place = [](std::uint32_t rank, std::size_t at) {
        return rank == no_rank ? nothing : rank << place_bits | static_cast<std::uint32_t>(at);
    };
    for (std::size_t at = 0; at <= width; ++at) pair[at] = nothing;
    for (std::size_t at = 0; at < count; ++at) symbol[at + 1] = symbols[at];
    for (std::size_t at = 0; at + 1 < count; ++at) pair[at + 1] = place(ranks[at], at + 1);
    symbol[0] = symbol[count + 1] = PairTable::stranger;
    std::uint64_t alive = (std::uint64_t{1} << (count + 2)) - 1;
    for (;;) {
        std::uint32_t lowest = nothing;
        for (std::size_t at = 1; at < width; ++at) lowest = std::min(lowest, pair[at]);
        if (lowest == nothing) break;
        const std::size_t best = lowest & ((1u << place_bits) - 1);
        const std::uint64_t after = alive & ~((std::uint64_t{2} << best) - 1);
        const std::uint64_t right = after & -after;
        pair[std::countr_zero(right)] = nothing;
        alive ^= right;
        const auto next = static_cast<std::size_t>(std::countr_zero(after ^ right));
        const auto previous = static_cast<std::size_t>(63 - std::countl_zero(alive & ((std::uint64_t{1} << best) - 1)));
        symbol[best] = pairs.result(lowest >> place_bits);
        pair[best] = place(pairs.find(symbol[best], symbol[next]), best);
        pair[previous] = place(pairs.find(symbol[previous], symbol[best]), previous);
    }
    std::size_t kept = 0;
    alive &= (std::uint64_t{1} << (count + 1)) - 2;
    for (; alive != 0; alive &= alive - 1) symbols[kept++] = symbol[std::countr_zero(alive)];
    return kept;
}

std::size_t apply_few(const PairTable& pairs, Symbol* symbols, const std::uint32_t* ranks, std::size_t count) {
    if (count <= 4) return apply_few<4>(pairs, symbols, ranks, count);
    if (count <= 8) return apply_few<8>(pairs, symbols, ranks, count);
    if (count <= 16) return apply_few<16>(pairs, symbols, ranks, count);
    if (count <= 32) return apply_few<32>(pairs, symbols, ranks, count);
    return apply_few<few>(pairs, symbols, ranks, count);
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
    std::size_t popped = 0;
    while (!heap.empty()) {
        if (++popped % unwatched == 0 && scratch.control && scratch.control->stopped()) break;
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

PairTable::PairTable(std::span<const RankedMerge> merges) : buckets_(merges.size() / 2 + 1) {
    std::uint32_t last_rank = 0;
    first_rank_ = no_rank;
    for (const RankedMerge& merge : merges) {
        if (std::max({merge.left, merge.right, merge.result, merge.rank}) >= limit) {
            throw std::invalid_argument("more than " + std::to_string(limit) + " tokens or merges");
        }
        first_rank_ = std::min(first_rank_, merge.rank);
        last_rank = std::max(last_rank, merge.rank);
    }
    shift_ = merges.empty() ? 0 : merges[0].result - merges[0].rank;
    const bool shifted = std::all_of(merges.begin(), merges.end(),
                                     [&](const RankedMerge& merge) { return merge.result == merge.rank + shift_; });
    if (!shifted) results_.resize(last_rank - first_rank_ + std::size_t{1}, no_symbol);
    for (const RankedMerge& merge : merges) {
        if (!shifted) results_[merge.rank - first_rank_] = merge.result;
        const std::uint64_t key = key_of(merge.left, merge.right);
        for (std::size_t at = bucket_of(key);; at = (at + 1) % buckets_.size()) {
            Bucket& bucket = buckets_[at];
            int i = 0;
            while (i < bucket_size && bucket.words[i] != no_word && (bucket.words[i] ^ key) > limit) ++i;
            if (i == bucket_size) continue;
            bucket.words[i] = key | merge.rank;
            break;
        }
    }
}

std::size_t apply_merges(const PairTable& pairs, Symbol* symbols, std::size_t count, MergeScratch& scratch) {
    if (count <= few) {
        std::uint32_t ranks[few];
        for (std::size_t at = 0; at + 1 < count; ++at) ranks[at] = pairs.find(symbols[at], symbols[at + 1]);
        return apply_few(pairs, symbols, ranks, count);
    }
    return apply_heap(pairs, symbols, count, scratch, [](Symbol, std::uint64_t) { return true; });
}

double Random::uniform() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return static_cast<double>(z >> 11) * 0x1.0p-53;
}

namespace {

std::vector<RankedMerge> checked(std::span<const std::string> tokens, std::vector<RankedMerge> merges) {
    for (std::size_t i = 0; i < merges.size(); ++i) {
        const auto& [left, right, result, rank] = merges[i];
        const bool known = left < tokens.size() && right < tokens.size() && result < tokens.size() && rank != no_rank;
        if (!known || tokens[left].empty() || tokens[right].empty() ||
            tokens[result].size() != tokens[left].size() + tokens[right].size() ||
            !tokens[result].starts_with(tokens[left]) || !tokens[result].ends_with(tokens[right])) {
            throw std::invalid_argument("merge " + std::to_string(i) + " does not give the bytes of its token");
        }
    }
    return merges;
}

}  // namespace

BpeRules::BpeRules(std::vector<std::string> tokens, std::vector<RankedMerge> merges)
    : tokens_(std::move(tokens)), merges_(checked(tokens_, std::move(merges))), pairs_(merges_) {
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

std::vector<std::uint32_t> BpeRules::byte_pair_ranks(const PairTable& pairs) const {
    std::vector<std::uint32_t> ranks(256 * 256, no_rank);
    for (const RankedMerge& merge : merges_) {
        if (tokens_[merge.result].size() != 2) continue;
        const std::string& bytes = tokens_[merge.result];
        const auto left = static_cast<unsigned char>(bytes[0]);
        const auto right = static_cast<unsigned char>(bytes[1]);
        ranks[left * 256u + right] = pairs.find(of_byte_[left], of_byte_[right]);
    }
    return ranks;
}

std::size_t BpeRules::encode(const PairTable& pairs, std::span<const std::uint32_t> byte_pairs, std::string_view bytes,
                             Symbol* out, MergeScratch& scratch) const {
    const std::size_t count = start(bytes, out);
    if (count > few || count < bytes.size()) return apply_merges(pairs, out, count, scratch);
    std::uint32_t ranks[few];
    for (std::size_t at = 0; at + 1 < count; ++at) {
        ranks[at] =
            byte_pairs[static_cast<unsigned char>(bytes[at]) * 256u + static_cast<unsigned char>(bytes[at + 1])];
    }
    return apply_few(pairs, out, ranks, count);
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
