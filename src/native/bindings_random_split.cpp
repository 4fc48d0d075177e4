#include <nanobind/nanobind.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

#include "binding_tools.hpp"
#include "random_split.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

// The ends of every text, cut by `cut(text, ends)` on several threads.
template <typename Cut>
nb::list cut_all(const nb::list& texts, unsigned threads, Cut&& cut) {
    std::vector<std::string_view> views;
    for (const nb::handle text : texts) {
        views.push_back(text_view(text));
        check_size(views.back());
    }
    std::vector<std::vector<std::uint32_t>> ends(views.size());
    const unsigned workers = static_cast<unsigned>(std::min<std::size_t>(resolve_threads(threads), views.size()));
    run_controlled(nb::none(), [&](Control& control) {
        run_items(std::max(1u, workers), control, views.size(),
                  [&](unsigned, std::size_t i) { cut(views[i], ends[i]); });
    });
    nb::list arrays;
    for (std::vector<std::uint32_t>& each : ends) arrays.append(to_numpy(std::move(each)));
    return arrays;
}

nb::list random_chunks(const nb::list& texts, const std::vector<std::tuple<std::uint32_t, std::uint32_t, double>>& given,
                       std::uint64_t seed, unsigned threads) {
    std::vector<LengthRange> ranges;
    for (const auto& [shortest, longest, cumulative] : given) {
        if (shortest < 1 || shortest > longest) throw nb::value_error("a range of lengths needs 1 <= shortest <= longest");
        ranges.push_back({shortest, longest, cumulative});
    }
    if (ranges.empty()) throw nb::value_error("there must be a range of lengths");
    return cut_all(texts, threads, [&](std::string_view text, std::vector<std::uint32_t>& ends) {
        split_chunks(ranges, seed, text, ends);
    });
}

nb::list random_whitespace(const nb::list& texts, double probability, std::uint64_t seed, unsigned threads) {
    return cut_all(texts, threads, [&](std::string_view text, std::vector<std::uint32_t>& ends) {
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
