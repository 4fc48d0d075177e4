#include "concept_ngrams.hpp"

#include <algorithm>
#include <unordered_map>

namespace tokencraft {

namespace {

constexpr std::uint64_t seed = 0x9E3779B97F4A7C15ull;

// One more code point behind a string with this hash.
inline std::uint64_t extended(std::uint64_t hash, char32_t character) {
    hash = (hash ^ character) * 0xD6E8FEB86659FD93ull;
    return hash ^ (hash >> 32);
}

inline bool equal(const char32_t* a, const char32_t* b, std::size_t size) { return std::equal(a, a + size, b); }

// A symbol of an n-gram: a part of the word and whether the end mark is glued to it.
struct Symbol {
    std::uint8_t begin;
    std::uint8_t size;
    bool ends;
};

struct Entry {
    std::vector<Symbol> symbols;
    std::int64_t weight;
};

// The distinct substrings of a word, numbered by length, then by the first place.
class Substrings {
public:
    explicit Substrings(std::u32string_view word) : size_(word.size()), numbers_(size_ * size_) {
        std::vector<std::uint64_t> hashes(size_, seed);
        std::unordered_multimap<std::uint64_t, std::uint32_t> known;
        for (std::size_t length = 1; length <= size_; ++length) {
            known.clear();
            for (std::size_t begin = 0; begin + length <= size_; ++begin) {
                hashes[begin] = extended(hashes[begin], word[begin + length - 1]);
                std::uint32_t number = static_cast<std::uint32_t>(first_.size());
                const auto [from, to] = known.equal_range(hashes[begin]);
                for (auto it = from; it != to; ++it) {
                    if (equal(word.data() + first_[it->second].begin, word.data() + begin, length)) number = it->second;
                }
                if (number == first_.size()) {
                    known.emplace(hashes[begin], number);
                    first_.push_back({static_cast<std::uint8_t>(begin), static_cast<std::uint8_t>(length), false});
                    hashes_.push_back(hashes[begin]);
                }
                numbers_[begin * size_ + length - 1] = number;
            }
        }
    }

    std::uint32_t number(std::size_t begin, std::size_t length) const { return numbers_[begin * size_ + length - 1]; }
    const std::vector<Symbol>& first() const { return first_; }
    std::uint64_t hash(std::size_t number) const { return hashes_[number]; }

private:
    std::size_t size_;
    std::vector<std::uint32_t> numbers_;
    std::vector<Symbol> first_;
    std::vector<std::uint64_t> hashes_;
};

// Weights of pairs in the order in which they are met.
class Pairs {
public:
    void clear() {
        keys_.clear();
        weights_.clear();
        if (++epoch_ == 0) {
            std::fill(stamps_.begin(), stamps_.end(), 0);
            epoch_ = 1;
        }
    }

    void add(std::uint64_t key, std::int64_t weight) {
        if (4 * (keys_.size() + 1) > stamps_.size()) grow();
        std::size_t at = place(key);
        if (stamps_[at] == epoch_) {
            weights_[indices_[at]] += weight;
            return;
        }
        stamps_[at] = epoch_;
        indices_[at] = static_cast<std::uint32_t>(keys_.size());
        keys_.push_back(key);
        weights_.push_back(weight);
    }

    // The key of the heaviest pair of at least 2, the one met first of equal ones; false where there is none.
    bool heaviest(std::uint64_t& key) const {
        const auto best = std::max_element(weights_.begin(), weights_.end());
        if (best == weights_.end() || *best < 2) return false;
        key = keys_[static_cast<std::size_t>(best - weights_.begin())];
        return true;
    }

private:
    std::size_t place(std::uint64_t key) const {
        const std::size_t mask = stamps_.size() - 1;
        std::size_t at = static_cast<std::size_t>((key * seed) >> 32) & mask;
        while (stamps_[at] == epoch_ && keys_[indices_[at]] != key) at = (at + 1) & mask;
        return at;
    }

    void grow() {
        const std::size_t size = std::max<std::size_t>(256, 2 * stamps_.size());
        stamps_.assign(size, 0);
        indices_.assign(size, 0);
        epoch_ = 1;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const std::size_t at = place(keys_[i]);
            stamps_[at] = epoch_;
            indices_[at] = static_cast<std::uint32_t>(i);
        }
    }

    std::uint32_t epoch_ = 0;
    std::vector<std::uint32_t> stamps_;
    std::vector<std::uint32_t> indices_;
    std::vector<std::uint64_t> keys_;
    std::vector<std::int64_t> weights_;
};

}  // namespace

