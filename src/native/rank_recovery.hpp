// Finds the merges behind a list of ranked tokens, as tiktoken stores vocabularies.
//
// Contract: `tokens` are distinct, non-empty byte strings in rank order. The merge of a token is the pair of pieces
// that remain when its bytes are encoded with the tokens of smaller rank only (at each step the adjacent pair whose
// joined bytes have the smallest rank, the leftmost of equals). A single byte has no merge; neither has a token of
// which more than two pieces remain: it was not made by BPE. Both give {-1, -1}.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "merge.hpp"
#include "parallel.hpp"

namespace tokencraft {

struct Parents {
    TokenId left = -1;
    TokenId right = -1;
};

std::vector<Parents> recover_merges(std::span<const std::string_view> tokens, unsigned threads, Control& control);

}  // namespace tokencraft
