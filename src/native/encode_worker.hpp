// One thread of the encoder: cuts documents, looks segments up, joins their tokens (see bpe_plan.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "bpe_plan.hpp"
#include "bpe_rules.hpp"
#include "parallel.hpp"
#include "segment_cache.hpp"
#include "split.hpp"

namespace tokencraft {

struct EncodeInput {
    std::string_view text;                // < 2^32 bytes
    std::span<const std::uint32_t> ends;  // of its pieces, where has_ends; they cover the text in order
    bool has_ends = false;
};

// Token ids of many documents; grows without touching what it does not use.
class IdBuffer {
public:
    std::size_t size = 0;

    // The end, with room for this many ids behind it.
    Symbol* room(std::size_t count) {
        if (size + count > capacity_) {
            const std::size_t wanted = std::max(size + count, capacity_ * 2);
            auto* grown = static_cast<Symbol*>(std::realloc(data_.get(), wanted * sizeof(Symbol)));
            if (!grown) throw std::bad_alloc();
            (void)data_.release();
            data_.reset(grown);
            capacity_ = wanted;
        }
        return data_.get() + size;
    }
    const Symbol* data() const { return data_.get(); }
    void shrink() {
        if (capacity_ < (std::size_t{1} << 22)) return;
        data_.reset();
        capacity_ = 0;
    }

private:
    struct Free {
        void operator()(Symbol* data) const { std::free(data); }
    };
    std::unique_ptr<Symbol[], Free> data_;
    std::size_t capacity_ = 0;
};

// A plan, and the ranks of byte pairs in its first level.
struct PlannedEncoding {
    Plan plan;
    std::vector<std::uint32_t> byte_pairs;
};

// What one thread needs: caches for the level-1 tokens of segments, which are good for one plan, and its output.
class EncodeWorker {
public:
    // `whole_pieces` as in BpeEncoder; the rules outlive the worker.
    EncodeWorker(const BpeRules& rules, Pattern pattern, bool whole_pieces,
                 std::shared_ptr<const PlannedEncoding> planned)
        : planned(std::move(planned)),
          rules_(rules),
          plan_(this->planned->plan),
          early_(plan_.two_level() ? plan_.early : rules.pairs()),
          pattern_(pattern),
          whole_pieces_(whole_pieces) {}

    const std::shared_ptr<const PlannedEncoding> planned;
    IdBuffer ids;

    // Appends the ids of a document.
    void encode(const EncodeInput& input, const Control& control) {
        scratch_.control = &control;
        const std::string_view text = input.text;
        const std::span<const std::uint32_t> ends = ends_of(input);
        Symbol* const begin = ids.room(text.size() + slack);
        Symbol* end = begin;
        if (!plan_.cut_inside) {
            end = encode_pieces(text, ends, end);
        } else if (!whole_pieces_) {
            end = encode_span(text, ends, end, control);
        } else {
            std::size_t start = 0;
            for (const std::uint32_t piece_end : ends) {
                const std::string_view piece = text.substr(start, piece_end - start);
                start = piece_end;
                if (const Symbol whole = rules_.find(piece); whole != no_symbol) {
                    *end++ = whole;
                } else {
                    end = encode_span(piece, {}, end, control);
                }
            }
        }
        ids.size += static_cast<std::size_t>(end - begin);
    }

    // Appends the ids of a document with merges dropped at random.
    void encode_dropout(const EncodeInput& input, const Dropout& dropout, Random random, const Control& control) {
        scratch_.control = &control;
        std::size_t start = 0;
        Symbol* const begin = ids.room(input.text.size());
        Symbol* end = begin;
        for (const std::uint32_t piece_end : ends_of(input)) {
            const std::size_t count = rules_.start(input.text.substr(start, piece_end - start), end);
            end += rules_.apply_dropout(end, count, dropout, random, scratch_);
            start = piece_end;
        }
        ids.size += static_cast<std::size_t>(end - begin);
    }

private:
    using ShortCache = SegmentCache<2, 3>;
    using MiddleCache = SegmentCache<4, 7>;
    using LongCache = SegmentCache<8, 15>;
    static constexpr Symbol piece_start = Symbol{1}
                                          << 31;  // mark of the first token of a piece, between the two levels
    static constexpr std::size_t slack = 16;      // a cache hit writes a fixed number of ids
    static constexpr std::size_t batch = 64;      // lookups in flight
    static constexpr std::size_t window = 1024;   // segments that are cut before they are looked up

