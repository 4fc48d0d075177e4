// Learns merges: again and again joins the adjacent pair with the largest weighted count.
//
// Contract: equal to recounting every pair before every merge. Ties go to the smaller (left id, right id). A pair is
// replaced left to right without overlaps; every adjacent window counts, so "aaa" holds (a, a) twice. Learning stops
// when `new_tokens` were added or no allowed pair has `min_count` (at least 1). A merge whose bytes are already a token
// gives that token and adds none; a pair that was merged before and comes up again is merged without a new entry.
//
// How it is fast: a token lies in the cells it covers, so neighbours need no links. Each pair keeps the list of its
// positions, checked only when it is merged, and a heap holds upper bounds of the counts, because counts of existing
// pairs only fall. Pairs below a threshold get neither: most pairs are rare and never matter. When no pair is left
// above it, the cells are compacted, the threshold is lowered and the pairs are counted again; they are counted again,
// too, when the positions of new pairs have become as many as the cells. So memory is 12 bytes a cell at most, and tables
// of the pairs.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "merge.hpp"
#include "pair_index.hpp"
#include "parallel.hpp"

namespace tokencraft {

struct LearnRules {
    std::int64_t new_tokens = 0;
    std::int64_t min_count = 1;
    std::size_t max_token_bytes = SIZE_MAX;
    int max_words = 0;                 // most runs of non-space bytes in a token; 0: any number
    std::vector<std::string> forbid;    // byte strings that no new token may contain
    std::vector<std::string> reserved;  // byte strings that no new token may be
    std::function<bool(std::string_view left, std::string_view right)> veto;  // true: never merge these two
};

struct LearnedMerge {
    Merge merge;
    std::int64_t count;
};

class MergeLearner {
public:
    // `bytes_of[id]` are the bytes of the tokens so far (empty: the id is taken by something that is not text); new ids
    // follow.
    MergeLearner(Sequences sequences, std::vector<std::string> bytes_of, std::span<const Merge> merges,
                 unsigned threads);

    // Learns on from what was learned so far; may be called again with other rules.
    std::vector<LearnedMerge> learn(const LearnRules& rules, Control& control);

    const std::vector<std::string>& bytes_of() const { return bytes_of_; }

private:
    struct Candidate {
        std::int64_t count;
        std::uint64_t key;
        // For the heap: smaller counts, then larger pairs, are less.
        bool operator<(const Candidate& other) const {
            return count != other.count ? count < other.count : key > other.key;
        }
    };
    // Pairs with a neighbour of the merged pair, gathered by that neighbour during one merge.
    struct Change {
        std::int64_t gone = 0;
        std::int64_t born = 0;
        std::uint32_t positions = 0;     // where pairs were born, at most
        bool touched = false;
        std::uint32_t* place = nullptr;  // where to write the next one, once the pair is indexed
    };
    struct Event {
        TokenId neighbour;
        std::uint32_t position;
    };
    struct Side {
        std::vector<Change> changes;   // by neighbour
        std::vector<TokenId> touched;  // neighbours with a change
        std::vector<Event> events;     // where pairs were born
    };

    void learn_alone(const LearnRules& rules, std::vector<LearnedMerge>& learned, Control& control);
    void compact();
    void start_round(std::int64_t threshold, Control& control);
    bool allowed(TokenId left, TokenId right, const LearnRules& rules) const;
    void push(Candidate candidate);
    void replace(const Merge& merge, PairIndex::Pair& pair);
    void publish_gone(const Merge& merge);
    void publish_born(TokenId result, bool known);
    void recount(TokenId token);

    std::uint32_t next(std::uint32_t position) const {
        const TokenId after = cells_[position + 1];
        return after <= -2 ? position + static_cast<std::uint32_t>(-after) : position + 1;
    }

    std::vector<TokenId> cells_;
    std::vector<WeightRange> ranges_;
    std::vector<std::string> bytes_of_;
    std::unordered_map<std::string, TokenId> id_of_;
    std::vector<Merge> merges_;
    unsigned threads_;

    PairIndex pairs_;
    std::vector<Candidate> heap_;
    std::int64_t threshold_ = 0;
    Side before_, after_;
};

}  // namespace tokencraft
