// The only file that knows Python: argument checks, GIL, interrupts; the kernels lie beside it.
#include <nanobind/nanobind.h>

namespace nb = nanobind;

NB_MODULE(_native, m) {
    m.doc() = "C++ kernels of tokencraft";
}
