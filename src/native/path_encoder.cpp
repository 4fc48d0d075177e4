#include "path_encoder.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "characters.hpp"

namespace tokencraft {
namespace {

constexpr std::size_t block_bytes = 64 << 10;    // texts are handed to workers in blocks of about this size
constexpr std::size_t inline_bytes = 128 << 10;  // a smaller batch is not worth a thread
constexpr std::size_t listen_every = 1 << 14;    // steps
constexpr int part_levels = 2;

}  // namespace

PathEncoder::PathEncoder(std::vector<std::string> tokens, std::vector<std::int64_t> ranks, const PathRules& rules)
    : tokens_(std::move(tokens)), ranks_(std::move(ranks)), rules_(rules) {
    if (ranks_.size() != tokens_.size()) throw std::invalid_argument("one rank per token");
    byte_ids_.fill(none);
    for (std::size_t id = tokens_.size(); id-- > 0;) {
        if (tokens_[id].size() == 1) byte_ids_[static_cast<Byte>(tokens_[id][0])] = static_cast<std::uint32_t>(id);
        if (tokens_[id].empty() && ranks_[id] >= 0) throw std::invalid_argument("a token with a rank needs bytes");
    }
    if (std::find(byte_ids_.begin(), byte_ids_.end(), none) != byte_ids_.end()) {
        throw std::invalid_argument("every one of the 256 bytes needs a token");
    }
    build_trie();
    if (rules_.deeper) build_parts();
}

// Level by level over the sorted tokens, so that the children of a node follow one another.
void PathEncoder::build_trie() {
    std::vector<std::uint32_t> sorted;
    for (std::uint32_t id = 0; id < tokens_.size(); ++id) {
        if (ranks_[id] >= 0) sorted.push_back(id);
    }
    std::sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) { return tokens_[a] < tokens_[b]; });
    struct Range {
        std::size_t from;
        std::size_t to;
        std::size_t depth;
    };
    std::vector<Range> ranges{{0, sorted.size(), 0}};  // of the tokens below every node
    nodes_.emplace_back();
    labels_.push_back(0);
    for (std::size_t node = 0; node < ranges.size(); ++node) {
        auto [from, to, depth] = ranges[node];
        while (from < to && tokens_[sorted[from]].size() == depth) nodes_[node].token = sorted[from++];
        nodes_[node].first = static_cast<std::uint32_t>(nodes_.size());
        while (from < to) {
            const char byte = tokens_[sorted[from]][depth];
            std::size_t end = from + 1;
            while (end < to && tokens_[sorted[end]][depth] == byte) ++end;
            ranges.push_back({from, end, depth + 1});
            nodes_.emplace_back();
            labels_.push_back(static_cast<Byte>(byte));
            from = end;
        }
        nodes_[node].count = static_cast<std::uint32_t>(nodes_.size()) - nodes_[node].first;
    }
    for (unsigned byte = 0; byte < 256; ++byte) from_root_[byte] = child(0, static_cast<Byte>(byte));
}

std::uint32_t PathEncoder::child(std::uint32_t node, unsigned char byte) const {
    const Node& parent = nodes_[node];
    if (parent.count == 0) return none;
    const Byte* labels = labels_.data() + parent.first;
    const void* found = std::memchr(labels, byte, parent.count);
    return found ? parent.first + static_cast<std::uint32_t>(static_cast<const Byte*>(found) - labels) : none;
}

PathEncoder::Step PathEncoder::character(std::string_view rest) const {
    const auto* at = reinterpret_cast<const Byte*>(rest.data());
    const std::uint32_t length = tokencraft::character(at, at + rest.size()).length;
    return {find(rest.substr(0, length)), length};
}

std::uint32_t PathEncoder::find(std::string_view token) const {
    std::uint32_t node = 0;
    for (const char byte : token) {
        node = child(node, static_cast<Byte>(byte));
        if (node == none) return none;
    }
    return nodes_[node].token;
}

std::pair<PathEncoder::Step, PathEncoder::Step> PathEncoder::two_longest(std::string_view rest) const {
    Step big{none, 0};
    Step small{none, 0};
    std::uint32_t node = from_root_[static_cast<Byte>(rest[0])];
    for (std::uint32_t length = 1; node != none; ++length) {
        if (nodes_[node].token != none) {
            small = big;
            big = {nodes_[node].token, length};
        }
        if (length == rest.size()) break;
        node = child(node, static_cast<Byte>(rest[length]));
    }
    return {big, small};
}

PathEncoder::Step PathEncoder::next(std::string_view rest) const {
    const Step big = two_longest(rest).first;
    return big.id != none ? big : character(rest);
}

void PathEncoder::emit(const Step& step, std::string_view rest, std::vector<std::uint32_t>& ids) const {
    if (step.id == none) {
        for (std::uint32_t i = 0; i < step.length; ++i) ids.push_back(byte_ids_[static_cast<Byte>(rest[i])]);
    } else if (rules_.deeper && !parts_[step.id].empty()) {
        ids.insert(ids.end(), parts_[step.id].begin(), parts_[step.id].end());
    } else {
        ids.push_back(step.id);
    }
}

