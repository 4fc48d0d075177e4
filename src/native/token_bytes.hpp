// Token ids back into bytes: the bytes of all tokens in one array, copied one token after another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tokencraft {

class TokenBytes {
public:
    explicit TokenBytes(std::span<const std::string> tokens);

    // How many bytes the ids decode to. Throws std::out_of_range for an id outside the vocabulary.
    std::size_t size_of(std::span<const std::uint32_t> ids) const;

    // Writes them to `out`, which has room for size_of(ids); the ids have been checked by it.
    void write(std::span<const std::uint32_t> ids, char* out) const;

private:
    std::vector<std::size_t> starts_;  // of every token in bytes_, and the end of the last
    std::vector<char> bytes_;
};

}  // namespace tokencraft
