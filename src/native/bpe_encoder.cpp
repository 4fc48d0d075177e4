#include "bpe_encoder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "segment_cache.hpp"

namespace tokencraft {
namespace {

constexpr std::size_t block_bytes = 64 << 10;    // documents are handed to workers in blocks of about this size
constexpr std::size_t inline_bytes = 128 << 10;  // a smaller batch is not worth a thread
constexpr std::size_t sample_bytes = 32 << 10;   // for the plan
constexpr std::size_t least_sample = 1 << 10;    // less text is no ground for a plan
constexpr std::size_t checked_bytes = 8 << 10;   // of the sample, encoded both ways
constexpr Symbol piece_start = Symbol{1} << 31;  // mark of the first token of a piece, between the two levels

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

}  // namespace

// A plan that workers share.
struct BpeEncoder::Planned {
    Plan plan;
};

// What one thread needs: caches for the level-1 tokens of segments, which are good for one plan, and its output.
class BpeEncoder::Worker {
public:
    Worker(const BpeEncoder& encoder, std::shared_ptr<const Planned> planned)
        : planned(std::move(planned)), rules_(encoder.rules_), plan_(this->planned->plan),
          early_(plan_.two_level() ? plan_.early : encoder.rules_.pairs()), pattern_(encoder.pattern_),
          whole_pieces_(encoder.whole_pieces_) {}

    const std::shared_ptr<const Planned> planned;
    IdBuffer ids;

    // Appends the ids of a document.
    void encode(const EncodeInput& input, const Control& control) {
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
    void encode_dropout(const EncodeInput& input, const Dropout& dropout, Random random) {
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
    using LongCache = SegmentCache<4, 7>;
    static constexpr std::size_t slack = 16;     // a cache hit writes a fixed number of ids
    static constexpr std::size_t ahead = 8;      // lookups in flight
    static constexpr std::size_t window = 1024;  // segments that are cut before they are looked up

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
            for (const std::uint32_t end : ends.subspan(at, std::min(window, ends.size() - at))) bounds_[count++] = std::uint64_t{end} << 1;
            start = bounds_[count - 1] >> 1;
            out = encode_segments(text, count - 1, out);
        }
        return out;
    }

    // Both levels on text whose pieces have these ends (none: it is one piece). Returns the end of the ids.
    Symbol* encode_span(std::string_view text, std::span<const std::uint32_t> ends, Symbol* const out, const Control& control) {
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
            for (; piece_end < last_end && *piece_end < base + size; ++piece_end) piece_cuts |= std::uint64_t{1} << (*piece_end - base);
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
        ShortCache::Key keys[ahead];
        std::size_t sets[ahead];
        auto prepare = [&](std::size_t i) {
            const std::size_t start = bounds_[i] >> 1;
            const std::size_t size = (bounds_[i + 1] >> 1) - start;
            if (size > ShortCache::Key::most) [[unlikely]] return;
            keys[i % ahead] = read_key<ShortCache>(text, start, size);
            sets[i % ahead] = short_.set_of(keys[i % ahead]);
        };
        for (std::size_t i = 0; i < std::min(ahead, count); ++i) prepare(i);
        for (std::size_t i = 0; i < count; ++i) {
            Symbol* const first = out;
            const std::size_t start = bounds_[i] >> 1;
            const std::size_t size = (bounds_[i + 1] >> 1) - start;
            if (size <= ShortCache::Key::most) [[likely]] {
                const auto& key = keys[i % ahead];
                const std::size_t set = sets[i % ahead];
                if (const int found = short_.find(key, set, out); found >= 0) [[likely]] {
                    out += found;
                } else {
                    out = compute(text.substr(start, size), out);
                    short_.insert(key, set, {first, out});
                }
            } else {
                out = encode_long(text, start, size, out);
            }
            if (mark_pieces) {
                mark_ |= static_cast<Symbol>(bounds_[i] & 1) * piece_start;
                *first |= mark_;
                if (out > first) mark_ = 0;  // bytes without a token: the mark is for the next
            }
            if (i + ahead < count) prepare(i + ahead);
        }
        return out;
    }

    Symbol* encode_long(std::string_view text, std::size_t start, std::size_t size, Symbol* out) {
        if (size > LongCache::Key::most) return compute(text.substr(start, size), out);
        const auto key = read_key<LongCache>(text, start, size);
        const std::size_t set = long_.set_of(key);
        if (const int found = long_.find(key, set, out); found >= 0) return out + found;
        Symbol* const end = compute(text.substr(start, size), out);
        long_.insert(key, set, {out, end});
        return end;
    }

    template <typename Cache>
    static typename Cache::Key read_key(std::string_view text, std::size_t start, std::size_t size) {
        constexpr std::size_t width = Cache::Key::most + 1;
        if (start + width <= text.size()) [[likely]] return Cache::Key::read(text.data() + start, size);
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
        return out + apply_merges(early_, out, rules_.start(bytes, out), scratch_);
    }