// Emits the better path and says how many bytes it covers.
std::size_t PathEncoder::better_path(std::string_view rest, const Step& big, const Step& small,
                                     std::vector<Step>& longer, std::vector<Step>& shorter,
                                     std::vector<std::uint32_t>& ids) const {
    longer.assign(1, big);
    shorter.assign(1, small);
    std::size_t end_longer = big.length;
    std::size_t end_shorter = small.length;
    while (end_longer != end_shorter) {
        std::size_t& end = end_longer < end_shorter ? end_longer : end_shorter;
        const Step step = next(rest.substr(end));
        (&end == &end_longer ? longer : shorter).push_back(step);
        end += step.length;
    }
    const auto ranks = [&](const std::vector<Step>& path) {
        std::int64_t sum = 0;
        for (const Step& step : path) sum += rank(step);
        return sum;
    };
    const bool shorter_is_better =
        longer.size() != shorter.size() ? longer.size() > shorter.size() : ranks(longer) > ranks(shorter);
    std::size_t at = 0;
    for (const Step& step : shorter_is_better ? shorter : longer) {
        emit(step, rest.substr(at), ids);
        at += step.length;
    }
    return end_longer;
}

void PathEncoder::encode_text(std::string_view text, std::vector<std::uint32_t>& ids, const Control& control) const {
    std::vector<Step> longer;
    std::vector<Step> shorter;
    std::size_t steps = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (++steps % listen_every == 0 && control.stopped()) return;
        const std::string_view rest = text.substr(at);
        const auto [big, small] = two_longest(rest);
        if (rules_.two_paths && small.id != none) {
            at += better_path(rest, big, small, longer, shorter, ids);
            continue;
        }
        const Step step = big.id == none || (rules_.two_paths && rules_.official) ? character(rest) : big;
        emit(step, rest, ids);
        at += step.length;
    }
}

PathEncoder::Encoded PathEncoder::encode(std::span<const std::string_view> texts, unsigned threads,
                                         Control& control) const {
    struct Block {
        std::size_t first;
        std::size_t last;
        std::vector<std::uint32_t> ids;
    };
    std::vector<Block> blocks;
    std::size_t total = 0;
    for (std::size_t i = 0, size = block_bytes; i < texts.size(); ++i) {
        if (size >= block_bytes) {
            blocks.push_back({i, i, {}});
            size = 0;
        }
        blocks.back().last = i + 1;
        size += texts[i].size();
        total += texts[i].size();
    }
    Encoded encoded;
    encoded.offsets.assign(texts.size() + 1, 0);
    const auto encode_block = [&](unsigned, std::size_t index) {
        Block& block = blocks[index];
        for (std::size_t i = block.first; i < block.last; ++i) {
            const std::size_t before = block.ids.size();
            encode_text(texts[i], block.ids, control);
            encoded.offsets[i + 1] = static_cast<std::int64_t>(block.ids.size() - before);
            control.advance(static_cast<std::int64_t>(texts[i].size()));
        }
    };
    if (total < inline_bytes) {
        for (std::size_t index = 0; index < blocks.size(); ++index) encode_block(0, index);
    } else {
        run_items(std::max(threads, 1u), control, blocks.size(), encode_block);
    }
    for (std::size_t i = 0; i < texts.size(); ++i) encoded.offsets[i + 1] += encoded.offsets[i];
    encoded.ids.reserve(static_cast<std::size_t>(encoded.offsets.back()));
    for (const Block& block : blocks) encoded.ids.insert(encoded.ids.end(), block.ids.begin(), block.ids.end());
    return encoded;
}

// ---- deeper --------------------------------------------------------------------------------------------------------

void PathEncoder::build_parts() {
    parts_.resize(tokens_.size());
    for (std::uint32_t id = 0; id < tokens_.size(); ++id) {
        if (ranks_[id] < 0) continue;
        std::vector<std::uint32_t> parts = parts_of(id, part_levels);
        if (parts.size() > 1) parts_[id] = std::move(parts);
    }
}

// Of the cuts into two tokens, the one with the smallest pair of ranks, where both are better than the whole's.
std::vector<std::uint32_t> PathEncoder::parts_of(std::uint32_t id, int levels) const {
    const std::string_view whole = tokens_[id];
    std::pair<std::uint32_t, std::uint32_t> best{none, none};
    std::uint32_t node = 0;
    for (std::size_t length = 1; length < whole.size() && levels > 0; ++length) {
        node = child(node, static_cast<Byte>(whole[length - 1]));
        const std::uint32_t left = nodes_[node].token;
        const std::uint32_t right = left == none ? none : find(whole.substr(length));
        if (right == none) continue;
        if (best.first == none ||
            std::pair(ranks_[left], ranks_[right]) < std::pair(ranks_[best.first], ranks_[best.second])) {
            best = {left, right};
        }
    }
    if (best.first == none || std::max(ranks_[best.first], ranks_[best.second]) >= ranks_[id]) return {id};
    std::vector<std::uint32_t> parts = parts_of(best.first, levels - 1);
    const std::vector<std::uint32_t> right = parts_of(best.second, levels - 1);
    parts.insert(parts.end(), right.begin(), right.end());
    return parts;
}

}  // namespace tokencraft
