#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "binding_tools.hpp"
#include "pretoken_runs.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

nb::list cut_runs(const PretokenRuns& self, const nb::list& texts, const std::vector<ArrayIn<std::uint32_t>>& ends,
                  unsigned threads) {
    if (ends.size() != texts.size()) throw nb::value_error("one array of ends per text");
    std::vector<std::string_view> views;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        views.push_back(text_view(texts[i]));
        check_size(views.back());
        check_ends({ends[i].data(), ends[i].size()}, views.back().size());
    }
    std::vector<std::vector<std::uint32_t>> runs(views.size());
    run_controlled(nb::none(), [&](Control& control) {
        run_items(resolve_threads(threads), control, views.size(), [&](unsigned, std::size_t i) {
            self.cut(views[i], {ends[i].data(), ends[i].size()}, runs[i]);
        });
    });
    nb::list arrays;
    for (std::vector<std::uint32_t>& each : runs) arrays.append(to_numpy(std::move(each)));
    return arrays;
}

}  // namespace

void bind_pretoken_runs(nb::module_& m) {
    nb::class_<PretokenRuns>(m, "PretokenRuns", "Cuts texts into runs of given pretokens, and single bytes between.")
        .def(
            "__init__",
            [](PretokenRuns* self, const std::vector<nb::bytes>& pretokens) {
                new (self) PretokenRuns(to_strings(pretokens));
            },
            "pretokens"_a)
        .def("cut", &cut_runs, "texts"_a, "ends"_a, "threads"_a = 0,
             "Ends (uint32) of the runs and bytes of every text; `ends` are those of its pretokens.");
}

}  // namespace tokencraft