    // Level 2 on marked level-1 tokens, in place. Few tokens can be joined to the one before, so 64 are asked at once and
    // those between are moved together.
    Symbol* join(Symbol* const begin, Symbol* const end) {
        Symbol* out = begin;
        const auto total = static_cast<std::size_t>(end - begin);
        Symbol before = 0;
        Symbol* run = begin;  // of tokens that may be joined, at the end of the output
        for (std::size_t base = 0; base < total; base += 64) {
            const std::size_t size = std::min<std::size_t>(64, total - base);
            const Symbol* const from = begin + base;
            std::uint64_t joins = 0;  // bit i: token i may join the one before
            for (std::size_t i = 0; i < size; ++i) {
                const Symbol here = from[i] & ~piece_start;
                joins |= static_cast<std::uint64_t>(!(from[i] & piece_start) & plan_.crossing.may_join(before, here)) << i;
                before = here;
            }
            if (base == 0) joins &= ~std::uint64_t{1};
            for (std::size_t i = 0; i < size;) {
                if (joins >> i & 1) {
                    const auto length = static_cast<std::size_t>(std::countr_one(joins >> i));
                    for (const std::size_t stop = i + length; i < stop; ++i) *out++ = from[i];
                    if (i < size) {
                        out = join_run(run, out);
                        run = out;
                    }
                    continue;
                }
                if (i == 0 && out - run > 1) out = join_run(run, out);  // a run that ended with the last 64
                const std::uint64_t rest = joins >> i;
                const std::size_t stop = rest ? i + static_cast<std::size_t>(std::countr_zero(rest)) : size;
                for (; i < stop; ++i) *out++ = from[i] & ~piece_start;
                run = out - 1;
            }
        }
        return out - run > 1 ? join_run(run, out) : out;
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
    ShortCache short_{17};  // 8 MiB, touched as it fills
    LongCache long_{13};    // 1 MiB
    MergeScratch scratch_;
    std::vector<std::uint32_t> ends_;
    std::array<std::uint64_t, window + 66> bounds_;  // of segments: offset << 1 | starts a piece
    Symbol mark_ = 0;  // for the next token
};

BpeEncoder::BpeEncoder(BpeRules rules, Pattern pattern, bool whole_pieces)
    : rules_(std::move(rules)), pattern_(pattern), whole_pieces_(whole_pieces), junctions_(junction_ranks(rules_)),
      plan_(std::make_shared<Planned>()) {
    if (whole_pieces_) rules_.index_tokens();
}

BpeEncoder::~BpeEncoder() = default;

std::uint32_t BpeEncoder::threshold() const {
    std::lock_guard lock(mutex_);
    return plan_->plan.threshold;
}

std::shared_ptr<const BpeEncoder::Planned> BpeEncoder::plan_for(std::span<const EncodeInput> inputs) {
    std::lock_guard lock(mutex_);
    if (planned_bytes_ >= sample_bytes) return plan_;
    std::size_t total = 0;
    for (const EncodeInput& input : inputs) {
        if ((total += input.text.size()) >= sample_bytes) break;
    }
    if (total < least_sample || total < planned_bytes_ * 8) return plan_;

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
    auto planned = std::make_shared<Planned>();
    planned->plan = make_plan(rules_, junctions_, sample, ends);
    planned_bytes_ = std::max(planned_bytes_, sample.size());

    // The argument in bpe_plan.hpp says that this cannot differ; should it ever, the plain way stays.
    const std::size_t checked = ends.empty() ? 0 : *std::prev(std::upper_bound(ends.begin(), std::prev(ends.end()), checked_bytes));
    const std::size_t pieces = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), checked) - ends.begin());
    const EncodeInput prefix{std::string_view(sample).substr(0, checked), std::span(ends).first(pieces), true};
    Worker worker(*this, planned);
    worker.encode(prefix, Control());
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
            count += apply_merges(rules_.pairs(), plain.data() + count, rules_.start(piece, plain.data() + count), scratch);
        }
    }
    if (!std::equal(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(count), worker.ids.data(), worker.ids.data() + worker.ids.size)) {
        planned = std::make_shared<Planned>();
    }
    plan_ = planned;
    idle_.clear();  // their caches hold the level-1 tokens of another plan
    return plan_;
}

std::unique_ptr<BpeEncoder::Worker> BpeEncoder::take_worker(std::shared_ptr<const Planned> plan) {
    {
        std::lock_guard lock(mutex_);
        for (std::size_t i = idle_.size(); i-- > 0;) {
            if (idle_[i]->planned != plan) continue;
            auto worker = std::move(idle_[i]);
            idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
            return worker;
        }
    }
    return std::make_unique<Worker>(*this, std::move(plan));
}

void BpeEncoder::give_back(std::unique_ptr<Worker> worker) {
    worker->ids.size = 0;
    worker->ids.shrink();
    std::lock_guard lock(mutex_);
    if (worker->planned == plan_) idle_.push_back(std::move(worker));
}

std::vector<std::int64_t> BpeEncoder::encode(std::span<const EncodeInput> inputs, const EncodeOptions& options, Control& control,
                                             const std::function<Symbol*(std::size_t)>& allocate) {
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
    const unsigned threads = total < inline_bytes ? 1 : static_cast<unsigned>(std::min<std::size_t>(std::max(options.threads, 1u), blocks.size()));
    std::vector<std::unique_ptr<Worker>> workers;
    for (unsigned i = 0; i < threads; ++i) workers.push_back(take_worker(plan));

    std::vector<std::int64_t> offsets(inputs.size() + 1, 0);
    auto encode_block = [&](unsigned number, std::size_t index) {
        Worker& worker = *workers[number];
        Block& block = blocks[index];
        block.worker = number;
        block.at = worker.ids.size;
        for (std::size_t i = block.first; i < block.last; ++i) {
            const std::size_t before = worker.ids.size;
            if (options.dropout) {
                worker.encode_dropout(inputs[i], options.dropout, Random(options.seed, options.first_document + i));
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
        if (count > 0) std::memcpy(out + offsets[block.first], workers[block.worker]->ids.data() + block.at, count * sizeof(Symbol));
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
