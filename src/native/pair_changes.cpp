#include "pair_changes.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace tokencraft {

namespace {

constexpr std::uint32_t none = UINT32_MAX;

class Replayer {
public:
    Replayer(Sequences words, std::span<const Merge> merges)
        : cells_(std::move(words.cells)), ranges_(std::move(words.ranges)), merges_(merges) {
        if (cells_.size() >= none) throw std::length_error("the distinct words hold 2^32 symbols or more");
        for (const Merge& merge : merges_) {
            Pair& pair = find(pair_key(merge.left, merge.right));
            if (pair.wanted == none) {
                pair.wanted = static_cast<std::uint32_t>(positions_.size());
                positions_.emplace_back();
            }
        }
    }

    PairChanges run(Control& control) {
        PairChanges changes;
        changes.offsets.push_back(0);
        if (!merges_.empty()) {
            count_all();
            write(changes);
        }
        for (std::size_t step = 1; step < merges_.size() && !control.stopped(); ++step) {
            apply(merges_[step - 1], static_cast<std::uint32_t>(step));
            write(changes);
            control.advance(1);
        }
        changes.keys.reserve(pairs_.size());
        for (const Pair& pair : pairs_) changes.keys.push_back(pair.key);
        return changes;
    }

private:
    struct Pair {
        std::uint64_t key;
        std::int64_t count = 0;
        std::int64_t before = 0;     // the count before the step of `stamp`
        std::uint32_t stamp = none;  // the last step that touched it
        std::uint32_t wanted = none;  // which list of positions is its own
    };

    void count_all() {
        previous_.resize(cells_.size());
        next_.resize(cells_.size());
        for (std::uint32_t i = 0; i < cells_.size(); ++i) {
            previous_[i] = i - 1;
            next_[i] = i + 1;
        }
        step_ = 0;
        std::uint32_t position = 0;
        for (const WeightRange& range : ranges_) {
            const auto end = std::min<std::uint32_t>(range.end, static_cast<std::uint32_t>(cells_.size()) - 1);
            for (; position < end; ++position) {
                if ((cells_[position] | cells_[position + 1]) < 0) continue;
                gain(cells_[position], cells_[position + 1], position, range.weight);
            }
        }
    }

    void apply(const Merge& merge, std::uint32_t step) {
        step_ = step;
        const std::uint64_t key = pair_key(merge.left, merge.right);
        std::vector<std::uint32_t> places = std::move(positions_[find(key).wanted]);
        if (!std::is_sorted(places.begin(), places.end())) std::sort(places.begin(), places.end());
        WeightCursor weights(ranges_);
        for (const std::uint32_t at : places) {
            if (cells_[at] != merge.left) continue;
            const std::uint32_t middle = next_[at];
            if (cells_[middle] != merge.right) continue;
            const std::int64_t weight = weights.at(at);
            const std::uint32_t before = previous_[at];
            const std::uint32_t after = next_[middle];
            change(key, -weight);
            if (cells_[before] >= 0) {
                change(pair_key(cells_[before], merge.left), -weight);
                gain(cells_[before], merge.result, before, weight);
            }
            if (cells_[after] >= 0) {
                change(pair_key(merge.right, cells_[after]), -weight);
                gain(merge.result, cells_[after], at, weight);
            }
            cells_[at] = merge.result;
            cells_[middle] = gone;
            next_[at] = after;
            previous_[after] = at;
        }
    }

    void gain(TokenId left, TokenId right, std::uint32_t position, std::int64_t weight) {
        const Pair& pair = change(pair_key(left, right), weight);
        if (pair.wanted != none) positions_[pair.wanted].push_back(position);
    }

    Pair& change(std::uint64_t key, std::int64_t amount) {
        Pair& pair = find(key);
        if (pair.stamp != step_) {
            pair.stamp = step_;
            pair.before = pair.count;
            touched_.push_back(static_cast<std::int32_t>(&pair - pairs_.data()));
        }
        pair.count += amount;
        return pair;
    }

    void write(PairChanges& changes) {
        for (const std::int32_t index : touched_) {
            const Pair& pair = pairs_[index];
            if (pair.count == pair.before) continue;
            changes.pairs.push_back(index);
            changes.counts.push_back(pair.count);
        }
        touched_.clear();
        changes.offsets.push_back(static_cast<std::int64_t>(changes.pairs.size()));
    }

    // The entry of a pair, a new one where there is none.
    Pair& find(std::uint64_t key) {
        std::size_t slot = hash_pair(key) & mask_;
        for (; slots_[slot] != none; slot = (slot + 1) & mask_) {
            if (pairs_[slots_[slot]].key == key) return pairs_[slots_[slot]];
        }
        if (pairs_.size() >= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
            throw std::length_error("the words hold 2^31 distinct pairs or more");
        }
        slots_[slot] = static_cast<std::uint32_t>(pairs_.size());
        pairs_.push_back({key});
        if (pairs_.size() * 2 > slots_.size()) grow();
        return pairs_.back();
    }

    void grow() {
        slots_.assign(slots_.size() * 2, none);
        mask_ = slots_.size() - 1;
        for (std::uint32_t index = 0; index < pairs_.size(); ++index) {
            std::size_t slot = hash_pair(pairs_[index].key) & mask_;
            while (slots_[slot] != none) slot = (slot + 1) & mask_;
            slots_[slot] = index;
        }
    }

    static constexpr TokenId gone = -2;

    std::vector<TokenId> cells_;
    std::vector<WeightRange> ranges_;
    std::span<const Merge> merges_;
    std::vector<std::uint32_t> previous_, next_;
    std::vector<Pair> pairs_;
    std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(1024, none);
    std::size_t mask_ = 1023;
    std::vector<std::vector<std::uint32_t>> positions_;  // of the pairs that are merged
    std::vector<std::int32_t> touched_;
    std::uint32_t step_ = 0;
};

}  // namespace

PairChanges replay_pairs(Sequences words, std::span<const Merge> merges, Control& control) {
    return Replayer(std::move(words), merges).run(control);
}

}  // namespace tokencraft
