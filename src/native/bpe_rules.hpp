// The rules of a BPE vocabulary and their plain application: the lowest rank first, the leftmost of equals.
//
// Everything faster in this library (bpe_plan, bpe_encoder) gives the same ids as apply_merges on the bytes of a piece.
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

// (left, right) -> rank and rank -> result; read-only once built. Of two merges of one pair the last counts, and merges of
// one rank have one result. A bucket is a cache line, compared whole: most lookups find nothing, at unpredictable places.
class PairTable {
public:
    PairTable() : PairTable(std::span<const RankedMerge>()) {}
    explicit PairTable(std::span<const RankedMerge> merges);

    // The rank of the merge that joins the pair, or no_rank.
    std::uint32_t find(Symbol left, Symbol right) const {
        const std::uint64_t key = key_of(left, right);
        for (std::size_t at = bucket_of(key);; at = at + 1 < buckets_.size() ? at + 1 : 0) {
            const Bucket& bucket = buckets_[at];
            std::uint32_t rank = no_rank;
            for (int i = 0; i < bucket_size; ++i) rank = bucket.keys[i] == key ? bucket.ranks[i] : rank;
            if (rank != no_rank || !bucket.overflowed) [[likely]] return rank;
        }
    }
    Symbol result(std::uint32_t rank) const { return results_[rank - first_rank_]; }

private:
    static constexpr int bucket_size = 5;
    static constexpr std::uint64_t no_key = UINT64_MAX;
    struct alignas(64) Bucket {
        std::uint64_t keys[bucket_size] = {no_key, no_key, no_key, no_key, no_key};
        std::uint32_t ranks[bucket_size] = {no_rank, no_rank, no_rank, no_rank, no_rank};
        std::uint32_t overflowed = 0;  // a pair of this bucket lies in a later one
    };
    static std::uint64_t key_of(Symbol left, Symbol right) { return std::uint64_t{left} << 32 | right; }
    std::size_t bucket_of(std::uint64_t key) const {
        return static_cast<std::size_t>(static_cast<unsigned __int128>(key * 0x9E3779B97F4A7C15u) * buckets_.size() >> 64);
    }

    std::vector<Bucket> buckets_;
    std::vector<Symbol> results_;
    std::uint32_t first_rank_ = 0;
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

// Applies the merges of a table to `symbols` in place until none applies; how many symbols are left.
std::size_t apply_merges(const PairTable& pairs, Symbol* symbols, std::size_t count, MergeScratch& scratch);

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

    // Makes `find` work.
    void index_tokens();

    // The token of exactly these bytes, or no_symbol.
    Symbol find(std::string_view bytes) const;

    // Writes the symbols of the bytes to `out` (room for bytes.size()), bytes without a token left out; how many.
    std::size_t start(std::string_view bytes, Symbol* out) const;

    // As apply_merges with all merges, some of them dropped at random.
    std::size_t apply_dropout(Symbol* symbols, std::size_t count, const Dropout& dropout, Random& random,
                              MergeScratch& scratch) const;

private:
    std::vector<std::string> tokens_;
    std::vector<RankedMerge> merges_;
    std::array<Symbol, 256> of_byte_;
    PairTable pairs_;
    std::unordered_map<std::string_view, Symbol> by_bytes_;
    std::size_t longest_ = 0;
};

}  // namespace tokencraft
