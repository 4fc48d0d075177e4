// Zeroed memory that costs nothing until it is touched; in huge pages where the system has them, because tables that
// are read at random places otherwise spend much of their time on page walks.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace tokencraft {

template <typename T>
class Zeroed {
public:
    explicit Zeroed(std::size_t count) : bytes_(count * sizeof(T)) {
#if defined(__linux__)
        if (bytes_ >= huge_page) {
            void* mapped = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (mapped == MAP_FAILED) throw std::bad_alloc();
            madvise(mapped, bytes_, MADV_HUGEPAGE);  // advice: it may fail
            data_ = static_cast<T*>(mapped);
            return;
        }
#endif
        data_ = static_cast<T*>(std::calloc(count, sizeof(T)));
        if (!data_) throw std::bad_alloc();
    }
    Zeroed(const Zeroed&) = delete;
    Zeroed& operator=(const Zeroed&) = delete;
    ~Zeroed() { release(); }

    T* get() { return data_; }
    const T* get() const { return data_; }

    // Zeroes everything again.
    void clear() {
        Zeroed fresh(bytes_ / sizeof(T));
        std::swap(data_, fresh.data_);
    }

private:
    void release() {
#if defined(__linux__)
        if (bytes_ >= huge_page) {
            munmap(data_, bytes_);
            return;
        }
#endif
        std::free(data_);
    }

    static constexpr std::size_t huge_page = std::size_t{2} << 20;

    std::size_t bytes_;
    T* data_;
};

}  // namespace tokencraft
