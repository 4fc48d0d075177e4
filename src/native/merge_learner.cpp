#include "merge_learner.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tokencraft {

namespace {

// The first threshold is the weight of all cells over this many times the tokens wanted: by Zipf's law the last token's
// pair is more frequent. Too high a guess costs another round, too low a one costs memory.
constexpr std::int64_t threshold_part = 64;
constexpr std::int64_t threshold_step = 16;
constexpr std::uint32_t look_ahead = 12;  // positions
constexpr std::size_t few_positions = std::size_t{1} << 16;  // not worth another round

// Runs of non-space bytes.
int count_words(std::string_view bytes) {
    int words = 0;
    bool inside = false;
    for (const char byte : bytes) {
        words += byte != ' ' && !inside;
        inside = byte != ' ';
    }
    return words;
}

}  // namespace

MergeLearner::MergeLearner(Sequences sequences, std::vector<std::string> bytes_of, std::span<const Merge> merges,
                           unsigned threads)
    : cells_(std::move(sequences.cells)),
      ranges_(std::move(sequences.ranges)),
      bytes_of_(std::move(bytes_of)),
      merges_(merges.begin(), merges.end()),
      threads_(threads) {
    for (std::size_t id = 0; id < bytes_of_.size(); ++id) {
        if (!bytes_of_[id].empty()) id_of_.emplace(bytes_of_[id], static_cast<TokenId>(id));
    }
    before_.changes.resize(bytes_of_.size());
    after_.changes.resize(bytes_of_.size());
}

std::vector<LearnedMerge> MergeLearner::learn(const LearnRules& rules, Control& control) {
    std::vector<LearnedMerge> learned;
    run_workers(1, control, [&](unsigned) { learn_alone(rules, learned, control); });
    return learned;
}

void MergeLearner::learn_alone(const LearnRules& rules, std::vector<LearnedMerge>& learned, Control& control) {
    if (rules.new_tokens <= 0 || ranges_.empty()) return;
    if (rules.new_tokens > std::numeric_limits<TokenId>::max() - static_cast<std::int64_t>(bytes_of_.size())) {
        throw std::length_error("token ids end at 2^31 - 1");
    }
    std::int64_t total = 0;
    std::uint32_t begin = 0;
    for (const WeightRange& range : ranges_) {
        total += static_cast<std::int64_t>(range.end - begin) * range.weight;
        begin = range.end;
    }
    const std::int64_t lowest = std::max<std::int64_t>(1, rules.min_count);
    compact();
    start_round(std::max(lowest, total / (threshold_part * rules.new_tokens)), control);
    for (std::int64_t added = 0; added < rules.new_tokens && !control.stopped();) {
        if (heap_.empty()) {
            if (threshold_ == lowest) return;
            compact();
            start_round(std::max(lowest, threshold_ / threshold_step), control);
            continue;
        }
        if (pairs_.grown() > std::max(cells_.size(), few_positions)) {  // most old positions are of no use any more
            compact();
            start_round(threshold_, control);
            continue;
        }
        const Candidate candidate = heap_.front();
        std::pop_heap(heap_.begin(), heap_.end());
        heap_.pop_back();
        PairIndex::Pair& pair = *pairs_.find(candidate.key);
        if (pair.count != candidate.count) {  // the bound was too high
            if (pair.count >= threshold_) push({pair.count, pair.key});
            continue;
        }
        const auto left = static_cast<TokenId>(candidate.key >> 32);
        const auto right = static_cast<TokenId>(candidate.key & 0xffffffffu);
        if (!allowed(left, right, rules)) {
            pair.count = 0;
            continue;
        }
        const std::string bytes = bytes_of_[left] + bytes_of_[right];
        const auto found = id_of_.find(bytes);
        const bool known = found != id_of_.end();
        const Merge merge{left, right, known ? found->second : static_cast<TokenId>(bytes_of_.size())};
        const auto same = [&](const Merge& other) { return other.left == left && other.right == right; };
        if (!known || std::none_of(merges_.begin(), merges_.end(), same)) {
            merges_.push_back(merge);
            learned.push_back({merge, candidate.count});
        }
        if (!known) {
            id_of_.emplace(bytes, merge.result);
            bytes_of_.push_back(bytes);
            before_.changes.emplace_back();
            after_.changes.emplace_back();
            ++added;
            control.advance(1);
        }
        replace(merge, pair);
        publish_gone(merge);
        if (known) {  // pairs of a token that was there before may gain: look at all of them afresh
            recount(merge.result);
        }
        publish_born(merge.result, known);
    }
}

bool MergeLearner::allowed(TokenId left, TokenId right, const LearnRules& rules) const {
    const std::string_view first = bytes_of_[left];
    const std::string_view second = bytes_of_[right];
    if (first.size() + second.size() > rules.max_token_bytes) return false;
    const std::string bytes = std::string(first).append(second);
    for (const std::string& part : rules.forbid) {
        if (bytes.find(part) != std::string::npos) return false;
    }
    if (rules.max_words > 0 && count_words(bytes) > rules.max_words) return false;
    if (std::find(rules.reserved.begin(), rules.reserved.end(), bytes) != rules.reserved.end()) return false;
    return !rules.veto || !rules.veto(first, second);
}

void MergeLearner::push(Candidate candidate) {
    heap_.push_back(candidate);
    std::push_heap(heap_.begin(), heap_.end());
}

