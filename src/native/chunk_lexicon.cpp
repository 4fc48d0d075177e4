#include "chunk_lexicon.hpp"

#include <utility>

namespace tokencraft {
namespace {

constexpr std::size_t first_places = 1 << 10;
constexpr std::size_t spare_nodes = 1 << 16;  // dead nodes that are not worth a rebuild

std::uint64_t key_of(std::uint32_t node, char32_t symbol) {
    return (static_cast<std::uint64_t>(node) << 21 | static_cast<std::uint64_t>(symbol)) + 1;
}

std::size_t place_of(std::uint64_t key, std::size_t places) {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 32) & (places - 1);
}

}  // namespace

ChunkLexicon::ChunkLexicon() : children_(first_places), entry_of_(1, unknown) {}

ChunkLexicon::Node ChunkLexicon::child(Node node, char32_t symbol) const {
    const std::uint64_t key = key_of(node, symbol);
    for (std::size_t at = place_of(key, children_.size());; at = (at + 1) & (children_.size() - 1)) {
        if (children_[at].key == key) return children_[at].node;
        if (children_[at].key == 0) return root;
    }
}

void ChunkLexicon::place(const Child& child) {
    std::size_t at = place_of(child.key, children_.size());
    while (children_[at].key != 0) at = (at + 1) & (children_.size() - 1);
    children_[at] = child;
}

ChunkLexicon::Node ChunkLexicon::add_child(Node node, char32_t symbol) {
    if (entry_of_.size() * 2 >= children_.size()) {
        std::vector<Child> old(children_.size() * 2);
        old.swap(children_);
        for (const Child& each : old) {
            if (each.key != 0) place(each);
        }
    }
    const auto made = static_cast<Node>(entry_of_.size());
    entry_of_.push_back(unknown);
    place({key_of(node, symbol), made});
    return made;
}

ChunkLexicon::Node ChunkLexicon::insert_path(Characters text) {
    Node node = root;
    for (const char32_t symbol : text) {
        const Node next = child(node, symbol);
        node = next != root ? next : add_child(node, symbol);
    }
    return node;
}

ChunkLexicon::Match ChunkLexicon::longest(Characters text) const {
    Match found;
    Node node = root;
    for (std::size_t length = 1; length <= text.size(); ++length) {
        node = child(node, text[length - 1]);
        if (node == root) break;
        if (entry_of_[node] != unknown) found = {entry_of_[node], length};
    }
    return found;
}

std::pair<ChunkLexicon::Match, ChunkLexicon::Match> ChunkLexicon::two_longest(Characters text) const {
    Match big;
    Match small;
    Node node = root;
    for (std::size_t length = 1; length <= text.size(); ++length) {
        node = child(node, text[length - 1]);
        if (node == root) break;
        if (entry_of_[node] != unknown) {
            small = big;
            big = {entry_of_[node], length};
        }
    }
    return {big, small};
}

ChunkLexicon::Entry ChunkLexicon::find(Characters text) const {
    Node node = root;
    for (const char32_t symbol : text) {
        node = child(node, symbol);
        if (node == root) return unknown;
    }
    return entry_of_[node];
}

ChunkLexicon::Entry ChunkLexicon::append(Characters text) {
    if (entry_of_.size() > 2 * living_characters_ + spare_nodes) rebuild();
    Entry entry;
    if (free_.empty()) {
        entry = static_cast<Entry>(texts_.size());
        texts_.emplace_back();
        terminals_.push_back(root);
    } else {
        entry = free_.back();
        free_.pop_back();
    }
    texts_[entry] = text;
    terminals_[entry] = insert_path(text);
    entry_of_[terminals_[entry]] = entry;
    living_characters_ += text.size();
    list_.push_back(entry);
    return entry;
}

void ChunkLexicon::erase(Entry entry) {
    entry_of_[terminals_[entry]] = unknown;
    terminals_[entry] = root;
    living_characters_ -= texts_[entry].size();
    free_.push_back(entry);
    list_.erase(entry);
}

void ChunkLexicon::rebuild() {
    children_.assign(first_places, Child{});
    entry_of_.assign(1, unknown);
    for (std::size_t entry = 0; entry < texts_.size(); ++entry) {
        if (terminals_[entry] == root) continue;
        terminals_[entry] = insert_path(texts_[entry]);
        entry_of_[terminals_[entry]] = static_cast<Entry>(entry);
    }
}

}  // namespace tokencraft
