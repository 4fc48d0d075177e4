// A ranked lexicon of strings of characters: which entries begin a text, and which rank each has.
//
// A trie over code points beside a RankedList. Entries are numbered; the number of a removed entry is used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ranked_list.hpp"

namespace tokencraft {

using Characters = std::u32string_view;

class ChunkLexicon {
public:
    using Entry = RankedList::Item;
    static constexpr Entry unknown = -1;

    // An entry that begins a text, and its length in characters; {unknown, 0} where there is none.
    struct Match {
        Entry entry = unknown;
        std::size_t length = 0;
    };

    ChunkLexicon();

    std::size_t size() const { return list_.size(); }
    Match longest(Characters text) const;
    // The longest entry that begins the text, and the second longest.
    std::pair<Match, Match> two_longest(Characters text) const;
    Entry find(Characters text) const;
    Characters text(Entry entry) const { return texts_[entry]; }

    // Adds a string that is no entry, at the last rank.
    Entry append(Characters text);
    void erase(Entry entry);
    bool alive(Entry entry) const { return terminals_[entry] != root; }

    std::size_t rank(Entry entry) const { return list_.rank(entry); }
    Entry at(std::size_t rank) const { return list_.at(rank); }
    void move(Entry entry, std::size_t rank) { list_.move(entry, rank); }
    std::vector<Entry> by_rank() const { return list_.items(); }
    // One more than the largest number that an entry has had.
    std::size_t capacity() const { return texts_.size(); }

private:
    using Node = std::uint32_t;
    static constexpr Node root = 0;  // never a child, so it also says that there is none
    struct Child {
        std::uint64_t key = 0;  // (parent, code point), plus one; 0 for an empty place
        Node node = root;
    };

    Node child(Node node, char32_t symbol) const;
    Node add_child(Node node, char32_t symbol);
    void place(const Child& child);
    Node insert_path(Characters text);
    void rebuild();  // without the nodes that only removed entries used

    std::vector<Child> children_;  // open addressing; its size is a power of two
    std::vector<Entry> entry_of_;  // by node
    std::vector<std::u32string> texts_;
    std::vector<Node> terminals_;  // by entry; root where it was removed
    std::vector<Entry> free_;
    std::size_t living_characters_ = 0;
    RankedList list_;
};

}  // namespace tokencraft
