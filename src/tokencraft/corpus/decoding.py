"""Bytes to text under one of three policies, with the place of the first bad byte."""

from __future__ import annotations

from typing import Literal, get_args

from tokencraft.errors import CorpusError, UsageError

EncodingErrors = Literal["strict", "replace", "skip"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ADVICE = "pass encoding_errors='replace' or 'skip' (--encoding-errors on the command line), or convert it to UTF-8"


def check_policy(policy: str) -> EncodingErrors:
    """``policy`` itself, or a :class:`UsageError` that lists the three that exist."""
    if policy not in get_args(EncodingErrors):
        raise UsageError(f"encoding_errors must be 'strict', 'replace' or 'skip', not {policy!r}")
    return policy  # type: ignore[return-value]  # narrowed by the check above


def decode(data: bytes, policy: EncodingErrors, where: str, offset: int) -> str | None:
    """The text of ``data``.

    Args:
        data: UTF-8 bytes of one document.
        policy: what to do with bytes that are not UTF-8.
        where: the file, for the message.
        offset: the byte offset of ``data`` in the (decompressed) file.

    Returns:
        The text; None where the policy is ``"skip"`` and the bytes are not UTF-8.

    Raises:
        CorpusError: the policy is ``"strict"`` and the bytes are not UTF-8; the message gives the file and the byte.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if policy == "skip":
            return None
        if policy == "replace":
            return data.decode("utf-8", errors="replace")
        hint = "; it looks like UTF-16" if offset == 0 and data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise CorpusError(
            f"{where}: invalid UTF-8 at byte {offset + error.start} (0x{data[error.start]:02x}: {error.reason}){hint}; "
            f"{_ADVICE}"
        ) from None


def without_surrogates(text: str, policy: EncodingErrors, where: str) -> str | None:
    r"""``text`` if it can be written as UTF-8; JSON escapes such as ``"\ud800"`` and careless programs make text that
    cannot.

    Returns:
        The text, with U+FFFD for each lone surrogate under ``"replace"``; None under ``"skip"``.

    Raises:
        CorpusError: there is a lone surrogate and the policy is ``"strict"``.
    """
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        if policy == "skip":
            return None
        if policy == "replace":
            return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
        raise CorpusError(
            f"{where}: character {error.start} is the lone surrogate U+{ord(text[error.start]):04X}, "
            f"which is not text; {_ADVICE}"
        ) from None
    return text


def utf8_length(text: str) -> int:
    """Bytes of ``text`` in UTF-8; ASCII is known from its length."""
    return len(text) if text.isascii() else len(text.encode("utf-8"))
