// Counts the distinct pieces of a stream of documents.
//
// Contract: documents are valid UTF-8; every document is cut into units (itself, or its lines with their line ends),
// every unit into pieces by `pattern`, or by the piece ends that come with the document, and each piece counts `weight`
// times. Pieces of 2^32 bytes or more are refused. Workers fill tables of their own, which `finish` merges: the counts
// do not depend on the number of threads. Memory: the distinct pieces, once a worker at worst.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "parallel.hpp"
#include "piece_table.hpp"
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

    void add(std::span<const Document> documents, Control& control);
    // Adds the pieces of `units`, cut by this counter's pattern, each as often as it was counted there.
    void add_pieces_of(PieceCounter& units, Control& control);
    // Merges the workers' tables. Called by itself before the first look at the counts.
    void finish(Control& control);

    // The counts; only after `finish`.
    const PieceTable& table() const { return tables_.front(); }
    std::int64_t total_bytes() const { return total_bytes_; }
    unsigned threads() const { return threads_; }

private:
    void count_units(PieceTable& table, std::vector<std::uint32_t>& ends, const Document& document,
                     const char* readable_end) const;

    Pattern pattern_;
    Unit unit_;
    unsigned threads_;
    std::vector<PieceTable> tables_;  // one a worker
    std::int64_t total_bytes_ = 0;
};

}  // namespace tokencraft
