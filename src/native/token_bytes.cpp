#include "token_bytes.hpp"

#include <cstring>
#include <stdexcept>

namespace tokencraft {
namespace {

// Tokens up to this long are copied by one move of fixed size where there is room for it.
constexpr std::size_t move = 16;

}  // namespace

TokenBytes::TokenBytes(std::span<const std::string> tokens) {
    starts_.reserve(tokens.size() + 1);
    starts_.push_back(0);
    for (const std::string& token : tokens) {
        bytes_.insert(bytes_.end(), token.begin(), token.end());
        starts_.push_back(bytes_.size());
    }
    bytes_.resize(bytes_.size() + move);
}

std::size_t TokenBytes::size_of(std::span<const std::uint32_t> ids) const {
    std::size_t size = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] >= starts_.size() - 1) {
            throw std::out_of_range("id " + std::to_string(ids[i]) + " at position " + std::to_string(i) +
                                    " is outside the vocabulary's 0.." + std::to_string(starts_.size() - 2));
        }
        size += starts_[ids[i] + 1] - starts_[ids[i]];
    }
    return size;
}

void TokenBytes::write(std::span<const std::uint32_t> ids, char* out) const {
    // A fixed move may run over the token's end, never over the end of the output: the last ids are copied exactly.
    std::size_t fixed = ids.size();
    for (std::size_t left = 0; fixed > 0 && left < move; --fixed)
        left += starts_[ids[fixed - 1] + 1] - starts_[ids[fixed - 1]];
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const char* from = bytes_.data() + starts_[ids[i]];
        const std::size_t size = starts_[ids[i] + 1] - starts_[ids[i]];
        if (i < fixed && size <= move) [[likely]] {
            std::memcpy(out, from, move);
        } else {
            std::memcpy(out, from, size);
        }
        out += size;
    }
}

}  // namespace tokencraft
