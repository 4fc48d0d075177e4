#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "binding_tools.hpp"
#include "whole_tokens.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

WholeTokens make(const std::vector<nb::bytes>& tokens, int pattern) {
    std::vector<std::string> strings = to_strings(tokens);
    if (std::any_of(strings.begin(), strings.end(), [](const std::string& token) { return token.empty(); })) {
        throw nb::value_error("a token that is kept whole has at least one byte");
    }
    return {strings, checked_pattern(pattern)};
}

nb::list split_batch(const WholeTokens& self, const nb::list& texts, unsigned threads) {
    return cut_texts(texts, threads,
                     [&](std::string_view text, std::vector<std::uint32_t>& ends) { self.split(text, ends); });
}

}  // namespace

void bind_whole_tokens(nb::module_& m) {
    nb::class_<WholeTokens>(m, "WholeTokens", "Keeps strings whole where a split pattern would cut them.")
        .def("__init__",
             [](WholeTokens* self, const std::vector<nb::bytes>& tokens, int pattern) {
                 new (self) WholeTokens(make(tokens, pattern));
             },
             "tokens"_a, "pattern"_a)
        .def("split_batch", &split_batch, "texts"_a, "threads"_a = 0, "Ends (uint32) of the pieces of every text.");
}

}  // namespace tokencraft
