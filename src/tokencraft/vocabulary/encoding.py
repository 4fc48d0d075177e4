"""The fastest encoder that gives the right ids: ``gigatoken``, else our native one, else ``tokenizers``.

``tokenizers`` is the reference. Another encoder is used only after it gave the reference's ids on texts made to be
hard, on random strings of the vocabulary's own tokens, on the special tokens spelled out in text, and on parts of the
first batch. What an encoder is known to do differently never reaches it: such texts go to the next one, text by text.

``gigatoken`` knows Unicode 17; texts with code points unknown to Unicode 16, the version of ``tokenizers`` and ours,
are kept from it. Its thread pool is one for the process, as large as ``RAYON_NUM_THREADS`` says when it first encodes
(else all cores); another number of threads is served by that many calls of its sequential path.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

import gigatoken
import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.vocabulary import split
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.normalization import Normalizer

Refused = npt.NDArray[np.bool_]


class Encoder(Protocol):
    """Encodes many valid texts; the name is that of ``EncodedBatch.encoder``."""

    @property
    def name(self) -> str:
        """``"gigatoken"``, ``"native"`` or ``"tokenizers"``."""

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """Ids of the texts, on all cores or ``threads``.

        Raises:
            UnicodeEncodeError, TypeError: a text holds half a surrogate pair.
        """


@dataclass(frozen=True, eq=False)
class EncoderSpec:
    """What decides how text becomes ids.

    Args:
        document: the ``tokenizer.json`` that the reference was made from.
        splitter: how text is cut; None where the pre-tokenizer does more than cut.
        tokens: bytes by id for our encoder, empty for ids that text cannot become; None where it cannot encode them.
        merges: int32 ``[m, 3]`` (left, right, result) in rank order; None: ids are ranks, as in tiktoken.
        whole_pieces: a piece that is a token is taken before any merge.
        normalizer: what is done to text first, by our encoder and gigatoken's alike.
    """

    document: dict[str, Any]
    splitter: split.Splitter | None = None
    tokens: Sequence[bytes] | None = None
    merges: npt.NDArray[np.int32] | None = None
    whole_pieces: bool = False
    normalizer: Normalizer | None = None

    @property
    def literals(self) -> tuple[str, ...]:
        """Strings that become one token wherever they stand in a text."""
        return tuple(entry["content"] for entry in self.document["added_tokens"])


def make_encoder(spec: EncoderSpec, reference: Encoder, texts: Sequence[str] = ()) -> Encoder:
    """The fastest encoder that agrees with the reference.

    Args:
        spec: what to encode with.
        reference: the stock encoder of the same vocabulary.
        texts: texts it is wanted for; parts of them join the sample on which encoders are compared.

    Returns:
        An encoder; the reference itself where no other agrees.
    """
    sample = sample_texts(spec, texts)
    expected = reference.encode_batch(sample)
    make = _native_encoder if spec.normalizer is None else _normalizing_encoder
    native = _agreeing(lambda: make(spec, reference), sample, expected)
    fast = _agreeing(lambda: _gigatoken_encoder(spec, native or reference), sample, expected)
    return fast or native or reference


class NativeEncoder:
    """Our encoder, see src/native/bpe_encoder.hpp.

    Args:
        spec: with ``tokens`` and ``splitter``.
    """

    name = "native"

    def __init__(self, spec: EncoderSpec) -> None:
        if spec.tokens is None or spec.splitter is None:
            raise ValueError("this kind of vocabulary has no native encoder")
        pattern = spec.splitter.native
        self._splitter = spec.splitter if pattern is None else None
        self._encoder = _native.BPEEncoder(list(spec.tokens), spec.merges, pattern or 0, spec.whole_pieces)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """See :class:`Encoder`."""
        ends = None
        if self._splitter is not None:
            ends = self._splitter.spans_batch([text.encode("utf-8") for text in texts], threads=threads)
        ids, offsets = self._encoder.encode_batch(list(texts), threads or 0, ends=ends)
        return EncodedBatch(ids, offsets, self.name)


class GigatokenEncoder:
    """``gigatoken``, loaded from the text of a ``tokenizer.json``.

    Args:
        document: what to load.

    Raises:
        Exception: ``gigatoken`` cannot load it.
    """

    name = "gigatoken"

    def __init__(self, document: dict[str, Any]) -> None:
        backend = gigatoken.gigatoken_rs.load_hf_json(json.dumps(document))
        self._tokenizer = gigatoken.Tokenizer(backend)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """See :class:`Encoder`."""
        texts = texts if isinstance(texts, list) else list(texts)
        if threads is None or threads == _pool_size():
            return self._arrays(texts, parallel=None)  # None: parallel unless this is a worker process
        if threads == 1 or len(texts) < 2:
            return self._arrays(texts, parallel=False)
        cuts = _even_cuts([len(text) for text in texts], threads)
        parts = [texts[start:end] for start, end in pairwise(cuts) if start < end]
        with ThreadPoolExecutor(len(parts)) as pool:
            batches = list(pool.map(lambda part: self._arrays(part, parallel=False), parts))
        return EncodedBatch.from_lists([ids for batch in batches for ids in batch], self.name)

    def _arrays(self, texts: list[str], parallel: bool | None) -> EncodedBatch:
        if not texts:
            return EncodedBatch(np.zeros(0, np.uint32), np.zeros(1, np.int64), self.name)
        layout = self._tokenizer.encode_batch(texts, parallel=parallel).layout
        ids = np.asarray(layout.content.data).astype(np.uint32, copy=False)
        return EncodedBatch(ids, np.asarray(layout.offsets.data).astype(np.int64, copy=False), self.name)


@dataclass(frozen=True)
class NormalizingEncoder:
    """An encoder of normalised text, and what normalises.

    Args:
        normalizer: applied to every text.
        encoder: for what comes out.
    """

    normalizer: Normalizer
    encoder: Encoder
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the name of the encoder."""
        object.__setattr__(self, "name", self.encoder.name)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """See :class:`Encoder`."""
        return self.encoder.encode_batch([self.normalizer(text) for text in texts], threads)