ConceptNgrams::ConceptNgrams(std::vector<std::u32string> words, std::span<const std::int64_t> weights, bool tails_again,
                             Control& control)
    : words_(std::move(words)), slots_(1024) {
    run_workers(1, control, [&](unsigned) {
        for (std::size_t w = 0; w < words_.size(); ++w) {
            if (w % 1024 == 0 && control.stopped()) return;
            const std::u32string& word = words_[w];
            for (std::size_t begin = 0; begin < word.size(); ++begin) {
                std::uint64_t hash = seed;
                for (std::size_t end = begin + 1; end <= word.size(); ++end) {
                    hash = extended(hash, word[end - 1]);
                    const std::size_t size = end - begin;
                    const bool again = tails_again && end == word.size();
                    const auto times = static_cast<std::int64_t>(again ? word.size() - size + 1 : 1);
                    add(word.data() + begin, static_cast<std::uint32_t>(size), hash, times * weights[w]);
                }
            }
            control.advance(1);
        }
    });
}

void ConceptNgrams::add(const char32_t* data, std::uint32_t size, std::uint64_t hash, std::int64_t weight) {
    total_ += weight;
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash & mask;
    while (slots_[at].data != nullptr) {
        Slot& slot = slots_[at];
        if (slot.hash == hash && slot.size == size && equal(slot.data, data, size)) {
            slot.count += weight;
            return;
        }
        at = (at + 1) & mask;
    }
    slots_[at] = {data, size, hash, weight};
    if (2 * ++used_ > slots_.size()) grow();
}

void ConceptNgrams::grow() {
    std::vector<Slot> larger(2 * slots_.size());
    const std::size_t mask = larger.size() - 1;
    for (const Slot& slot : slots_) {
        if (slot.data == nullptr) continue;
        std::size_t at = slot.hash & mask;
        while (larger[at].data != nullptr) at = (at + 1) & mask;
        larger[at] = slot;
    }
    slots_ = std::move(larger);
}

const ConceptNgrams::Slot* ConceptNgrams::find(std::u32string_view ngram, std::uint64_t hash) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = hash & mask; slots_[at].data != nullptr; at = (at + 1) & mask) {
        const Slot& slot = slots_[at];
        if (slot.hash == hash && slot.size == ngram.size() && equal(slot.data, ngram.data(), ngram.size())) return &slot;
    }
    return nullptr;
}

std::int64_t ConceptNgrams::count(std::u32string_view ngram) const {
    std::uint64_t hash = seed;
    for (const char32_t character : ngram) hash = extended(hash, character);
    const Slot* slot = find(ngram, hash);
    return slot == nullptr ? 0 : slot->count;
}

void ConceptNgrams::cut(std::u32string_view word, unsigned merges, std::size_t longest,
                        std::vector<std::uint32_t>& ends) const {
    const Substrings parts(word);
    std::vector<Entry> entries(parts.first().size());
    for (std::size_t n = 0; n < entries.size(); ++n) {
        const Symbol& ngram = parts.first()[n];
        const Slot* slot = find(word.substr(ngram.begin, ngram.size), parts.hash(n));
        entries[n].weight = slot == nullptr ? 1 : slot->count;
        for (std::uint8_t at = 0; at < ngram.size; ++at) {
            entries[n].symbols.push_back({static_cast<std::uint8_t>(ngram.begin + at), 1, at + 1 == ngram.size});
        }
    }
    const auto code = [&](const Symbol& s) { return 2ull * parts.number(s.begin, s.size) + s.ends; };
    const auto key_of = [&](const Symbol& left, const Symbol& right) { return code(left) << 32 | code(right); };
    std::vector<bool> made(entries.size());
    Pairs pairs;
    for (unsigned round = 0; round < merges; ++round) {
        pairs.clear();
        for (const Entry& entry : entries) {
            for (std::size_t i = 0; i + 1 < entry.symbols.size(); ++i) {
                pairs.add(key_of(entry.symbols[i], entry.symbols[i + 1]), entry.weight);
            }
        }
        std::uint64_t best = 0;
        if (!pairs.heaviest(best)) break;
        for (Entry& entry : entries) {
            std::vector<Symbol>& symbols = entry.symbols;
            std::size_t to = 0;
            for (std::size_t i = 0; i < symbols.size(); ++i, ++to) {
                if (i + 1 < symbols.size() && key_of(symbols[i], symbols[i + 1]) == best) {
                    const Symbol& right = symbols[i + 1];
                    const auto size = static_cast<std::uint8_t>(symbols[i].size + right.size);
                    symbols[to] = {symbols[i].begin, size, right.ends};
                    made[parts.number(symbols[to].begin, size)] = true;
                    ++i;
                } else {
                    symbols[to] = symbols[i];
                }
            }
            symbols.resize(to);
        }
    }
    for (std::size_t at = 0; at < word.size();) {
        std::size_t size = std::max<std::size_t>(1, std::min(longest, word.size() - at));
        while (size > 1 && !made[parts.number(at, size)]) --size;
        at += size;
        ends.push_back(static_cast<std::uint32_t>(at));
    }
}

}  // namespace tokencraft
