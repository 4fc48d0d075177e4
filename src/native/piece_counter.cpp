#include "piece_counter.hpp"

#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace tokencraft {

namespace {

constexpr std::size_t work_bytes = std::size_t{1} << 18;
constexpr std::size_t look_ahead = 16;  // pieces

// Adds pieces to a table a few at a time. What was pushed must stay where it is until `flush`.
class Adder {
public:
    Adder(PieceTable& table, std::int64_t weight) : table_(table), weight_(weight) {}

    void push(std::string_view piece, const char* readable_end) {
        waiting_[count_++] = table_.prepare(piece, readable_end);
        if (count_ == look_ahead) flush();
    }
    void flush() {
        for (std::size_t i = 0; i < count_; ++i) table_.add(waiting_[i], weight_);
        count_ = 0;
    }

private:
    PieceTable& table_;
    std::int64_t weight_;
    std::array<PieceTable::Prepared, look_ahead> waiting_;
    std::size_t count_ = 0;
};

// Cuts what a worker takes at a time: documents, and parts of long ones where lines are counted one by one anyway.
std::vector<Document> cut_work(std::span<const Document> documents, Unit unit) {
    std::vector<Document> work;
    work.reserve(documents.size());
    for (Document document : documents) {
        while (unit == Unit::line && !document.has_ends && document.text.size() > 2 * work_bytes) {
            const std::size_t newline = document.text.find('\n', work_bytes);
            if (newline == std::string_view::npos) break;
            work.push_back({document.text.substr(0, newline + 1), document.weight, {}, false});
            document.text.remove_prefix(newline + 1);
        }
        if (!document.text.empty()) work.push_back(document);
    }
    return work;
}

void write_number(std::string& out, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7) out.push_back(static_cast<char>(number | 0x80));
    out.push_back(static_cast<char>(number));
}

// Takes a number off the front.
std::uint64_t read_number(std::string_view& bytes) {
    std::uint64_t number = 0;
    for (int shift = 0; shift < 63 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return number;
    }
    throw std::invalid_argument("counted pieces are damaged: a number does not end");
}

}  // namespace

PieceCounter::PieceCounter(Pattern pattern, Unit unit, unsigned threads)
    : pattern_(pattern), unit_(unit), threads_(resolve_threads(threads)), tables_(threads_) {}

void PieceCounter::count_units(PieceTable& table, std::vector<std::uint32_t>& ends, const Document& document,
                               const char* readable_end) const {
    Adder adder(table, document.weight);
    auto count = [&](std::string_view unit, std::span<const std::uint32_t> piece_ends) {
        std::uint32_t begin = 0;
        for (const std::uint32_t end : piece_ends) {
            adder.push(unit.substr(begin, end - begin), readable_end);
            begin = end;
        }
    };
    std::string_view rest = document.text;
    if (document.has_ends) {
        count(document.text, document.ends);
        rest = {};
    }
    while (!rest.empty()) {
        std::string_view unit = rest;
        if (unit_ == Unit::line) {
            const void* newline = std::memchr(rest.data(), '\n', rest.size());
            if (newline != nullptr) unit = rest.substr(0, static_cast<const char*>(newline) - rest.data() + 1);
        }
        if (pattern_ == Pattern::whole) {
            adder.push(unit, readable_end);
        } else {
            ends.clear();
            split(pattern_, unit, ends);
            if (runs_ == nullptr) {
                count(unit, ends);
            } else {
                runs_->each(unit, ends, [&](std::uint32_t begin, std::uint32_t end) {
                    adder.push(unit.substr(begin, end - begin), readable_end);
                });
            }
        }
        rest.remove_prefix(unit.size());
    }
    adder.flush();
}

