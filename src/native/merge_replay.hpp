// Applies a given merge list to pieces: all occurrences of the first merge left to right, then the second, and so on.
//
// Where no token has two derivations this is what a rank-priority BPE encoder gives; where one has, an encoder may
// apply a merge again after a later one, and this does not: it is the state that a trainer is in after learning the
// list.
//
// How it is fast: between two bytes that no merge of the list ever joins (x ends a left operand, y begins a right one)
// a piece can be cut without changing the result, so pieces of any length fall into short chunks whose tokens are
// remembered.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "merge.hpp"
#include "piece_table.hpp"

namespace tokencraft {

class MergeReplay {
public:
    // `bytes_of[id]` are the bytes of token `id`; `byte_ids[b]` is the token of byte `b`.
    MergeReplay(std::span<const Merge> merges, std::span<const std::string_view> bytes_of,
                const std::array<TokenId, 256>& byte_ids);

    // What one thread keeps between pieces.
    struct Scratch {
        PieceTable known;              // chunk -> where in `stored` its tokens lie
        std::vector<TokenId> stored;   // number of tokens, then the tokens
        std::vector<TokenId> tokens;
        std::vector<std::int32_t> previous, next, ranks;
        std::vector<std::uint64_t> queue;
        std::vector<std::uint8_t> fired;  // by merge: whether it was applied
    };

    void append(std::string_view piece, const char* readable_end, std::vector<TokenId>& tokens, Scratch& scratch) const;
    std::size_t size() const { return results_.size(); }

private:
    static constexpr std::int32_t no_rank = INT32_MAX;

    std::int32_t rank(TokenId left, TokenId right) const;
    void append_chunk(std::string_view chunk, const char* readable_end, std::vector<TokenId>& tokens,
                      Scratch& scratch) const;
    void merge_short(Scratch& scratch) const;
    void merge_long(Scratch& scratch) const;

    struct Slot {
        std::uint64_t key = ~std::uint64_t{0};
        std::int32_t rank = no_rank;
    };
    std::array<TokenId, 256> byte_ids_;
    std::vector<TokenId> results_;
    std::vector<Slot> slots_;
    std::size_t mask_;
    std::bitset<65536> joined_;  // last byte of a left operand << 8 | first byte of the right one
};

}  // namespace tokencraft
