// Encodes batches of documents with a BPE vocabulary: split, cached segments, two levels (see bpe_plan.hpp), threads.
//
// The ids are those of BpeRules::apply on every piece, whatever the plan, the caches and the number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "bpe_rules.hpp"
#include "encode_worker.hpp"
#include "parallel.hpp"
#include "split.hpp"

namespace tokencraft {

struct EncodeOptions {
    unsigned threads = 1;
    Dropout dropout;  // where set, nothing is cached and whole pieces are not looked up
    std::uint64_t seed = 0;
    std::uint64_t first_document = 0;  // number of the first input, for the random numbers
};

class BpeEncoder {
public:
    // `whole_pieces`: a piece that is a token as a whole is that token, whatever its merges give ("ignore_merges").
    BpeEncoder(BpeRules rules, Pattern pattern, bool whole_pieces);

    const BpeRules& rules() const { return rules_; }

    // Writes the ids of all documents, in order, to `allocate(total)`, and returns where each document starts, and the
    // end. Safe to call from several threads at once.
    std::vector<std::int64_t> encode(std::span<const EncodeInput> inputs, const EncodeOptions& options,
                                     Control& control, const std::function<Symbol*(std::size_t)>& allocate);

    // Rank from which merges are level 2, or no_rank; of the last plan.
    std::uint32_t threshold() const;

private:
    std::shared_ptr<const PlannedEncoding> plan_for(std::span<const EncodeInput> inputs);
    std::unique_ptr<EncodeWorker> take_worker(std::shared_ptr<const PlannedEncoding> plan);
    void give_back(std::unique_ptr<EncodeWorker> worker);

    BpeRules rules_;
    Pattern pattern_;
    bool whole_pieces_;
    std::vector<std::uint32_t> junctions_;
    mutable std::mutex mutex_;  // of what follows
    std::shared_ptr<const PlannedEncoding> plan_;
    std::size_t planned_bytes_ = 0;  // of the batch it was made for; one four times as large brings another plan
    std::vector<std::unique_ptr<EncodeWorker>> idle_;
};

}  // namespace tokencraft
