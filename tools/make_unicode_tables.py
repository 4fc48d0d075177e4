"""Write src/native/unicode_tables.hpp: the character classes of the split patterns, from one pinned Unicode version.

Run it with the database of that version installed::

    pip install unicodedata2==16.0.0
    python tools/make_unicode_tables.py

The version is the one that the regex engine inside `tokenizers` knows, so that our pieces are its pieces; the test
tests/native/test_unicode_tables.py compares the two over all code points. `\\s` is the Unicode property White_Space.
"""

from __future__ import annotations

from pathlib import Path

import unicodedata2

UNICODE_VERSION = "16.0.0"
BLOCK = 128
TARGET = Path(__file__).resolve().parent.parent / "src" / "native" / "unicode_tables.hpp"

WHITE_SPACE = {
    *range(0x09, 0x0E),
    0x20,
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
}
ALONE = {"\r": "e", "\n": "e", " ": "g", "'": "q", "/": "x"}
CATEGORIES = {
    "Cn": "c",
    "Lu": "u",
    "Lt": "u",
    "Ll": "l",
    "Lm": "b",
    "Lo": "b",
    "Mn": "m",
    "Mc": "m",
    "Me": "m",
    "Nd": "d",
    "Nl": "n",
    "No": "n",
}

HEADER = """\
// Character classes of Unicode {version}, written by tools/make_unicode_tables.py; do not edit.
//
// Two stages: class_blocks[class_index[code_point / {block}] * {block} + code_point % {block}] is a letter:
//   u Lu Lt   l Ll   b Lm Lo   m M   d Nd   n Nl No   e CR LF   g space   s other White_Space   q '   x /
//   c Cn (unassigned)   o the rest
#pragma once

#include <cstdint>

namespace tokencraft {{

inline constexpr char unicode_version[] = "{version}";
inline constexpr unsigned class_block = {block};
"""


def character_class(code_point: int) -> str:
    """The class letter of one code point."""
    character = chr(code_point)
    if character in ALONE:
        return ALONE[character]
    if code_point in WHITE_SPACE:
        return "s"
    return CATEGORIES.get(unicodedata2.category(character), "o")


def main() -> None:
    """Write the table."""
    if unicodedata2.unidata_version != UNICODE_VERSION:
        raise SystemExit(f"unicodedata2 {UNICODE_VERSION} is needed, this is {unicodedata2.unidata_version}")
    classes = "".join(character_class(code_point) for code_point in range(0x110000))
    blocks: dict[str, int] = {}
    index = [blocks.setdefault(classes[at : at + BLOCK], len(blocks)) for at in range(0, len(classes), BLOCK)]
    if len(blocks) > 256:
        raise SystemExit(f"{len(blocks)} distinct blocks do not fit a byte index")
    lines = [HEADER.format(version=UNICODE_VERSION, block=BLOCK)]
    lines.append(f"inline constexpr std::uint8_t class_index[{len(index)}] = {{")
    row = "   "
    for entry in index:
        if len(row) + len(str(entry)) + 2 > 120:
            lines.append(row)
            row = "   "
        row += f" {entry},"
    lines += [row, "};", "", f"inline constexpr char class_blocks[{len(blocks) * BLOCK} + 1] ="]
    lines += [f'    "{block}"' for block in blocks]
    lines[-1] += ";"
    lines += ["", "}  // namespace tokencraft", ""]
    TARGET.write_text("\n".join(lines))
    print(f"{TARGET}: {len(blocks)} blocks")


if __name__ == "__main__":
    main()
