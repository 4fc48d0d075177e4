// The distinct characters of counted pieces.
#pragma once

#include <cstdint>
#include <vector>

#include "parallel.hpp"
#include "piece_counter.hpp"

namespace tokencraft {

// Code points of the well-formed characters in the pieces, in order.
std::vector<std::uint32_t> characters_of(PieceCounter& pieces, Control& control);

}  // namespace tokencraft