// Removes the cells that merged tokens no longer need.
void MergeLearner::compact() {
    std::uint32_t kept = 0;
    std::uint32_t position = 0;
    for (WeightRange& range : ranges_) {
        for (; position < range.end; ++position) {
            if (cells_[position] >= Sequences::boundary) cells_[kept++] = cells_[position];
        }
        range.end = kept;
    }
    cells_.resize(kept);
}

void MergeLearner::start_round(std::int64_t threshold, Control& control) {
    threshold_ = threshold;
    pairs_.build(cells_, ranges_, threshold, threads_, control);
    heap_.clear();
    for (const PairIndex::Pair& pair : pairs_.pairs()) heap_.push_back({pair.count, pair.key});
    std::make_heap(heap_.begin(), heap_.end());
}

namespace {

// The entry of `neighbour`, noted as changed.
template <typename Side>
auto& touch(Side& side, TokenId neighbour) {
    auto& change = side.changes[neighbour];
    if (!change.touched) {
        change.touched = true;
        side.touched.push_back(neighbour);
    }
    return change;
}

template <typename Side>
void bear(Side& side, TokenId neighbour, std::uint32_t position, std::int64_t weight) {
    auto& change = touch(side, neighbour);
    change.born += weight;
    ++change.positions;
    side.events.push_back({neighbour, position});
}

}  // namespace

// Joins the pair wherever it still is. A token of n >= 2 cells is its id, then -n in its second and in its last cell;
// cells in between are negative and never read.
void MergeLearner::replace(const Merge& merge, PairIndex::Pair& pair) {
    WeightCursor weights(ranges_);
    std::uint32_t joined = UINT32_MAX;  // the last position that was
    for (std::uint32_t i = 0; i < pair.size; ++i) {
        if (i + look_ahead < pair.size) __builtin_prefetch(&cells_[pair.positions[i + look_ahead]], 1);
        const std::uint32_t position = pair.positions[i];
        if (cells_[position] != merge.left) continue;
        const std::uint32_t middle = next(position);
        if (cells_[middle] != merge.right) continue;
        const std::uint32_t end = next(middle);
        const std::int64_t weight = weights.at(position);

        const TokenId back = cells_[position - 1];
        if (back != Sequences::boundary) {
            const std::uint32_t start = back >= 0 ? position - 1 : position - static_cast<std::uint32_t>(-back);
            if (start == joined) {  // its right neighbour was `left` a moment ago and is `result` now
                touch(after_, merge.left).born -= weight;
                bear(before_, merge.result, start, weight);
            } else {
                bear(before_, cells_[start], start, weight);
                before_.changes[cells_[start]].gone += weight;
            }
        }
        if (cells_[end] != Sequences::boundary) {
            bear(after_, cells_[end], position, weight);
            after_.changes[cells_[end]].gone += weight;
        }
        const auto span = static_cast<TokenId>(end - position);
        cells_[position] = merge.result;
        cells_[middle] = -2;
        cells_[position + 1] = -span;
        cells_[end - 1] = -span;
        joined = position;
    }
    pair.size = 0;
}

void MergeLearner::publish_gone(const Merge& merge) {
    auto take = [&](std::uint64_t key, std::int64_t gone) {
        PairIndex::Pair* pair = pairs_.find(key);
        if (pair != nullptr) pair->count -= gone;
    };
    for (const TokenId x : before_.touched) take(pair_key(x, merge.left), before_.changes[x].gone);
    for (const TokenId y : after_.touched) take(pair_key(merge.right, y), after_.changes[y].gone);
    pairs_.find(pair_key(merge.left, merge.right))->count = 0;
}

// Gathers all pairs of `token` in place of those that the last replacement gave birth to.
void MergeLearner::recount(TokenId token) {
    for (Side* side : {&before_, &after_}) {
        for (const TokenId neighbour : side->touched) side->changes[neighbour] = {};
        side->touched.clear();
        side->events.clear();
    }
    WeightCursor weights(ranges_);
    for (std::uint32_t position = 1; position < cells_.size(); ++position) {
        if (cells_[position] != token) continue;
        const std::int64_t weight = weights.at(position);
        const TokenId back = cells_[position - 1];
        if (back != Sequences::boundary) {
            const std::uint32_t start = back >= 0 ? position - 1 : position - static_cast<std::uint32_t>(-back);
            if (cells_[start] != token) bear(before_, cells_[start], start, weight);
        }
        const TokenId after = cells_[next(position)];
        if (after != Sequences::boundary) bear(after_, after, position, weight);
    }
}

void MergeLearner::publish_born(TokenId result, bool known) {
    for (Side* side : {&before_, &after_}) {
        auto key_of = [&](TokenId neighbour) {
            return side == &before_ ? pair_key(neighbour, result) : pair_key(result, neighbour);
        };
        for (const TokenId neighbour : side->touched) {
            Change& change = side->changes[neighbour];
            const std::uint64_t key = key_of(neighbour);
            PairIndex::Pair* pair = known ? pairs_.find(key) : nullptr;
            if (pair != nullptr) {
                pair->count = change.born;
                pair->positions = pairs_.allocate(change.positions);
                pair->size = change.positions;
            } else if (change.born >= threshold_) {
                pair = &pairs_.insert(key, change.born, change.positions);
            }
            if (pair != nullptr) {
                change.place = pair->positions;
                if (change.born >= threshold_) push({change.born, key});
            }
        }
        for (const Event& event : side->events) {
            Change& change = side->changes[event.neighbour];
            if (change.place != nullptr) *change.place++ = event.position;
        }
        for (const TokenId neighbour : side->touched) side->changes[neighbour] = {};
        side->touched.clear();
        side->events.clear();
    }
}

}  // namespace tokencraft