    std::span<const std::uint32_t> ends_of(const EncodeInput& input) {
        if (input.has_ends) return input.ends;
        ends_.clear();
        split(pattern_, input.text, ends_);
        return ends_;
    }

    // One level: every piece is a segment.
    Symbol* encode_pieces(std::string_view text, std::span<const std::uint32_t> ends, Symbol* out) {
        std::size_t start = 0;
        for (std::size_t at = 0; at < ends.size(); at += window) {
            std::size_t count = 0;
            bounds_[count++] = start << 1;
            for (const std::uint32_t end : ends.subspan(at, std::min(window, ends.size() - at)))
                bounds_[count++] = std::uint64_t{end} << 1;
            start = bounds_[count - 1] >> 1;
            out = encode_segments(text, count - 1, out);
        }
        return out;
    }

    // Both levels on text whose pieces have these ends (none: it is one piece). Returns the end of the ids.
    Symbol* encode_span(std::string_view text, std::span<const std::uint32_t> ends, Symbol* const out,
                        const Control& control) {
        if (text.empty()) return out;
        Symbol* end = out;
        const std::uint32_t* piece_end = ends.data();
        const std::uint32_t* const last_end = piece_end + ends.size();
        std::size_t count = 0;
        bounds_[count++] = 0;
        mark_ = 0;
        for (std::size_t base = 0; base < text.size(); base += 64) {
            const std::size_t size = std::min<std::size_t>(64, text.size() - base);
            const char before = text[base > 0 ? base - 1 : 0];
            // Bit i: before byte base + i.
            std::uint64_t cuts = plan_.junctions.cuts(text.data() + base, size, static_cast<unsigned char>(before));
            std::uint64_t piece_cuts = 0;
            for (; piece_end < last_end && *piece_end < base + size; ++piece_end)
                piece_cuts |= std::uint64_t{1} << (*piece_end - base);
            cuts |= piece_cuts;
            if (base == 0) cuts &= ~std::uint64_t{1};
            for (; cuts != 0; cuts &= cuts - 1) {
                const int at = std::countr_zero(cuts);
                bounds_[count++] = (base + static_cast<std::size_t>(at)) << 1 | (piece_cuts >> at & 1);
            }
            if (count > window) {
                end = encode_segments(text, count - 1, end);
                bounds_[0] = bounds_[count - 1];
                count = 1;
                if (control.stopped()) return end;
            }
        }
        bounds_[count++] = text.size() << 1;
        end = encode_segments(text, count - 1, end);
        return plan_.two_level() ? join(out, end) : end;
    }

    // Level 1 of `count` segments between bounds_. With two levels, the first token of a piece is marked.
    Symbol* encode_segments(std::string_view text, std::size_t count, Symbol* out) {
        const bool mark_pieces = plan_.two_level();
        ShortCache::Key keys[batch];
        std::size_t sets[batch];
        for (std::size_t base = 0; base < count; base += batch) {
            const std::uint64_t* const bounds = bounds_.data() + base;
            const std::size_t size_of_batch = std::min(batch, count - base);
            // The keys first: their places in the cache are on the way while the others are made.
            for (std::size_t i = 0; i < size_of_batch; ++i) {
                const std::size_t start = bounds[i] >> 1;
                const std::size_t size = (bounds[i + 1] >> 1) - start;
                if (size > ShortCache::Key::most) [[unlikely]]
                    continue;
                keys[i] = read_key<ShortCache>(text, start, size);
                sets[i] = short_.set_of(keys[i]);
            }
            for (std::size_t i = 0; i < size_of_batch; ++i) {
                Symbol* const first = out;
                const std::size_t start = bounds[i] >> 1;
                const std::size_t size = (bounds[i + 1] >> 1) - start;
                if (size > ShortCache::Key::most) [[unlikely]] {
                    out = encode_long(text, start, size, out);
                } else if (const int found = short_.find(keys[i], sets[i], out); found >= 0) [[likely]] {
                    out += found;
                } else {
                    out = compute(text.substr(start, size), out);
                    short_.insert(keys[i], sets[i], {first, out});
                }
                if (mark_pieces) {
                    mark_ |= static_cast<Symbol>(bounds[i] & 1) * piece_start;
                    *first |= mark_;
                    if (out > first) mark_ = 0;  // bytes without a token: the mark is for the next
                }
            }
        }
        return out;
    }

