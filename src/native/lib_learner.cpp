#include "lib_learner.hpp"

#include <algorithm>
#include <utility>

namespace tokencraft {
namespace {

constexpr std::size_t longest_unknown = 2;  // characters of an unknown run that may become a chunk (2020)
constexpr std::size_t listen_every = 1024;  // chunks, and after every sentence

// Whether one side's contexts agree: the one that is not empty ends (or begins) the other.
bool ends_alike(Characters a, Characters b) {
    return (!b.empty() && a.ends_with(b)) || (!a.empty() && b.ends_with(a));
}
bool begins_alike(Characters a, Characters b) {
    return (!b.empty() && a.starts_with(b)) || (!a.empty() && b.starts_with(a));
}

std::u32string joined(Characters a, Characters b) {
    std::u32string both(a);
    both += b;
    return both;
}

}  // namespace

void LibLearner::restore(std::vector<LibEntry> entries, const MersenneTwister& random) {
    random_ = random;
    for (LibEntry& each : entries) {
        const Entry entry = append(each.text);
        probation_[entry] = {each.life, std::move(each.context)};
    }
}

void LibLearner::admit(std::u32string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const Characters character = text.substr(i, 1);
        if (lexicon_.find(character) == ChunkLexicon::unknown) put_on_probation(append(character), std::nullopt);
    }
}

LibArticle LibLearner::learn(std::span<const std::u32string> sentences, const Control& control) {
    LibArticle article;
    seen_once_.clear();
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        read(sentences[i], control);
        if (control.stopped()) return article;
        article.chunks += chunks_.size();
        article.characters += sentences[i].size();
    }
    forget();
    move_chunks();
    mark_tail();
    return article;
}

void LibLearner::clean() {
    for (std::size_t entry = 0; entry < lexicon_.capacity(); ++entry) {
        if (probation_[entry].life > 0) erase(static_cast<Entry>(entry));
    }
}

std::vector<LibEntry> LibLearner::entries() const {
    std::vector<LibEntry> found;
    for (const Entry entry : lexicon_.by_rank()) {
        found.push_back({std::u32string(lexicon_.text(entry)), probation_[entry].life, probation_[entry].context});
    }
    return found;
}

// ---- reading -------------------------------------------------------------------------------------------------------

void LibLearner::read(Characters sentence, const Control& control) {
    chunks_.clear();
    pending_.clear();
    for (std::size_t at = 0; at < sentence.size();) {
        if (chunks_.size() % listen_every == listen_every - 1 && control.stopped()) return;
        resolve(sentence, at);
        const auto [big, small] = lexicon_.two_longest(sentence.substr(at));
        const bool known = big.entry != ChunkLexicon::unknown;
        const std::size_t length = known ? big.length : 1;
        if (rules_.second_sighting) {
            if (known) {
                sample_candidate(sentence, at, length, known);
                if (small.length > 0) {
                    start_evaluation(big, small, at);
                } else {
                    probation_[big.entry].life = 0;  // used, and not to be judged
                }
            }
        } else {
            if (known) {
                judge_probation(sentence, big, at);
                if (small.length > 0) start_evaluation(big, small, at);
            }
            sample_candidate(sentence, at, length, known);
        }
        chunks_.push_back({at, length, big.entry});
        at += length;
    }
}

// Decides about the chunks whose other way ends where reading has come to.
void LibLearner::resolve(Characters sentence, std::size_t at) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        Pending& pending = pending_[i];
        while (pending.end < at) {
            const Match next = lexicon_.longest(sentence.substr(pending.end));
            const std::size_t length = std::max<std::size_t>(next.length, 1);
            pending.other.push_back({pending.end, length, next.entry});
            pending.end += length;
        }
        if (pending.end > at) {
            if (kept != i) pending_[kept] = std::move(pending);
            ++kept;
            continue;
        }
        const bool bad = other_is_better(sentence, pending);
        if (!bad) {
            events_.push_back({pending.entry, true});
            if (rules_.second_sighting) probation_[pending.entry].life = 0;
        } else if (rules_.second_sighting) {
            events_.push_back({pending.entry, false});
            const Characters chunk = lexicon_.text(pending.entry);
            const Match part = lexicon_.longest(chunk.substr(0, chunk.size() - 1));
            if (part.entry != ChunkLexicon::unknown) events_.push_back({part.entry, true});
        } else {
            events_.push_back({pending.other.front().entry, true});
            events_.push_back({pending.entry, false});
        }
    }
    pending_.resize(kept);
}

