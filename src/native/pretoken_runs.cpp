#include "pretoken_runs.hpp"

#include <iterator>

namespace tokencraft {

PretokenRuns::PretokenRuns(std::vector<std::string> pretokens)
    : pretokens_(std::make_move_iterator(pretokens.begin()), std::make_move_iterator(pretokens.end())) {}

void PretokenRuns::cut(std::string_view text, std::span<const std::uint32_t> ends,
                       std::vector<std::uint32_t>& out) const {
    std::uint32_t done = 0;
    auto bytes_to = [&](std::uint32_t end) {
        while (done < end) out.push_back(++done);
    };
    each(text, ends, [&](std::uint32_t begin, std::uint32_t end) {
        bytes_to(begin);
        out.push_back(done = end);
    });
    bytes_to(static_cast<std::uint32_t>(text.size()));
}

}  // namespace tokencraft
