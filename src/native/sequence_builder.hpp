// Turns counted pieces into the token sequences that a learner begins with, one table after the other.
//
// Contract: the tables of successive `add` calls share no piece. Pieces become tokens by a replay of merges; within a
// table they are ordered by weight, and those of a single token are left out, for they hold no pair. `add` gives false
// once there are more than `most_cells`; nothing is added from then on, and the caller takes a sample instead.
//
// A sample keeps a piece counted w times with probability min(1, w / t) and lets it weigh max(w, t), so that counts of
// pairs are expected to be what they were and frequent pieces are never lost (threshold sampling: Duffield, Lund,
// Thorup, "Learn more, sample less", 2005). Chance is a hash of the piece's bytes and a seed: neither order nor threads
// matter. `weigh` tells, by the largest t that keeps a piece, how many cells there are, so that t can be chosen.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "merge.hpp"
#include "merge_replay.hpp"
#include "parallel.hpp"
#include "piece_table.hpp"

namespace tokencraft {

class SequenceBuilder {
public:
    struct Sample {
        std::int64_t threshold = 1;  // t; 1 keeps everything
        std::uint64_t seed = 0;
    };
    struct Weight {
        std::int64_t cells = 0;
        std::int64_t pieces = 0;
    };

    // `bytes_of` and `merges` as in MergeLearner; `tables`: how many will be added, to make room for.
    SequenceBuilder(std::vector<std::string> bytes_of, std::vector<Merge> merges, std::size_t tables,
                    std::size_t most_cells, unsigned threads);
    SequenceBuilder(const SequenceBuilder&) = delete;

    bool add(const PieceTable& table, const Sample& sample, Control& control);
    void weigh(const PieceTable& table, std::uint64_t seed, Control& control);

    // Cells and pieces by the class of the largest threshold that keeps them; `class_begin` is the class's smallest.
    static constexpr std::size_t class_count = 64 * 64;
    static std::int64_t class_begin(std::size_t index);
    const std::vector<Weight>& weights() const { return weights_; }

    std::int64_t pieces() const { return pieces_; }  // that were kept, single tokens included
    std::int64_t cells() const { return static_cast<std::int64_t>(sequences_.cells.size()); }
    std::vector<std::uint8_t> fired() const;  // by merge: whether it was applied
    unsigned threads() const { return threads_; }

    // What the learner begins with; the builder is empty afterwards.
    Sequences take_sequences() { return std::move(sequences_); }
    std::vector<std::string> take_bytes() { return std::move(bytes_of_); }
    std::span<const Merge> merges() const { return merges_; }

private:
    std::vector<std::string> bytes_of_;
    std::vector<Merge> merges_;
    MergeReplay replay_;
    std::size_t tables_;
    std::size_t most_cells_;
    unsigned threads_;
    std::vector<MergeReplay::Scratch> scratches_;  // one a thread
    Sequences sequences_;
    std::int64_t pieces_ = 0;
    std::vector<Weight> weights_;
};

}  // namespace tokencraft
