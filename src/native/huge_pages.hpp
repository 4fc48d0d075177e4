// Memory that is read at random places spends much of its time on page walks, the more the larger it is: ask for huge
// pages before it is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tokencraft {

inline void prefer_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    constexpr std::uintptr_t huge = std::uintptr_t{2} << 20;
    const auto begin = (reinterpret_cast<std::uintptr_t>(memory) + huge - 1) / huge * huge;
    const auto end = (reinterpret_cast<std::uintptr_t>(memory) + bytes) / huge * huge;
    if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // advice: it may fail
#endif
}

// Room for `count` values in an empty vector.
template <typename T>
void reserve_huge(std::vector<T>& values, std::size_t count) {
    values.reserve(count);
    prefer_huge_pages(values.data(), count * sizeof(T));
}

}  // namespace tokencraft
