#include "bpe_encoder.hpp"

#include <algorithm>
#include <cstring>

namespace tokencraft {
namespace {

constexpr std::size_t block_bytes = 64 << 10;     // documents are handed to workers in blocks of about this size
constexpr std::size_t inline_bytes = 128 << 10;   // a smaller batch is not worth a thread
constexpr std::size_t sample_bytes = 24 << 10;    // for the plan
constexpr std::size_t least_sample = 1 << 10;     // less text is no ground for a plan
constexpr std::size_t settled_bytes = 256 << 10;  // a batch of this size decides for good
constexpr std::size_t checked_bytes = 4 << 10;    // of the sample, encoded both ways

}  // namespace

BpeEncoder::BpeEncoder(BpeRules rules, Pattern pattern, bool whole_pieces)
    : rules_(std::move(rules)),
      pattern_(pattern),
      whole_pieces_(whole_pieces),
      junctions_(junction_ranks(rules_)),
      plan_(std::make_shared<PlannedEncoding>(Plan(), rules_.byte_pair_ranks(rules_.pairs()))) {
    if (whole_pieces_) rules_.index_tokens();
}

std::uint32_t BpeEncoder::threshold() const {
    std::lock_guard lock(mutex_);
    return plan_->plan.threshold;
}

std::shared_ptr<const PlannedEncoding> BpeEncoder::plan_for(std::span<const EncodeInput> inputs) {
    std::lock_guard lock(mutex_);
    if (planned_bytes_ >= settled_bytes) return plan_;
    std::size_t total = 0;
    for (const EncodeInput& input : inputs) total += input.text.size();
    if (total < least_sample || total < planned_bytes_ * 4) return plan_;
    planned_bytes_ = total;

    // The beginnings of documents spread over the batch.
    const std::size_t documents = std::min<std::size_t>(inputs.size(), 32);
    std::string sample;
    std::vector<std::uint32_t> ends;
    for (std::size_t i = 0; i < documents && sample.size() < sample_bytes; ++i) {
        const EncodeInput& input = inputs[i * inputs.size() / documents];
        const std::size_t share = std::max<std::size_t>((sample_bytes - sample.size()) / (documents - i), 1);
        const std::string_view part = input.text.substr(0, share);
        std::vector<std::uint32_t> part_ends;
        if (input.has_ends) {
            for (const std::uint32_t end : input.ends) {
                if (end < part.size()) part_ends.push_back(end);
            }
            if (!part.empty()) part_ends.push_back(static_cast<std::uint32_t>(part.size()));
        } else {
            split(pattern_, part, part_ends);
        }
        for (const std::uint32_t end : part_ends) ends.push_back(static_cast<std::uint32_t>(sample.size()) + end);
        sample += part;
    }
    auto planned =
        std::make_shared<PlannedEncoding>(make_plan(rules_, junctions_, sample, ends), std::vector<std::uint32_t>());
    planned->byte_pairs = rules_.byte_pair_ranks(planned->plan.two_level() ? planned->plan.early : rules_.pairs());

    // The argument in bpe_plan.hpp says that this cannot differ; should it ever, the plain way stays.
    const std::size_t checked =
        ends.empty() ? 0 : *std::prev(std::upper_bound(ends.begin(), std::prev(ends.end()), checked_bytes));
    const std::size_t pieces =
        static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), checked) - ends.begin());
    const EncodeInput prefix{std::string_view(sample).substr(0, checked), std::span(ends).first(pieces), true};
    auto worker = std::make_unique<EncodeWorker>(rules_, pattern_, whole_pieces_, planned);
    worker->encode(prefix, Control());
    MergeScratch scratch;
    std::vector<Symbol> plain(checked);
    std::size_t count = 0;
    std::size_t start = 0;
    for (const std::uint32_t end : prefix.ends) {
        const std::string_view piece = prefix.text.substr(start, end - start);
        start = end;
        if (const Symbol whole = whole_pieces_ ? rules_.find(piece) : no_symbol; whole != no_symbol) {
            plain[count++] = whole;
        } else {
            count +=
                apply_merges(rules_.pairs(), plain.data() + count, rules_.start(piece, plain.data() + count), scratch);
        }
    }
    if (!std::equal(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(count), worker->ids.data(),
                    worker->ids.data() + worker->ids.size)) {
        planned = std::make_shared<PlannedEncoding>(Plan(), rules_.byte_pair_ranks(rules_.pairs()));
    }
    plan_ = planned;
    idle_.clear();  // their caches hold the level-1 tokens of another plan
    if (worker->planned == plan_) {
        worker->ids.size = 0;
        idle_.push_back(std::move(worker));
    }
    return plan_;
}