@dataclass(frozen=True)
class GuardedEncoder:
    """An encoder, and another one for the texts that it must not see.

    Args:
        fast: for most texts.
        slow: for those that are refused.
        refused: which these are (one bool a text), or None where there are none.
    """

    fast: Encoder
    slow: Encoder
    refused: Callable[[Sequence[str], int | None], Refused | None]
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Take the name of the one that encodes most."""
        object.__setattr__(self, "name", self.fast.name)

    def encode_batch(self, texts: Sequence[str], threads: int | None = None) -> EncodedBatch:
        """See :class:`Encoder`."""
        refused = self.refused(texts, threads)
        if refused is None or not refused.any():
            return self.fast.encode_batch(texts, threads)
        kept = iter(self.fast.encode_batch([text for text, no in zip(texts, refused, strict=True) if not no], threads))
        others = iter(self.slow.encode_batch([text for text, no in zip(texts, refused, strict=True) if no], threads))
        return EncodedBatch.from_lists([next(others if no else kept) for no in refused], self.name)


def _native_encoder(spec: EncoderSpec, reference: Encoder) -> Encoder | None:
    if spec.tokens is None or spec.splitter is None:
        return None
    native = NativeEncoder(spec)
    if not spec.literals:
        return native
    find = _finder(spec.literals)

    def holds_literal(texts: Sequence[str], threads: int | None) -> Refused:
        return np.fromiter((find(text) is not None for text in texts), np.bool_, len(texts))

    return GuardedEncoder(native, reference, holds_literal)


def _normalizing_encoder(spec: EncoderSpec, reference: Encoder) -> Encoder | None:
    """The fastest encoder of normalised text behind the normalizer; texts with a literal go to the reference.

    Some literals are looked for in the text as it is and some in what it becomes, so neither may hold one.
    """
    normalizer = spec.normalizer
    if normalizer is None or spec.tokens is None or spec.splitter is None:
        return None
    plain = replace(spec, normalizer=None, document={**spec.document, "normalizer": None, "added_tokens": []})
    inner = NormalizingEncoder(normalizer, make_encoder(plain, NativeEncoder(plain)))
    if not spec.literals:
        return inner
    find = _finder(spec.literals)

    def holds_literal(texts: Sequence[str], threads: int | None) -> Refused:
        found = (find(text) is not None or find(normalizer(text)) is not None for text in texts)
        return np.fromiter(found, np.bool_, len(texts))

    return GuardedEncoder(inner, reference, holds_literal)


def _finder(literals: Sequence[str]) -> Callable[[str], re.Match[str] | None]:
    return re.compile("|".join(map(re.escape, sorted(literals, key=len, reverse=True)))).search


# Patterns that gigatoken knows in one spelling only, or only in a form that also takes the long s for an s.
_LONG_S = "ſ"
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
_FOLDED = {split.CL100K: split.LLAMA3, split.O200K_LISTED: split.O200K}


def _gigatoken_encoder(spec: EncoderSpec, other: Encoder) -> Encoder | None:
    document = spec.document
    folded = _FOLDED.get(spec.splitter) if isinstance(spec.splitter, split.Regex) else None
    if spec.splitter == split.GPT2:
        document = {**document, "pre_tokenizer": _BYTE_LEVEL}
    elif folded is not None:
        steps = [folded.to_pre_tokenizer(), {**_BYTE_LEVEL, "use_regex": False}]
        document = {**document, "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps}}

    def unknown(texts: Sequence[str], threads: int | None) -> Refused | None:
        wide = [index for index, text in enumerate(texts) if not text.isascii()]
        if not wide:
            return None
        refused = np.zeros(len(texts), np.bool_)
        refused[wide] = _native.unassigned([texts[index] for index in wide], threads or 0)
        if folded is not None:
            refused[[index for index in wide if _LONG_S in texts[index]]] = True
        return refused

    return GuardedEncoder(GigatokenEncoder(document), other, unknown)


def _agreeing(make: Callable[[], Encoder | None], sample: list[str], expected: EncodedBatch) -> Encoder | None:
    """The encoder, where it can be made and gives the expected ids."""
    try:
        encoder = make()
        if encoder is None:
            return None
        found = encoder.encode_batch(sample)
    except Exception:  # gigatoken raises what its Rust side panics with; whatever fails here must not be used
        return None
    same = np.array_equal(found.offsets, expected.offsets) and np.array_equal(found.ids, expected.ids)
    return encoder if same else None


_HARD_TEXTS = (
    "",
    " ",
    "\n",
    "  \n\n  x\r\n\r\n\ty \t\n",
    "Hello, world! It's 12:30; they'll've DON'T 'sit ''s y'all's 'ſ it'S",
    "1 12 123 1234 1234567 1,234.56 ½ ²³ ٣٤٥ 12a3 a123b4567",
    "def f(x: int) -> str:\n    return x[1:]//2  # no\n\n\nclass HTTPServer(Base):\n\tgetName = camelCase_snake\n",
    "for (int i=0;i<n;++i){a[i]+=b[i]/*c*/;}\n//\n/ /\n/x;\n/y",
    'https://example.org/a?b=c&d=%20#e <div class="x">&amp;</div> a@b.c ...!!! ??? --- ``` $$$',
    "naïve café Ångström Straße ǅ İstanbul ığüşöç ΑΒΓαβγς Привет, мир! Это НЕ тест.",
    "日本語のテキスト。中文字符，한국어 문장 ภาษาไทย हिन्दी में देवनागरी العربية עברית বাংলা தமிழ்",
    "e\u0301 \u0301a \u0301B A\u0301b\u0301 \u200b\u200d\ufeff\u00a0\u2003\u2028\u3000 \x00\x07\x1b\x7f\x85",
    "👍🏽 👨‍👩‍👧‍👦 🇹🇷 ½\U0001d7d8 \U00020000 \ue000 \ufffd",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + " " * 90 + "b",
    "the cat sat on the mat and the dog sat on the cat because of the fact that it is one of the best " * 4,
)


def sample_texts(spec: EncoderSpec, texts: Sequence[str] = (), seed: int = 0) -> list[str]:
    """Texts on which encoders are compared: hard ones, random strings of tokens, special tokens, parts of real texts.

    Args:
        spec: whose tokens and literals to use.
        texts: real texts; parts of up to 24 of them are taken.
        seed: of the random choices.
    """
    draw = random.Random(seed)
    sample = list(_HARD_TEXTS)
    pieces = [token.decode("utf-8", "ignore") for token in spec.tokens or ()] or " ".join(_HARD_TEXTS).split(" ")
    for size in (2, 3, 5, 9, 30, 200):
        sample += ["".join(draw.choices(pieces, k=size)) for _ in range(12 if size < 100 else 2)]
    for literal in draw.sample(spec.literals, min(len(spec.literals), 24)):
        sample += [
            literal,
            f"a{literal}b",
            f" {literal} ",
            f"{literal}{literal}\n{literal}",
            literal[:-1],
            literal.upper(),
        ]
    for special in ("<|endoftext|>", "<s>", "</s>", "[MASK]", "<unk>", "<|im_start|>user\n"):
        sample.append(f"x {special}y{special}")
    for text in draw.sample(texts, min(len(texts), 24)):
        start = draw.randrange(max(len(text) - 400, 0) + 1)
        sample.append(text[start : start + 400])
    return [text for text in sample if text.isascii() or _is_valid(text)]


def _is_valid(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _pool_size() -> int:
    """How many threads gigatoken's pool has, or will have."""
    wanted = os.environ.get("RAYON_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _even_cuts(sizes: Sequence[int], parts: int) -> list[int]:
    """Where to cut a list so that its parts have about the same total size."""
    totals = np.cumsum(sizes)
    wanted = totals[-1] * np.arange(1, parts) / parts
    return [0, *np.searchsorted(totals, wanted).tolist(), len(sizes)]
