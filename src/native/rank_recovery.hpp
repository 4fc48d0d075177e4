// Finds the merges behind a list of ranked tokens, as tiktoken stores vocabularies.
//
// Contract: `tokens` are distinct, non-empty byte strings in rank order. The merge of a token is the pair of pieces
// that are joined last when its bytes are encoded (at each step the adjacent pair whose joined bytes have the smallest
// rank, the leftmost of equals). In a vocabulary that BPE made, these pieces have smaller ranks than the token; in others
// they need not. A single byte has no merge; neither has a token that its own bytes never become. Both give {-1, -1}.
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
