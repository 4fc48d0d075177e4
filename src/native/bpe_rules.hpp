// The rules of a BPE vocabulary and their plain application: the lowest rank first, the leftmost of equals.
//
// Everything faster in this library (bpe_plan, bpe_encoder) gives the same ids as BpeRules::apply on the bytes of a piece.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tokencraft {

using Symbol = std::uint32_t;  // a token id
inline constexpr std::uint32_t no_rank = UINT32_MAX;
inline constexpr Symbol no_symbol = UINT32_MAX;

struct RankedMerge {
    Symbol left;
    Symbol right;
    Symbol result;
    std::uint32_t rank;
};

// (left, right) -> (rank, result); open addressing, read-only once built. Of two merges of one pair the last counts.
class PairTable {
public:
    struct Entry {
        std::uint64_t key = empty;
        std::uint32_t rank = no_rank;
        Symbol result = no_symbol;
    };

    explicit PairTable(std::span<const RankedMerge> merges);

    // The entry of the pair; one with `no_rank` where no merge joins it.
    const Entry& find(Symbol left, Symbol right) const {
        const std::uint64_t key = key_of(left, right);
        std::size_t at = slot_of(key);
        while (entries_[at].key != key && entries_[at].key != empty) at = (at + 1) & mask_;
        return entries_[at];
    }

private:
    static constexpr std::uint64_t empty = UINT64_MAX;
    static std::uint64_t key_of(Symbol left, Symbol right) { return std::uint64_t{left} << 32 | right; }
    std::size_t slot_of(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15u) >> shift_; }

    std::vector<Entry> entries_;
    std::size_t mask_;
    int shift_;
};

// Random numbers that depend on a seed and a document number alone (splitmix64).
class Random {
public:
    Random(std::uint64_t seed, std::uint64_t document) : state_(seed ^ (document + 1) * 0xBF58476D1CE4E5B9u) {}
    double uniform();  // in [0, 1)

private:
    std::uint64_t state_;
};

// Working memory of the rules, one a thread.
struct MergeScratch {
    std::vector<std::uint32_t> next;
    std::vector<std::uint32_t> previous;
    std::vector<std::uint64_t> heap;  // rank << 32 | position
    std::vector<std::uint64_t> skipped;
};

struct Dropout {
    double any = 0.0;        // BPE-dropout: a popped merge is put off with this probability until another one was applied
    double superword = 0.0;  // a popped merge whose right operand starts with a space is dropped for good
    explicit operator bool() const { return any > 0.0 || superword > 0.0; }
};

class BpeRules {
public:
    // `tokens`: bytes by id, empty for ids that no text produces. Throws std::invalid_argument where a merge does not give
    // the bytes of its result.
    BpeRules(std::vector<std::string> tokens, std::vector<RankedMerge> merges);

    // Every pair of tokens whose bytes together are a token, with the id of that token as the rank (tiktoken).
    static std::vector<RankedMerge> merges_of_ranks(std::span<const std::string> tokens);

    std::span<const std::string> tokens() const { return tokens_; }
    std::span<const RankedMerge> merges() const { return merges_; }
    Symbol of_byte(unsigned char byte) const { return of_byte_[byte]; }  // no_symbol where the byte has no token
    const PairTable& pairs() const { return pairs_; }

    // The token of exactly these bytes, or no_symbol.
    Symbol find(std::string_view bytes) const;

    // Writes the symbols of the bytes to `out` (room for bytes.size()), bytes without a token left out; how many.
    std::size_t start(std::string_view bytes, Symbol* out) const;

    // Applies the merges of rank < limit to `symbols` in place until none applies; how many symbols are left.
    std::size_t apply(Symbol* symbols, std::size_t count, std::uint32_t limit, MergeScratch& scratch) const;

    // As apply, with merges dropped at random.
    std::size_t apply_dropout(Symbol* symbols, std::size_t count, const Dropout& dropout, Random& random,
                              MergeScratch& scratch) const;

private:
    std::size_t apply_few(Symbol* symbols, std::size_t count, std::uint32_t limit) const;
    template <typename Keep>
    std::size_t apply_heap(Symbol* symbols, std::size_t count, std::uint32_t limit, MergeScratch& scratch, Keep&& keep) const;

    std::vector<std::string> tokens_;
    std::vector<RankedMerge> merges_;
    std::array<Symbol, 256> of_byte_;
    PairTable pairs_;
    std::unordered_map<std::string_view, Symbol> by_bytes_;
    std::size_t longest_ = 0;
};

}  // namespace tokencraft