void PieceCounter::add(std::span<const Document> documents, Control& control) {
    for (const Document& document : documents) {
        if (document.text.size() >= std::numeric_limits<std::uint32_t>::max()) {
            throw std::length_error("a document has 4 GiB or more; cut it into smaller ones");
        }
        total_bytes_ += static_cast<std::int64_t>(document.text.size());
    }
    tables_.resize(threads_);
    const std::vector<Document> work = cut_work(documents, unit_);
    std::vector<std::vector<std::uint32_t>> ends(threads_);
    run_items(threads_, control, work.size(), [&](unsigned worker, std::size_t index) {
        const Document& document = work[index];
        count_units(tables_[worker], ends[worker], document, document.text.data() + document.text.size());
        control.advance(static_cast<std::int64_t>(document.text.size()));
    });
}

void PieceCounter::add_pieces_of(PieceCounter& units, std::size_t first_shard, std::size_t last_shard,
                                 Control& control) {
    units.finish(control);
    tables_.resize(threads_);
    std::vector<std::vector<std::uint32_t>> ends(threads_);
    run_items(threads_, control, last_shard - first_shard, [&](unsigned worker, std::size_t index) {
        const std::vector<PieceTable::Entry>& entries = units.table().entries(first_shard + index);
        for (std::size_t slot = 0; slot < entries.size(); ++slot) {
            if (slot + look_ahead < entries.size()) entries[slot + look_ahead].prefetch();
            const PieceTable::Entry& entry = entries[slot];
            if (entry.count == 0) continue;
            if (control.stopped()) return;
            count_units(tables_[worker], ends[worker], {entry.text(), entry.count, {}, false}, entry.readable_end());
        }
    });
    if (last_shard == PieceTable::shard_count) total_bytes_ += units.total_bytes_;
}

void PieceCounter::read(std::span<const std::string_view> written, bool cut, Control& control) {
    tables_.resize(threads_);
    std::vector<std::vector<std::uint32_t>> ends(threads_);
    run_items(threads_, control, written.size(), [&](unsigned worker, std::size_t index) {
        std::string_view rest = written[index];
        const char* const end = rest.data() + rest.size();
        for (std::size_t record = 0; !rest.empty(); ++record) {
            if (record % 1024 == 0 && control.stopped()) return;
            const std::uint64_t count = read_number(rest);
            const std::uint64_t size = read_number(rest);
            if (size > rest.size() || size == 0 || size >= std::numeric_limits<std::uint32_t>::max() || count == 0) {
                throw std::invalid_argument("counted pieces are damaged: a record does not fit");
            }
            const std::string_view piece = rest.substr(0, size);
            rest.remove_prefix(size);
            if (cut) {
                count_units(tables_[worker], ends[worker], {piece, static_cast<std::int64_t>(count), {}, false}, end);
            } else {
                tables_[worker].add(piece, end, static_cast<std::int64_t>(count));
            }
        }
    });
}

std::string PieceCounter::write(std::size_t shard) const {
    std::string out;
    for (const PieceTable& table : tables_) {
        for (const PieceTable::Entry& entry : table.entries(shard)) {
            if (entry.count == 0) continue;
            const std::string_view text = entry.text();
            write_number(out, static_cast<std::uint64_t>(entry.count));
            write_number(out, text.size());
            out.append(text);
        }
    }
    return out;
}

std::size_t PieceCounter::memory_bytes() const {
    std::size_t total = 0;
    for (const PieceTable& table : tables_) total += table.memory_bytes();
    return total;
}

void PieceCounter::finish(Control& control) {
    if (tables_.size() == 1) return;
    run_items(threads_, control, PieceTable::shard_count, [&](unsigned, std::size_t shard) {
        for (std::size_t other = 1; other < tables_.size(); ++other) {
            tables_.front().merge_shard(tables_[other], shard);
            tables_[other].clear_shard(shard);
        }
    });
    for (std::size_t other = 1; other < tables_.size(); ++other) tables_.front().adopt(tables_[other]);
    tables_.resize(1);
}

}  // namespace tokencraft
