#include "bpe_encoder.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "segment_cache.hpp"

namespace tokencraft {
namespace {

constexpr std::size_t block_bytes = 64 << 10;    // documents are handed to workers in blocks of about this size
constexpr std::size_t inline_bytes = 128 << 10;  // a smaller batch is not worth a thread
constexpr std::size_t sample_bytes = 64 << 10;   // for the plan
constexpr std::size_t least_sample = 1 << 10;    // less text is no ground for a plan
constexpr std::size_t checked_bytes = 16 << 10;  // of the sample, encoded both ways
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

// A plan and the number of bytes it was made from.
struct BpeEncoder::Planned {
    Plan plan;
};

// What one thread needs: caches for the level-1 tokens of segments, which are good for one plan, and its output.
class BpeEncoder::Worker {
public:
    Worker(const BpeEncoder& encoder, std::shared_ptr<const Planned> planned)
        : planned(std::move(planned)), rules_(encoder.rules_), plan_(this->planned->plan), pattern_(encoder.pattern_),
          whole_pieces_(encoder.whole_pieces_) {}

    const std::shared_ptr<const Planned> planned;
    IdBuffer ids;

    // Appends the ids of a document.
    void encode(const EncodeInput& input, const Control& control) {
        const std::string_view text = input.text;
        const std::span<const std::uint32_t> ends = ends_of(input);
        Symbol* const begin = ids.room(text.size() + slack);
        Symbol* end = begin;
        if (plan_.cut_inside && !whole_pieces_) {
            end = encode_span(text, ends, end, control);
        } else {
            std::size_t start = 0;
            for (const std::uint32_t piece_end : ends) {
                end = plan_.cut_inside ? encode_piece(text.substr(start, piece_end - start), end, control)
                                       : encode_segment(text, start, piece_end, end);
                start = piece_end;
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
    static constexpr std::size_t slack = 16;  // a cache hit writes a fixed number of ids

    std::span<const std::uint32_t> ends_of(const EncodeInput& input) {
        if (input.has_ends) return input.ends;
        ends_.clear();
        split(pattern_, input.text, ends_);
        return ends_;
    }

    // A piece that may be a token as a whole, else both levels.
    Symbol* encode_piece(std::string_view piece, Symbol* out, const Control& control) {
        if (const Symbol whole = rules_.find(piece); whole != no_symbol) {
            *out = whole;
            return out + 1;
        }
        return encode_span(piece, {}, out, control);
    }

    // Both levels on text whose pieces have these ends (none: it is one piece). Returns the end of the ids.
    Symbol* encode_span(std::string_view text, std::span<const std::uint32_t> ends, Symbol* const out, const Control& control) {
        Symbol* end = out;
        const std::uint32_t* piece_end = ends.data();
        const std::uint32_t* const last_end = piece_end + ends.size();
        std::size_t start = 0;
        Symbol mark = 0;
        auto segment = [&](std::size_t stop) {
            Symbol* const first = end;
            end = encode_segment(text, start, stop, end);
            start = stop;
            if (end == first) return false;  // bytes without a token: the mark is for the next
            *first |= mark;
            return true;
        };
        unsigned char before = text.empty() ? 0 : static_cast<unsigned char>(text[0]);
        for (std::size_t base = 0; base < text.size(); base += 64) {
            if (base % block_bytes == 0 && control.stopped()) break;
            const std::size_t size = std::min<std::size_t>(64, text.size() - base);
            std::uint64_t cuts = 0;  // bit i: before byte base + i
            for (std::size_t i = 0; i < size; ++i) {
                const auto here = static_cast<unsigned char>(text[base + i]);
                cuts |= (~(plan_.joins[before][here >> 6] >> (here & 63)) & 1) << i;
                before = here;
            }
            std::uint64_t piece_cuts = 0;
            for (; piece_end < last_end && *piece_end < base + size; ++piece_end) piece_cuts |= std::uint64_t{1} << (*piece_end - base);
            cuts |= piece_cuts;
            if (base == 0) cuts &= ~std::uint64_t{1};
            for (; cuts != 0; cuts &= cuts - 1) {
                const int at = std::countr_zero(cuts);
                const Symbol next_mark = piece_cuts >> at & 1 ? piece_start : 0;
                mark = segment(base + static_cast<std::size_t>(at)) ? next_mark : mark | next_mark;
            }
        }
        if (start < text.size()) segment(text.size());
        return plan_.two_level() ? join(out, end) : unmark(out, end);
    }

    static Symbol* unmark(Symbol* at, Symbol* const end) {
        for (; at < end; ++at) *at &= ~piece_start;
        return end;
    }

    // Level 2 on marked level-1 tokens, in place.
    Symbol* join(Symbol* at, Symbol* const end) {
        Symbol* out = at;
        while (at < end) {
            Symbol* const run = out;
            *out++ = *at++ & ~piece_start;
            while (at < end && !(*at & piece_start) && plan_.crossing.may_join(out[-1], *at)) *out++ = *at++;
            const auto count = static_cast<std::size_t>(out - run);
            if (count == 2) {
                const PairTable::Entry& entry = rules_.pairs().find(run[0], run[1]);
                if (entry.rank != no_rank) {
                    run[0] = entry.result;
                    --out;
                }
            } else if (count > 2) {
                out = run + rules_.apply(run, count, no_rank, scratch_);
            }
        }
        return out;
    }

    // Level 1 of text[start, stop).
    Symbol* encode_segment(std::string_view text, std::size_t start, std::size_t stop, Symbol* out) {
        const std::size_t size = stop - start;
        if (size <= ShortCache::Key::most) [[likely]] return remembered(short_, text, start, size, out);
        if (size <= LongCache::Key::most) return remembered(long_, text, start, size, out);
        return compute(text.substr(start, size), out);
    }

    template <typename Cache>
    Symbol* remembered(Cache& cache, std::string_view text, std::size_t start, std::size_t size, Symbol* out) {
        constexpr std::size_t width = Cache::Key::most + 1;
        typename Cache::Key key;
        if (start + width <= text.size()) [[likely]] {
            key = Cache::Key::read(text.data() + start, size);
        } else {
            char padded[width] = {};
            std::memcpy(padded, text.data() + start, size);
            key = Cache::Key::read(padded, size);
        }
        if (const int count = cache.find(key, out); count >= 0) [[likely]] return out + count;
        Symbol* const end = compute(text.substr(start, size), out);
        cache.insert(key, {out, end});
        return end;
    }

    [[gnu::noinline]] Symbol* compute(std::string_view bytes, Symbol* out) {
        if (whole_pieces_ && !plan_.cut_inside) {  // segments are pieces
            if (const Symbol whole = rules_.find(bytes); whole != no_symbol) {
                *out = whole;
                return out + 1;
            }
        }
        return out + rules_.apply(out, rules_.start(bytes, out), plan_.threshold, scratch_);
    }

    const BpeRules& rules_;
    const Plan& plan_;
    const Pattern pattern_;
    const bool whole_pieces_;
    ShortCache short_{15};
    LongCache long_{12};
    MergeScratch scratch_;
    std::vector<std::uint32_t> ends_;
};

BpeEncoder::BpeEncoder(BpeRules rules, Pattern pattern, bool whole_pieces)
    : rules_(std::move(rules)), pattern_(pattern), whole_pieces_(whole_pieces), junctions_(junction_ranks(rules_)),
      plan_(std::make_shared<Planned>()) {}

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
            count += rules_.apply(plain.data() + count, rules_.start(piece, plain.data() + count), no_rank, scratch);
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
