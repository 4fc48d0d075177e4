// Whether a text holds code points that our Unicode version does not know, on which engines of other versions disagree.
#pragma once

#include <string_view>

namespace tokencraft {

bool has_unassigned(std::string_view text);

}  // namespace tokencraft
