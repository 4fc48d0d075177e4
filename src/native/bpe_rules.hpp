// The rules of a BPE vocabulary and their plain application: the lowest rank first, the leftmost of equals.
//
// Everything faster in this library (bpe_plan, bpe_encoder) gives the same ids as apply_merges on the bytes of a piece.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parallel.hpp"

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

// (left, right) -> rank and rank -> result; read-only once built. Of two merges of one pair the last counts, and merges
// of one rank have one result. A bucket is half a cache line, compared whole: most lookups find nothing, at
// unpredictable places. Ids and ranks have 21 bits, so that a pair and its rank fit one word and the table stays in the
// cache.
class PairTable {
public:
    static constexpr std::uint32_t limit = (std::uint32_t{1} << 21) - 1;  // of ids and ranks
    static constexpr Symbol stranger = limit;                             // in no pair

    PairTable() : PairTable(std::span<const RankedMerge>()) {}
    explicit PairTable(std::span<const RankedMerge> merges);

    // The rank of the merge that joins the pair, or no_rank.
    std::uint32_t find(Symbol left, Symbol right) const {
        const std::uint64_t key = key_of(left, right);
        for (std::size_t at = bucket_of(key);; at = at + 1 < buckets_.size() ? at + 1 : 0) {
            const Bucket& bucket = buckets_[at];
            std::uint64_t lowest = bucket.words[0] ^ key;  // of the matching word, only the rank is left
            for (int i = 1; i < bucket_size; ++i) lowest = std::min(lowest, bucket.words[i] ^ key);
            const bool found = lowest <= limit;
            const auto rank = static_cast<std::uint32_t>(lowest);
            // Whether a pair is there is unpredictable, so that is no branch; a full bucket is rare.
            if (found | (bucket.words[bucket_size - 1] == no_word)) [[likely]]
                return found ? rank : no_rank;
        }
    }
    Symbol result(std::uint32_t rank) const { return results_.empty() ? rank + shift_ : results_[rank - first_rank_]; }

private:
    static constexpr int bucket_size = 4;
    static constexpr std::uint64_t no_word = UINT64_MAX;
    struct alignas(32) Bucket {
        std::uint64_t words[bucket_size] = {no_word, no_word, no_word, no_word};
    };
    static std::uint64_t key_of(Symbol left, Symbol right) {
        return std::uint64_t{left} << 42 | std::uint64_t{right} << 21;
    }
    std::size_t bucket_of(std::uint64_t key) const {
        return static_cast<std::size_t>(static_cast<unsigned __int128>(key * 0x9E3779B97F4A7C15u) * buckets_.size() >>
                                        64);
    }

    std::vector<Bucket> buckets_;
    std::vector<Symbol> results_;  // empty where every result is rank + shift_, as trainers number them
    std::uint32_t first_rank_ = 0;
    Symbol shift_ = 0;
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
    const Control* control = nullptr;  // where it was stopped, long texts are left half merged
};

// Applies the merges of a table to `symbols` in place until none applies; how many symbols are left.
std::size_t apply_merges(const PairTable& pairs, Symbol* symbols, std::size_t count, MergeScratch& scratch);

struct Dropout {
    double any = 0.0;  // BPE-dropout: a popped merge is put off with this probability until another one was applied
    double superword = 0.0;  // a popped merge whose right operand starts with a space is dropped for good
    explicit operator bool() const { return any > 0.0 || superword > 0.0; }
};

class BpeRules {
public:
    // `tokens`: bytes by id, empty for ids that no text produces. Throws std::invalid_argument where a merge does not
    // give the bytes of its result.
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

    // The ranks in a table of all pairs of bytes, by left * 256 + right: what every segment begins with.
    std::vector<std::uint32_t> byte_pair_ranks(const PairTable& pairs) const;

    // As start and apply_merges; `byte_pairs` are the byte_pair_ranks of the table.
    std::size_t encode(const PairTable& pairs, std::span<const std::uint32_t> byte_pairs, std::string_view bytes,
                       Symbol* out, MergeScratch& scratch) const;

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