bool LibLearner::other_is_better(Characters sentence, const Pending& pending) const {
    const std::span<const Chunk> way(chunks_.begin() + static_cast<std::ptrdiff_t>(pending.first), chunks_.end());
    const std::span<const Chunk> other(pending.other);
    if (rules_.second_sighting) {
        const auto is_unknown = [](const Chunk& chunk) { return chunk.entry == ChunkLexicon::unknown; };
        const auto here = std::count_if(way.begin(), way.end(), is_unknown);
        const auto there = std::count_if(other.begin(), other.end(), is_unknown);
        if (here != there) return here > there;
    }
    if (way.size() != other.size()) return way.size() > other.size();
    return rank_sum(sentence, way) > rank_sum(sentence, other);
}

// Ranks of the chunks that are known; a character that was unknown when it was read may have been memorised since.
std::size_t LibLearner::rank_sum(Characters sentence, std::span<const Chunk> way) const {
    std::size_t sum = 0;
    for (const Chunk& chunk : way) {
        Entry entry = chunk.entry;
        if (entry == ChunkLexicon::unknown && !rules_.second_sighting) {
            entry = lexicon_.find(sentence.substr(chunk.begin, chunk.length));
        }
        if (entry != ChunkLexicon::unknown) sum += lexicon_.rank(entry);
    }
    return sum;
}

// A chunk on probation has come again. Where one of its neighbours is the one it was memorised with, the longer chunk
// of both is memorised; where both differ, it has proved to be a unit of its own.
void LibLearner::judge_probation(Characters sentence, const Match& big, std::size_t at) {
    if (probation_[big.entry].life == 0) return;
    if (!rules_.inspect_context || !probation_[big.entry].context) {
        probation_[big.entry] = {};
        return;
    }
    const LibEntry::Context known = *probation_[big.entry].context;  // a copy: memorising moves the table
    const Characters last = chunk_before(sentence, 1);
    const Characters after = sentence.substr(at + big.length);
    const Characters next = first_chunk(after);
    if (known.before.empty() && known.after.empty() && last.empty() && next.empty()) return;
    const Characters chunk = sentence.substr(at, big.length);
    const bool left = ends_alike(last, known.before);
    const bool right = begins_alike(next, known.after);
    if (left) {
        memorise(joined(last, chunk),
                 LibEntry::Context{std::u32string(chunk_before(sentence, 2)), std::u32string(next)});
    }
    if (right) {
        const Characters behind = first_chunk(after.substr(next.size()));
        memorise(joined(chunk, next), LibEntry::Context{std::u32string(last), std::u32string(behind)});
    }
    if (left || right) return;
    events_.push_back({big.entry, true});
    probation_[big.entry] = {};
}

void LibLearner::start_evaluation(const Match& big, const Match& small, std::size_t at) {
    Pending fresh{big.entry, chunks_.size(), at + small.length, {{at, small.length, small.entry}}};
    for (Pending& pending : pending_) {
        if (pending.entry == big.entry) {  // the one that was waiting is given up, its turn is kept
            pending = std::move(fresh);
            return;
        }
    }
    pending_.push_back(std::move(fresh));
}

