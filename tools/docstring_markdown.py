"""A griffe extension for ``make docs``: docstrings, as the code has them, in the Markdown that the pages need.

Sphinx roles become the bare name, ``Example:`` becomes a section whose doctests show as code, and so do doctests that
stand outside one.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`(~?)([\w.]+)`")
_LABELLED_ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):`([^`<]+?)\s*<[^`>]+>`")
_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_BARE_DOCTEST = re.compile(r"^>>> .*(?:\n(?!\n).*)*", re.MULTILINE)


class DocstringMarkdown(griffe.Extension):
    """Rewrites every docstring once it is loaded."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)


def markdown(docstring: str) -> str:
    """A docstring in Markdown.

    Example:
        >>> markdown("See :class:`~tokencraft.learn.BPE` and :meth:`train <tokencraft.learn.BPE.train>`.")
        'See `BPE` and `train`.'
    """
    text = _LABELLED_ROLE.sub(r"`\1`", docstring)
    text = _ROLE.sub(lambda match: f"`{match[2].rpartition('.')[2] if match[1] else match[2]}`", text)
    text = _EXAMPLE.sub("Examples:", text)
    return _BARE_DOCTEST.sub(lambda match: f"```pycon\n{match[0]}\n```", text)
