#include <nanobind/nanobind.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "binding_tools.hpp"
#include "random_split.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

nb::list random_chunks(const nb::list& texts, const std::vector<std::tuple<std::uint32_t, std::uint32_t, double>>& given,
                       std::uint64_t seed, unsigned threads) {
    std::vector<LengthRange> ranges;
    for (const auto& [shortest, longest, cumulative] : given) {
        if (shortest < 1 || shortest > longest) throw nb::value_error("a range of lengths needs 1 <= shortest <= longest");
        ranges.push_back({shortest, longest, cumulative});
    }
    if (ranges.empty()) throw nb::value_error("there must be a range of lengths");
    return cut_texts(texts, threads, [&](std::string_view text, std::vector<std::uint32_t>& ends) {
        split_chunks(ranges, seed, text, ends);
    });
}

nb::list random_whitespace(const nb::list& texts, double probability, std::uint64_t seed, unsigned threads) {
    return cut_texts(texts, threads, [&](std::string_view text, std::vector<std::uint32_t>& ends) {
        split_before_white(probability, seed, text, ends);
    });
}

}  // namespace

void bind_random_split(nb::module_& m) {
    m.def("random_chunks", &random_chunks, "texts"_a, "ranges"_a, "seed"_a = 0, "threads"_a = 0,
          "Ends (uint32) of the chunks of every text; ranges are (shortest, longest, cumulative probability).");
    m.def("random_whitespace", &random_whitespace, "texts"_a, "probability"_a, "seed"_a = 0, "threads"_a = 0,
          "Ends (uint32) of the pieces of every text, cut before a random share of the runs of white space.");
}

}  // namespace tokencraft
