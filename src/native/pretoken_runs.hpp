// Finds runs of pretokens that are all in a set, for learning merges of whole pretokens alone.
//
// Contract: `ends` are the END offsets of the pretokens of a text, increasing, the last one its size. A run is two or
// more neighbouring pretokens of the set, as long as it can be.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tokencraft {

class PretokenRuns {
public:
    explicit PretokenRuns(std::vector<std::string> pretokens);

    // Calls `run(begin, end)` for every run.
    template <typename Run>
    void each(std::string_view text, std::span<const std::uint32_t> ends, Run&& run) const {
        std::uint32_t begin = 0;  // of the pretoken
        std::uint32_t start = 0;  // of the run that reaches `begin`
        std::size_t length = 0;   // its pretokens
        for (const std::uint32_t end : ends) {
            if (pretokens_.contains(text.substr(begin, end - begin))) {
                ++length;
            } else {
                if (length >= 2) run(start, begin);
                start = end;
                length = 0;
            }
            begin = end;
        }
        if (length >= 2) run(start, begin);
    }

    // Appends END offsets that cover the text: one of every run, and one of every single byte outside of runs, because
    // a piece of one byte holds no pair.
    void cut(std::string_view text, std::span<const std::uint32_t> ends, std::vector<std::uint32_t>& out) const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    std::unordered_set<std::string, Hash, std::equal_to<>> pretokens_;
};

}  // namespace tokencraft
