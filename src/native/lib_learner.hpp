// Less-is-Better: a ranked lexicon of chunks, learned by simulated reading.
//
// Chunks are memorised where neighbours recur, moved by whether they shorten the segmentation, and forgotten when they
// are on probation and do not prove themselves. Yang, Frank, van den Bosch, "Less is Better: A cognitively inspired
// unsupervised model for language segmentation", CogALex 2020; Yang, "Rethinking Tokenization", arXiv 2403.00417.
//
// One learner, one thread: every sentence is read with the lexicon that the one before left. The random numbers are
// those of Python's `random`, one for every chunk that was matched.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "chunk_lexicon.hpp"
#include "mersenne_twister.hpp"
#include "parallel.hpp"

namespace tokencraft {

struct LibRules {
    bool second_sighting = false;  // the rules of 2020: no contexts, a candidate is memorised when it comes again
    double in_rate = 0.25;
    double out_rate = 1e-4;
    double update_rate = 0.1;
    std::int64_t life = 10;           // articles on probation
    std::size_t max_length = 0;       // characters of a chunk; 0 for any number
    std::size_t max_long_chunks = 0;  // chunks of more than one byte; 0 for any number
    bool inspect_context = true;
    bool keep_characters = false;    // a single character is never deleted
    bool no_space_at_end = false;    // no chunk of several characters ends with a space
};

// An entry of the lexicon, with what is known about its probation.
struct LibEntry {
    std::u32string text;
    std::int64_t life = 0;  // articles left; 0 where it is not on probation
    struct Context {
        std::u32string before;  // empty: the sentence begins or ends there
        std::u32string after;
    };
    std::optional<Context> context;
};

struct LibArticle {
    std::size_t chunks = 0;
    std::size_t characters = 0;
};

class LibLearner {
public:
    LibLearner(const LibRules& rules, const MersenneTwister& random) : rules_(rules), random_(random) {}

    // Goes on from another learner's entries, none of which may be there already, and random numbers.
    void restore(std::vector<LibEntry> entries, const MersenneTwister& random);
    // Puts every character of a text that is no entry at the end of the lexicon, on probation.
    void admit(std::u32string_view text);
    // Reads an article, then forgets, moves and puts on probation. Stopped in the middle, it is of no further use.
    LibArticle learn(std::span<const std::u32string> sentences, const Control& control);
    // Deletes every entry that is on probation: what is done when learning ends.
    void clean();

    std::size_t size() const { return lexicon_.size(); }
    std::vector<LibEntry> entries() const;  // by rank
    const MersenneTwister& random() const { return random_; }

private:
    using Entry = ChunkLexicon::Entry;
    using Match = ChunkLexicon::Match;

    struct Probation {
        std::int64_t life = 0;
        std::optional<LibEntry::Context> context;
    };
    struct Chunk {
        std::size_t begin;
        std::size_t length;
        Entry entry;  // unknown: a character that matched nothing
    };
    // A chunk that was read, and the other way to read what it covers, which begins with a shorter chunk.
    struct Pending {
        Entry entry;
        std::size_t first;  // where its way begins in chunks_
        std::size_t end;    // of the other way
        std::vector<Chunk> other;
    };
    struct Event {
        Entry entry;
        bool reward;
    };

    void read(Characters sentence, const Control& control);
    void resolve(Characters sentence, std::size_t at);
    bool other_is_better(Characters sentence, const Pending& pending) const;
    std::size_t rank_sum(Characters sentence, std::span<const Chunk> way) const;
    void judge_probation(Characters sentence, const Match& big, std::size_t at);
    void start_evaluation(const Match& big, const Match& small, std::size_t at);
    void sample_candidate(Characters sentence, std::size_t at, std::size_t length, bool known);
    void memorise(Characters chunk, std::optional<LibEntry::Context> context);
    bool may_become_chunk(Characters chunk) const;
    Entry append(Characters chunk);
    void erase(Entry entry);
    void put_on_probation(Entry entry, std::optional<LibEntry::Context> context);
    Characters first_chunk(Characters text) const;
    Characters chunk_before(Characters sentence, std::size_t count) const;
    bool is_kept(Entry entry) const { return rules_.keep_characters && lexicon_.text(entry).size() == 1; }
    static bool is_long(Characters chunk) { return chunk.size() > 1 || chunk[0] >= 0x80; }

    void forget();
    void move_chunks();
    void mark_tail();

    LibRules rules_;
    MersenneTwister random_;
    ChunkLexicon lexicon_;
    std::vector<Probation> probation_;  // by entry
    std::size_t long_chunks_ = 0;
    std::vector<Event> events_;
    std::unordered_set<std::u32string> seen_once_;  // candidates of this article

    // Of the sentence that is being read.
    std::vector<Chunk> chunks_;
    std::vector<Pending> pending_;
};

}  // namespace tokencraft
