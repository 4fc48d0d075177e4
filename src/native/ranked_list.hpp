// A list whose items know their rank: append, remove, move, rank of an item, item at a rank, each in O(log n) expected.
//
// A treap ordered by position, with the size of every subtree; items are small numbers that the caller chooses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tokencraft {

class RankedList {
public:
    using Item = std::int32_t;

    std::size_t size() const { return size_of(root_); }

    // Puts an item that is not in the list before the one at `rank`; at the end where rank is the size.
    void insert(Item item, std::size_t rank) {
        if (static_cast<std::size_t>(item) >= nodes_.size()) nodes_.resize(static_cast<std::size_t>(item) + 1);
        const auto [before, after] = split(root_, rank);
        nodes_[item] = Node{};
        root_ = merge(merge(before, item), after);
        nodes_[root_].parent = none;
    }

    void push_back(Item item) { insert(item, size()); }

    void erase(Item item) {
        const Node gone = nodes_[item];
        const Item joined = merge(gone.left, gone.right);
        if (joined != none) nodes_[joined].parent = gone.parent;
        if (gone.parent == none) {
            root_ = joined;
        } else {
            (nodes_[gone.parent].left == item ? nodes_[gone.parent].left : nodes_[gone.parent].right) = joined;
            for (Item up = gone.parent; up != none; up = nodes_[up].parent) --nodes_[up].size;
        }
    }

    // Takes the item out and puts it back so that it has this rank; the items between shift by one.
    void move(Item item, std::size_t rank) {
        erase(item);
        insert(item, rank);
    }

    std::size_t rank(Item item) const {
        std::size_t before = size_of(nodes_[item].left);
        for (Item up = nodes_[item].parent; up != none; up = nodes_[item].parent) {
            if (nodes_[up].right == item) before += size_of(nodes_[up].left) + 1;
            item = up;
        }
        return before;
    }

    Item at(std::size_t rank) const {
        Item item = root_;
        for (;;) {
            const std::size_t left = size_of(nodes_[item].left);
            if (rank == left) return item;
            if (rank < left) {
                item = nodes_[item].left;
            } else {
                rank -= left + 1;
                item = nodes_[item].right;
            }
        }
    }

    // All items in their order.
    std::vector<Item> items() const {
        std::vector<Item> found;
        found.reserve(size());
        std::vector<Item> above;
        for (Item item = root_; item != none || !above.empty();) {
            for (; item != none; item = nodes_[item].left) above.push_back(item);
            item = above.back();
            above.pop_back();
            found.push_back(item);
            item = nodes_[item].right;
        }
        return found;
    }

private:
    static constexpr Item none = -1;

    struct Node {
        Item left = none;
        Item right = none;
        Item parent = none;
        std::uint32_t size = 1;
    };

    std::size_t size_of(Item item) const { return item == none ? 0 : nodes_[item].size; }

    // Scattered, so that items in any order make a balanced tree; fixed, so that the same calls do the same.
    static std::uint64_t priority(Item item) {
        std::uint64_t x = static_cast<std::uint64_t>(item) + 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return x ^ (x >> 31);
    }

    void update(Item item) {
        Node& node = nodes_[item];
        node.size = static_cast<std::uint32_t>(size_of(node.left) + size_of(node.right) + 1);
        if (node.left != none) nodes_[node.left].parent = item;
        if (node.right != none) nodes_[node.right].parent = item;
    }

    // The first `count` items of a subtree, and the rest.
    std::pair<Item, Item> split(Item item, std::size_t count) {
        if (item == none) return {none, none};
        const std::size_t left = size_of(nodes_[item].left);
        if (count <= left) {
            const auto [before, after] = split(nodes_[item].left, count);
            nodes_[item].left = after;
            update(item);
            return {before, item};
        }
        const auto [before, after] = split(nodes_[item].right, count - left - 1);
        nodes_[item].right = before;
        update(item);
        return {item, after};
    }

    Item merge(Item before, Item after) {
        if (before == none) return after;
        if (after == none) return before;
        if (priority(before) > priority(after)) {
            nodes_[before].right = merge(nodes_[before].right, after);
            update(before);
            return before;
        }
        nodes_[after].left = merge(before, nodes_[after].left);
        update(after);
        return after;
    }

    std::vector<Node> nodes_;
    Item root_ = none;
};

}  // namespace tokencraft
