// Binding of the characters of counted pieces.
#include "binding_tools.hpp"
#include "character_set.hpp"

namespace tokencraft {

using namespace nb::literals;

void bind_characters(nb::module_& m) {
    m.def("characters",
          [](PieceCounter& pieces) {
              return to_numpy(
                  run_controlled(nb::none(), [&](Control& control) { return characters_of(pieces, control); }));
          },
          "pieces"_a, "Code points (uint32, increasing) of the characters in the pieces.");
}

}  // namespace tokencraft
