// Binding of the n-grams of concepts.
#include <nanobind/nanobind.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <string>
#include <vector>

#include "binding_tools.hpp"
#include "concept_ngrams.hpp"

namespace tokencraft {

using namespace nb::literals;

namespace {

std::u32string code_points(nb::handle object) {
    if (!PyUnicode_Check(object.ptr())) throw nb::type_error("expected str");
    std::u32string text(static_cast<std::size_t>(PyUnicode_GET_LENGTH(object.ptr())), U'\0');
    const auto size = static_cast<Py_ssize_t>(text.size());
    if (size > 0 && !PyUnicode_AsUCS4(object.ptr(), reinterpret_cast<Py_UCS4*>(text.data()), size, 0)) {
        throw nb::python_error();
    }
    return text;
}

std::vector<std::u32string> checked_words(const nb::list& words) {
    std::vector<std::u32string> texts;
    texts.reserve(words.size());
    for (nb::handle word : words) {
        texts.push_back(code_points(word));
        if (texts.back().empty() || texts.back().size() > ConceptNgrams::longest_word) {
            throw nb::value_error("a word has 1 to 255 characters");
        }
    }
    return texts;
}

void new_ngrams(ConceptNgrams* self, const nb::list& words, const std::vector<std::int64_t>& weights, bool tails_again) {
    if (weights.size() != words.size()) throw nb::value_error("one weight a word");
    for (const std::int64_t weight : weights) {
        if (weight < 1) throw nb::value_error("weights are 1 or more");
    }
    std::vector<std::u32string> texts = checked_words(words);
    run_controlled(nb::none(), [&](Control& control) {
        new (self) ConceptNgrams(std::move(texts), weights, tails_again, control);
    });
}

Array1<std::int64_t> counts_of(const ConceptNgrams& self, const nb::list& ngrams) {
    std::vector<std::int64_t> counts;
    counts.reserve(ngrams.size());
    for (nb::handle ngram : ngrams) counts.push_back(self.count(code_points(ngram)));
    return to_numpy(std::move(counts));
}

nb::list cut_words(const ConceptNgrams& self, const nb::list& words, unsigned merges, std::size_t longest,
                   unsigned threads, const nb::object& progress) {
    const std::vector<std::u32string> texts = checked_words(words);
    std::vector<std::vector<std::uint32_t>> ends(texts.size());
    run_controlled(progress, [&](Control& control) {
        run_items(resolve_threads(threads), control, texts.size(), [&](unsigned, std::size_t i) {
            self.cut(texts[i], merges, longest, ends[i]);
            control.advance(1);
        });
    });
    nb::list result;
    for (const std::vector<std::uint32_t>& each : ends) {
        nb::list own;
        for (const std::uint32_t end : each) own.append(end);
        result.append(own);
    }
    return result;
}

}  // namespace

void bind_concepts(nb::module_& m) {
    nb::class_<ConceptNgrams>(m, "ConceptNgrams", "Counts of all n-grams of words, and the pieces of words by them.")
        .def("__init__", &new_ngrams, "words"_a, "weights"_a, "tails_again"_a = false)
        .def("__len__", &ConceptNgrams::size)
        .def_prop_ro("total", &ConceptNgrams::total)
        .def("counts", &counts_of, "ngrams"_a, "Count (int64) of each n-gram, 0 where it does not occur.")
        .def("cut", &cut_words, "words"_a, "merges"_a, "longest"_a, "threads"_a = 0, "progress"_a = nb::none(),
             "Ends (code points) of the pieces of every word.");
}

}  // namespace tokencraft
