#include "pretoken_runs.hpp"

#include <iterator>

namespace tokencraft {

PretokenRuns::PretokenRuns(std::vector<std::string> pretokens)
    : pretokens_(std::make_move_iterator(pretokens.begin()), std::make_move_iterator(pretokens.end())) {}

void PretokenRuns::cut(std::string_view text, std::span<const std::uint32_t> ends,
                       std::vector<std::uint32_t>& out) const {
    std::uint32_t begin = 0;  // of the pretoken
    std::uint32_t run = 0;    // where the run that reaches `begin` began
    std::size_t length = 0;   // its pretokens
    auto close = [&] {
        if (length >= 2) {
            out.push_back(begin);
        } else {
            for (std::uint32_t at = run; at < begin; ++at) out.push_back(at + 1);
        }
    };
    for (const std::uint32_t end : ends) {
        if (pretokens_.contains(text.substr(begin, end - begin))) {
            begin = end;
            ++length;
            continue;
        }
        close();
        for (std::uint32_t at = begin; at < end; ++at) out.push_back(at + 1);
        run = begin = end;
        length = 0;
    }
    close();
}

}  // namespace tokencraft