std::unique_ptr<EncodeWorker> BpeEncoder::take_worker(std::shared_ptr<const PlannedEncoding> plan) {
    {
        std::lock_guard lock(mutex_);
        for (std::size_t i = idle_.size(); i-- > 0;) {
            if (idle_[i]->planned != plan) continue;
            auto worker = std::move(idle_[i]);
            idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
            return worker;
        }
    }
    return std::make_unique<EncodeWorker>(rules_, pattern_, whole_pieces_, std::move(plan));
}

void BpeEncoder::give_back(std::unique_ptr<EncodeWorker> worker) {
    worker->ids.size = 0;
    worker->ids.shrink();
    std::lock_guard lock(mutex_);
    if (worker->planned == plan_) idle_.push_back(std::move(worker));
}

std::vector<std::int64_t> BpeEncoder::encode(std::span<const EncodeInput> inputs, const EncodeOptions& options,
                                             Control& control, const std::function<Symbol*(std::size_t)>& allocate) {
    const auto plan = plan_for(inputs);

    // Blocks of documents, and where each block's ids lie.
    struct Block {
        std::size_t first;
        std::size_t last;
        unsigned worker = 0;
        std::size_t at = 0;
    };
    std::vector<Block> blocks;
    std::size_t total = 0;
    for (std::size_t i = 0, size = 0; i < inputs.size(); ++i) {
        if (blocks.empty() || size >= block_bytes) {
            blocks.push_back({i, i});
            size = 0;
        }
        blocks.back().last = i + 1;
        size += inputs[i].text.size();
        total += inputs[i].text.size();
    }
    const unsigned threads =
        total < inline_bytes
            ? 1
            : static_cast<unsigned>(std::min<std::size_t>(std::max(options.threads, 1u), blocks.size()));
    std::vector<std::unique_ptr<EncodeWorker>> workers;
    for (unsigned i = 0; i < threads; ++i) workers.push_back(take_worker(plan));

    std::vector<std::int64_t> offsets(inputs.size() + 1, 0);
    auto encode_block = [&](unsigned number, std::size_t index) {
        EncodeWorker& worker = *workers[number];
        Block& block = blocks[index];
        block.worker = number;
        block.at = worker.ids.size;
        for (std::size_t i = block.first; i < block.last; ++i) {
            const std::size_t before = worker.ids.size;
            if (options.dropout) {
                worker.encode_dropout(inputs[i], options.dropout, Random(options.seed, options.first_document + i),
                                      control);
            } else {
                worker.encode(inputs[i], control);
            }
            offsets[i + 1] = static_cast<std::int64_t>(worker.ids.size - before);
            control.advance(static_cast<std::int64_t>(inputs[i].text.size()));
        }
    };
    if (total < inline_bytes) {
        for (std::size_t index = 0; index < blocks.size(); ++index) encode_block(0, index);
    } else {
        run_items(threads, control, blocks.size(), encode_block);
    }

    for (std::size_t i = 0; i < inputs.size(); ++i) offsets[i + 1] += offsets[i];
    Symbol* const out = allocate(static_cast<std::size_t>(offsets.back()));
    auto copy_block = [&](unsigned, std::size_t index) {
        const Block& block = blocks[index];
        const auto count = static_cast<std::size_t>(offsets[block.last] - offsets[block.first]);
        if (count > 0)
            std::memcpy(out + offsets[block.first], workers[block.worker]->ids.data() + block.at,
                        count * sizeof(Symbol));
    };
    if (total < inline_bytes || threads == 1) {
        for (std::size_t index = 0; index < blocks.size(); ++index) copy_block(0, index);
    } else {
        run_items(threads, control, blocks.size(), copy_block);
    }
    for (auto& worker : workers) give_back(std::move(worker));
    return offsets;
}

}  // namespace tokencraft