    Symbol* encode_long(std::string_view text, std::size_t start, std::size_t size, Symbol* out) {
        if (size <= MiddleCache::Key::most) return remembered(middle_, text, start, size, out);
        if (size <= LongCache::Key::most) return remembered(long_, text, start, size, out);
        return encode_characters(text, start, size, out);
    }

    // A segment that no cache remembers: cut again between characters that no merge of level 1 joins.
    [[gnu::noinline]] Symbol* encode_characters(std::string_view text, std::size_t start, std::size_t size,
                                                Symbol* out) {
        if (!plan_.cut_inside) return compute(text.substr(start, size), out);
        const std::size_t end = start + size;
        std::size_t begin = start;
        for (std::size_t at = start + 3; at + 3 <= end; ++at) {
            if ((text[at] & 0xC0) == 0x80 || plan_.wide_junctions.may_join(text.data() + at)) continue;
            out = encode_part(text, begin, at - begin, out);
            begin = at;
        }
        if (begin == start) return compute(text.substr(start, size), out);
        return encode_part(text, begin, end - begin, out);
    }

    Symbol* encode_part(std::string_view text, std::size_t start, std::size_t size, Symbol* out) {
        if (size <= ShortCache::Key::most) return remembered<false>(short_, text, start, size, out);
        if (size <= MiddleCache::Key::most) return remembered<false>(middle_, text, start, size, out);
        if (size <= LongCache::Key::most) return remembered<false>(long_, text, start, size, out);
        return compute(text.substr(start, size), out);
    }

    template <bool cut = true, typename Cache>
    Symbol* remembered(Cache& cache, std::string_view text, std::size_t start, std::size_t size, Symbol* out) {
        const auto key = read_key<Cache>(text, start, size);
        const std::size_t set = cache.set_of(key);
        if (const int found = cache.find(key, set, out); found >= 0) return out + found;
        Symbol* const end = cut ? encode_characters(text, start, size, out) : compute(text.substr(start, size), out);
        cache.insert(key, set, {out, end});
        return end;
    }

    template <typename Cache>
    static typename Cache::Key read_key(std::string_view text, std::size_t start, std::size_t size) {
        constexpr std::size_t width = Cache::Key::most + 1;
        if (start + width <= text.size()) [[likely]]
            return Cache::Key::read(text.data() + start, size);
        char padded[width] = {};
        std::memcpy(padded, text.data() + start, size);
        return Cache::Key::read(padded, size);
    }

    [[gnu::noinline]] Symbol* compute(std::string_view bytes, Symbol* out) {
        if (whole_pieces_ && !plan_.cut_inside) {  // segments are pieces
            if (const Symbol whole = rules_.find(bytes); whole != no_symbol) {
                *out = whole;
                return out + 1;
            }
        }
        return out + rules_.encode(early_, planned->byte_pairs, bytes, out, scratch_);
    }

    // Level 2 on marked level-1 tokens, in place.
    Symbol* join(Symbol* at, Symbol* const end) {
        Symbol* out = at;
        while (at < end) {
            Symbol* const run = out;
            Symbol before = *at++ & ~piece_start;
            *out++ = before;
            while (at < end && !(*at & piece_start) && plan_.crossing.may_join(before, *at)) *out++ = before = *at++;
            if (out - run > 1) out = join_run(run, out);
        }
        return out;
    }

    Symbol* join_run(Symbol* run, Symbol* end) {
        if (end - run > 2) return run + apply_merges(plan_.late, run, static_cast<std::size_t>(end - run), scratch_);
        const std::uint32_t rank = plan_.late.find(run[0], run[1]);
        if (rank == no_rank) return end;
        run[0] = plan_.late.result(rank);
        return run + 1;
    }

    const BpeRules& rules_;
    const Plan& plan_;
    const PairTable& early_;
    const Pattern pattern_;
    const bool whole_pieces_;
    ShortCache short_{19};    // 32 MiB
    MiddleCache middle_{16};  // 8 MiB
    LongCache long_{13};      // 2 MiB
    MergeScratch scratch_;
    std::vector<std::uint32_t> ends_;
    std::array<std::uint64_t, window + 66> bounds_;  // of segments: offset << 1 | starts a piece
    Symbol mark_ = 0;                                // for the next token
};

}  // namespace tokencraft
