#include "sequence_builder.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

namespace tokencraft {

namespace {

using Entry = PieceTable::Entry;

constexpr std::size_t pieces_a_part = std::size_t{1} << 13;
constexpr std::size_t look_ahead = 8;  // pieces
constexpr std::size_t parts_a_thread = 32;  // in memory at a time

std::array<TokenId, 256> byte_ids_of(std::span<const std::string> bytes_of) {
    std::array<TokenId, 256> ids;
    ids.fill(-1);
    for (std::size_t id = 0; id < bytes_of.size(); ++id) {
        if (bytes_of[id].size() == 1) ids[static_cast<unsigned char>(bytes_of[id][0])] = static_cast<TokenId>(id);
    }
    if (std::find(ids.begin(), ids.end(), -1) != ids.end()) {
        throw std::invalid_argument("every one of the 256 bytes needs a token");
    }
    return ids;
}

std::vector<std::string_view> views_of(std::span<const std::string> strings) {
    return {strings.begin(), strings.end()};
}

// The largest threshold that keeps a piece: its count over a number between 0 and 1 that its bytes draw.
std::int64_t largest_threshold(const Entry& entry, std::uint64_t seed) {
    const std::string_view text = entry.text();
    std::uint64_t state = mix(seed ^ 0x9e3779b97f4a7c15u, text.size() + 0x8ebc6af09c88c6e3u);
    if (text.size() > PieceTable::inline_bytes) {
        state = mix(state ^ hash_long(text.data(), text.size()), 0xd6e8feb86659fd93u);
    } else {
        state = mix(state ^ entry.low ^ 0xa0761d6478bd642fu, entry.high ^ 0xe7037ed1a0b428dbu);
    }
    __extension__ using wide = unsigned __int128;
    const std::uint64_t drawn = mix(state ^ 0x589965cc75374cc3u, 0x1d8e4e27c47d124fu);
    const wide threshold = (static_cast<wide>(entry.count) << 64) / (static_cast<wide>(drawn) + 1);
    return static_cast<std::int64_t>(std::min<wide>(threshold, std::numeric_limits<std::int64_t>::max()));
}

// 64 classes to every power of two; exact below 128.
std::size_t class_of(std::int64_t threshold) {
    const auto value = static_cast<std::uint64_t>(threshold);
    if (value < 128) return value;
    const int exponent = 63 - std::countl_zero(value);
    return 128 + static_cast<std::size_t>(exponent - 7) * 64 + ((value >> (exponent - 6)) & 63);
}

// The pieces of a table that a sample keeps, by ascending count.
std::vector<const Entry*> in_order(const PieceTable& table, const SequenceBuilder::Sample& sample) {
    constexpr std::int64_t light = 1024;  // counts below are sorted by counting
    auto for_kept = [&](auto&& visit) {
        for (std::size_t shard = 0; shard < PieceTable::shard_count; ++shard) {
            for (const Entry& entry : table.entries(shard)) {
                if (entry.count == 0) continue;
                if (sample.threshold > 1 && largest_threshold(entry, sample.seed) < sample.threshold) continue;
                visit(entry);
            }
        }
    };
    std::vector<std::size_t> starts(light + 1);
    std::size_t total = 0;
    for_kept([&](const Entry& entry) {
        ++total;
        if (entry.count < light) ++starts[static_cast<std::size_t>(entry.count) + 1];
    });
    for (std::size_t weight = 1; weight <= light; ++weight) starts[weight] += starts[weight - 1];
    std::vector<const Entry*> order(total);
    std::size_t heavy = starts[light];
    const auto first_heavy = static_cast<std::ptrdiff_t>(heavy);
    for_kept([&](const Entry& entry) {
        order[entry.count < light ? starts[static_cast<std::size_t>(entry.count)]++ : heavy++] = &entry;
    });
    std::sort(order.begin() + first_heavy, order.end(),
              [](const Entry* a, const Entry* b) { return a->count < b->count; });
    return order;
}

}  // namespace

SequenceBuilder::SequenceBuilder(std::vector<std::string> bytes_of, std::vector<Merge> merges, std::size_t tables,
                                 std::size_t most_cells, unsigned threads)
    : bytes_of_(std::move(bytes_of)),
      merges_(std::move(merges)),
      replay_(merges_, views_of(bytes_of_), byte_ids_of(bytes_of_)),
      tables_(std::max<std::size_t>(1, tables)),
      most_cells_(std::min<std::size_t>(most_cells, UINT32_MAX - 1)),
      threads_(threads),
      scratches_(threads) {}

bool SequenceBuilder::add(const PieceTable& table, const Sample& sample, Control& control) {
    auto& [cells, ranges] = sequences_;
    if (cells.size() > most_cells_) return false;
    const std::vector<const Entry*> order = in_order(table, sample);
    const std::size_t before = cells.size();
    if (cells.empty()) cells.push_back(Sequences::boundary);
    std::vector<Sequences> parts(threads_ * parts_a_thread);
    for (std::size_t done = 0; done < order.size();) {
        const std::size_t count = std::min(parts.size(), (order.size() - done + pieces_a_part - 1) / pieces_a_part);
        run_items(threads_, control, count, [&](unsigned worker, std::size_t index) {
            auto& [some, weights] = parts[index];
            some.clear();
            weights.clear();
            const std::size_t begin = done + index * pieces_a_part;
            const std::size_t end = std::min(order.size(), begin + pieces_a_part);
            for (std::size_t i = begin; i < end; ++i) {
                if (i + 2 * look_ahead < end) __builtin_prefetch(order[i + 2 * look_ahead]);
                if (i + look_ahead < end) order[i + look_ahead]->prefetch();
                const Entry& entry = *order[i];
                const std::size_t start = some.size();
                replay_.append(entry.text(), entry.readable_end(), some, scratches_[worker]);
                if (some.size() - start < 2) {
                    some.resize(start);
                    continue;
                }
                some.push_back(Sequences::boundary);
                const std::int64_t weight = std::max(entry.count, sample.threshold);
                if (weights.empty() || weights.back().weight != weight) weights.push_back({0, weight});
                weights.back().end = static_cast<std::uint32_t>(some.size());
            }
        });
        done = std::min(order.size(), done + count * pieces_a_part);
        std::size_t total = cells.size();
        for (std::size_t index = 0; index < count; ++index) total += parts[index].cells.size();
        if (total > most_cells_) {
            cells.resize(most_cells_ + 1);  // what tells from now on that there are too many
            return false;
        }
        if (total > cells.capacity()) {  // room for all of it, going by the beginning; untouched memory costs nothing
            const std::size_t whole = (total - before) * order.size() / done * tables_;
            cells.reserve(std::clamp(before + whole + whole / 16, total + total / 8, most_cells_ + 1));
            prefer_huge_pages(cells.data(), cells.capacity() * sizeof(TokenId));
        }
        for (std::size_t index = 0; index < count; ++index) {
            const auto offset = static_cast<std::uint32_t>(cells.size());
            cells.insert(cells.end(), parts[index].cells.begin(), parts[index].cells.end());
            for (const WeightRange& range : parts[index].ranges) {
                if (!ranges.empty() && ranges.back().weight == range.weight) {
                    ranges.back().end = offset + range.end;
                } else {
                    ranges.push_back({offset + range.end, range.weight});
                }
            }
        }
    }
    pieces_ += static_cast<std::int64_t>(order.size());
    return true;
}

void SequenceBuilder::weigh(const PieceTable& table, std::uint64_t seed, Control& control) {
    weights_.resize(class_count);
    std::vector<std::vector<Weight>> mine(threads_, std::vector<Weight>(class_count));
    std::vector<std::vector<TokenId>> tokens(threads_);
    run_items(threads_, control, PieceTable::shard_count, [&](unsigned worker, std::size_t shard) {
        std::size_t seen = 0;
        for (const Entry& entry : table.entries(shard)) {
            if (entry.count == 0) continue;
            if (++seen % 1024 == 0 && control.stopped()) return;
            tokens[worker].clear();
            replay_.append(entry.text(), entry.readable_end(), tokens[worker], scratches_[worker]);
            Weight& weight = mine[worker][class_of(largest_threshold(entry, seed))];
            ++weight.pieces;
            if (tokens[worker].size() > 1) weight.cells += static_cast<std::int64_t>(tokens[worker].size()) + 1;
        }
    });
    for (const auto& weights : mine) {
        for (std::size_t index = 0; index < class_count; ++index) {
            weights_[index].cells += weights[index].cells;
            weights_[index].pieces += weights[index].pieces;
        }
    }
}

std::int64_t SequenceBuilder::class_begin(std::size_t index) {
    if (index < 128) return static_cast<std::int64_t>(index);
    const std::size_t exponent = (index - 128) / 64 + 7;
    if (exponent >= 63) return std::numeric_limits<std::int64_t>::max();
    return static_cast<std::int64_t>((64 + (index - 128) % 64) << (exponent - 6));
}

std::vector<std::uint8_t> SequenceBuilder::fired() const {
    std::vector<std::uint8_t> fired(merges_.size());
    for (const auto& scratch : scratches_) {
        for (std::size_t i = 0; i < scratch.fired.size(); ++i) fired[i] |= scratch.fired[i];
    }
    return fired;
}

}  // namespace tokencraft
