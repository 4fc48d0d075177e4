#include "character_set.hpp"

#include <string_view>

#include "characters.hpp"

namespace tokencraft {

std::vector<std::uint32_t> characters_of(PieceCounter& pieces, Control& control) {
    pieces.finish(control);
    std::vector<std::vector<bool>> seen(pieces.threads(), std::vector<bool>(0x110000));  // one a worker
    run_items(pieces.threads(), control, PieceTable::shard_count, [&](unsigned worker, std::size_t shard) {
        std::vector<bool>& mine = seen[worker];
        for (const PieceTable::Entry& entry : pieces.table().entries(shard)) {
            if (entry.count == 0) continue;
            if (control.stopped()) return;
            const std::string_view text = entry.text();
            const Byte* at = reinterpret_cast<const Byte*>(text.data());
            const Byte* const end = at + text.size();
            while (at < end) {
                const unsigned length = character(at, end).length;
                if (length == 1) {
                    if (*at < 0x80) mine[*at] = true;  // else a byte of no character
                    ++at;
                    continue;
                }
                std::uint32_t code = *at & (0xFFu >> (length + 1));
                for (unsigned tail = 1; tail < length; ++tail) code = code << 6 | (at[tail] & 0x3Fu);
                mine[code] = true;
                at += length;
            }
        }
    });
    std::vector<std::uint32_t> codes;
    for (std::uint32_t code = 0; code < 0x110000; ++code) {
        for (const std::vector<bool>& each : seen) {
            if (!each[code]) continue;
            codes.push_back(code);
            break;
        }
    }
    return codes;
}

}  // namespace tokencraft