void LibLearner::sample_candidate(Characters sentence, std::size_t at, std::size_t length, bool known) {
    const Characters last = chunk_before(sentence, 1);
    const Characters chunk = sentence.substr(at, length);
    if (!known) {
        memorise(chunk,
                 LibEntry::Context{std::u32string(last), std::u32string(first_chunk(sentence.substr(at + 1)))});
        return;
    }
    if (!(random_.uniform() < rules_.in_rate)) return;
    if (!rules_.second_sighting) {
        memorise(joined(last, chunk), LibEntry::Context{std::u32string(chunk_before(sentence, 2)),
                                                        std::u32string(first_chunk(sentence.substr(at + length)))});
        return;
    }
    if (last.empty()) return;
    std::u32string candidate;
    if (chunks_.back().entry != ChunkLexicon::unknown) {
        candidate = joined(last, chunk);
    } else {
        std::size_t run = 1;
        while (run < chunks_.size() && chunks_[chunks_.size() - run - 1].entry == ChunkLexicon::unknown) ++run;
        if (run > longest_unknown) return;
        candidate = sentence.substr(at - run, run);
    }
    if (!may_become_chunk(candidate)) return;
    if (seen_once_.erase(candidate) > 0) {
        append(candidate);
    } else {
        seen_once_.insert(std::move(candidate));
    }
}

void LibLearner::memorise(Characters chunk, std::optional<LibEntry::Context> context) {
    if (may_become_chunk(chunk)) put_on_probation(append(chunk), std::move(context));
}

bool LibLearner::may_become_chunk(Characters chunk) const {
    if (chunk.empty() || (rules_.max_length > 0 && chunk.size() > rules_.max_length)) return false;
    if (rules_.no_space_at_end && chunk.size() > 1 && chunk.back() == U' ') return false;
    if (rules_.max_long_chunks > 0 && long_chunks_ >= rules_.max_long_chunks && is_long(chunk)) return false;
    return lexicon_.find(chunk) == ChunkLexicon::unknown;
}

LibLearner::Entry LibLearner::append(Characters chunk) {
    const Entry entry = lexicon_.append(chunk);
    if (probation_.size() < lexicon_.capacity()) probation_.resize(lexicon_.capacity());
    probation_[entry] = {};
    long_chunks_ += is_long(chunk);
    return entry;
}

void LibLearner::erase(Entry entry) {
    long_chunks_ -= is_long(lexicon_.text(entry));
    probation_[entry] = {};
    lexicon_.erase(entry);
}

void LibLearner::put_on_probation(Entry entry, std::optional<LibEntry::Context> context) {
    if (!is_kept(entry)) probation_[entry] = {rules_.life, std::move(context)};
}

// The longest entry that begins a text, else its first character; empty for an empty text.
Characters LibLearner::first_chunk(Characters text) const {
    return text.substr(0, std::max<std::size_t>(lexicon_.longest(text).length, 1));
}

// The chunk that was read last (1), or the one before it (2); empty at the beginning of the sentence.
Characters LibLearner::chunk_before(Characters sentence, std::size_t count) const {
    if (chunks_.size() < count) return {};
    const Chunk& chunk = chunks_[chunks_.size() - count];
    return sentence.substr(chunk.begin, chunk.length);
}

// ---- after the article ---------------------------------------------------------------------------------------------

void LibLearner::forget() {
    for (std::size_t entry = 0; entry < lexicon_.capacity(); ++entry) {
        std::int64_t& life = probation_[entry].life;
        if (life > 0 && --life == 0) erase(static_cast<Entry>(entry));
    }
}

void LibLearner::move_chunks() {
    for (const Event& event : events_) {
        if (!lexicon_.alive(event.entry)) continue;  // forgotten, or punished out of the lexicon
        const std::size_t rank = lexicon_.rank(event.entry);
        if (rank == 0) continue;
        const auto step = static_cast<std::size_t>(static_cast<double>(rank) * rules_.update_rate) + 1;
        if (event.reward) {
            lexicon_.move(event.entry, rank > step ? rank - step : 0);
        } else if (rank + step < lexicon_.size()) {
            lexicon_.move(event.entry, rank + step);
        } else if (is_kept(event.entry)) {
            lexicon_.move(event.entry, lexicon_.size() - 1);
        } else {
            erase(event.entry);
        }
    }
    events_.clear();
}

void LibLearner::mark_tail() {
    const auto size = static_cast<double>(lexicon_.size());
    for (auto rank = static_cast<std::size_t>((1.0 - rules_.out_rate) * size); rank < lexicon_.size(); ++rank) {
        const Entry entry = lexicon_.at(rank);
        if (probation_[entry].life == 0) put_on_probation(entry, std::nullopt);
    }
}

}  // namespace tokencraft
