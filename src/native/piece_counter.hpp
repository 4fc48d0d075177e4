// Counts the distinct pieces of a stream of documents.
//
// Contract: documents are valid UTF-8; every document is cut into units (itself, or its lines with their line ends),
// every unit into pieces by `pattern`, or by the piece ends that come with the document, and each piece counts `weight`
// times. Pieces of 2^32 bytes or more are refused. Workers fill tables of their own, which `finish` merges: the counts
// do not depend on the number of threads. Memory: the distinct pieces, once a worker at worst.
//
// A counter can be written down shard by shard and read by another one, on another machine too: records of a count, a
// length (both LEB128) and the bytes. A piece lies in the same shard everywhere, so the records of one shard are all
// there is to know of its pieces. A piece may have several records; its count is their sum.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parallel.hpp"
#include "piece_table.hpp"
#include "pretoken_runs.hpp"
#include "split.hpp"

namespace tokencraft {

enum class Unit { document, line };

struct Document {
    std::string_view text;
    std::int64_t weight = 1;
    // The end of every piece, increasing, the last one the size of the text; without them the counter's pattern cuts.
    std::span<const std::uint32_t> ends = {};
    bool has_ends = false;
};

class PieceCounter {
public:
    PieceCounter(Pattern pattern, Unit unit, unsigned threads);
    PieceCounter(PieceCounter&&) = default;

    // Counts runs of the pieces that the pattern cuts from now on, and nothing else; see pretoken_runs.hpp. They must
    // outlive the counter.
    void keep_runs(const PretokenRuns& runs) { runs_ = &runs; }
    void add(std::span<const Document> documents, Control& control);
    // Adds the pieces of the shards [first, last) of `units`, cut by this counter's pattern, each as often as it was
    // counted there.
    void add_pieces_of(PieceCounter& units, std::size_t first_shard, std::size_t last_shard, Control& control);
    // Adds what `write` wrote; `cut` applies this counter's pattern to it, as `add_pieces_of` does.
    // Throws std::invalid_argument where it is damaged; what came before has been added then.
    void read(std::span<const std::string_view> written, bool cut, Control& control);
    // The records of one shard.
    std::string write(std::size_t shard) const;
    // Forgets the pieces, not the bytes added.
    void clear() { tables_ = std::vector<PieceTable>(1); }
    // The bytes added elsewhere to what `read` reads.
    void add_total_bytes(std::int64_t bytes) { total_bytes_ += bytes; }
    // Merges the workers' tables. Called by itself before the first look at the counts.
    void finish(Control& control);

    // The counts; only after `finish`.
    const PieceTable& table() const { return tables_.front(); }
    std::int64_t total_bytes() const { return total_bytes_; }
    std::size_t memory_bytes() const;
    unsigned threads() const { return threads_; }

private:
    void count_units(PieceTable& table, std::vector<std::uint32_t>& ends, const Document& document,
                     const char* readable_end) const;

    Pattern pattern_;
    Unit unit_;
    unsigned threads_;
    const PretokenRuns* runs_ = nullptr;
    std::vector<PieceTable> tables_;  // one a worker
    std::int64_t total_bytes_ = 0;
};

}  // namespace tokencraft
