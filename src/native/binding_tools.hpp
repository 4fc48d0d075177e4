// What the files of bindings share: arguments from Python and results to it, GIL and interrupts.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "digit_groups.hpp"
#include "merge.hpp"
#include "parallel.hpp"
#include "split.hpp"

namespace tokencraft {

namespace nb = nanobind;

template <typename T>
using Array1 = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

// A vector handed to numpy without a copy.
template <typename T>
Array1<T> to_numpy(std::vector<T>&& values) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Array1<T>(kept->data(), {kept->size()}, owner);
}

// The UTF-8 bytes of a str or bytes object, borrowed: valid while the object lives.
inline std::string_view text_view(nb::handle object) {
    if (PyBytes_Check(object.ptr())) {
        return {PyBytes_AS_STRING(object.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(object.ptr()))};
    }
    if (PyUnicode_Check(object.ptr())) {
        Py_ssize_t size = 0;
        const char* data = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
        if (!data) throw nb::python_error();
        return {data, static_cast<std::size_t>(size)};
    }
    throw nb::type_error("expected str or bytes");
}

// A new bytes object that `write` fills.
template <typename Write>
nb::bytes new_bytes(std::size_t size, Write&& write) {
    PyObject* object = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size));
    if (!object) throw nb::python_error();
    nb::bytes bytes = nb::steal<nb::bytes>(object);
    write(PyBytes_AS_STRING(object));
    return bytes;
}

inline std::vector<std::string> to_strings(const std::vector<nb::bytes>& tokens) {
    std::vector<std::string> strings;
    strings.reserve(tokens.size());
    for (const nb::bytes& token : tokens) strings.emplace_back(token.c_str(), token.size());
    return strings;
}

inline Pattern checked_pattern(int pattern) {
    const bool known = DigitGroups::is_code(pattern) && (pattern & 255) < pattern_count;
    if (!known) throw nb::value_error("unknown split pattern");
    return static_cast<Pattern>(pattern);
}

inline void check_size(std::string_view text) {
    if (text.size() >= UINT32_MAX) throw nb::value_error("a single text must be smaller than 4 GiB; cut it first");
}

// Calls `work(control)` without the GIL. Its calling thread comes back for signals, and for `progress(done)` where that
// is a function; an exception in either stops the work and is raised.
template <typename Work>
auto run_controlled(const nb::object& progress, Work&& work) {
    Control control([&](std::int64_t done) {
        nb::gil_scoped_acquire acquired;
        if (PyErr_CheckSignals() != 0) return false;
        if (progress.is_none()) return true;
        PyObject* result = PyObject_CallFunction(progress.ptr(), "L", static_cast<long long>(done));
        Py_XDECREF(result);
        return result != nullptr;
    });
    try {
        nb::gil_scoped_release released;
        return work(control);
    } catch (const Interrupted&) {
        throw nb::python_error();  // set by the listener
    }
}

template <typename T>
using ArrayIn = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using MergesIn = nb::ndarray<const TokenId, nb::shape<-1, 3>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Array2 = nb::ndarray<nb::numpy, T, nb::ndim<2>>;

template <typename T>
Array2<T> to_table(std::vector<T>&& values, std::size_t columns) {
    auto* kept = new std::vector<T>(std::move(values));
    nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
    return Array2<T>(kept->data(), {kept->size() / columns, columns}, owner);
}

inline void check_ends(std::span<const std::uint32_t> ends, std::size_t size) {
    std::uint32_t before = 0;
    for (const std::uint32_t end : ends) {
        if (end <= before) throw nb::value_error("piece ends must increase");
        before = end;
    }
    if (before != size) throw nb::value_error("the last piece must end where the text ends");
}

// The ends of every text, cut by `cut(text, ends)` on several threads.
template <typename Cut>
nb::list cut_texts(const nb::list& texts, unsigned threads, Cut&& cut) {
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

}  // namespace tokencraft
