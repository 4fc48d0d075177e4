"""What a vocabulary is: tokens as bytes, how text becomes tokens, and everything needed to write it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokencraft import _native
from tokencraft.errors import VocabularyError
from tokencraft.vocabulary import bytes as canonical
from tokencraft.vocabulary import properties
from tokencraft.vocabulary import specials as special
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.kinds import Algorithm, Flags, Origin, Specials, TokenKind

if TYPE_CHECKING:
    import tiktoken
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    from tokencraft.vocabulary.encoders import Encoders
    from tokencraft.vocabulary.split import Splitter

Part = dict[str, Any] | None


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """An immutable vocabulary of any family; two are equal where their :meth:`fingerprint` is.

    Made by :meth:`load`, :meth:`from_merges`, :meth:`from_tokenizer` or the trainers of ``tokencraft.learn``.

    Args:
        algorithm: how pieces of text become tokens. ``"bpe-ranks"`` is tiktoken's BPE, whose merges are recovered from
            ranks; ``"greedy"`` takes the longest token that matches, ``"two-paths"`` weighs a shorter one too.
        tokens: canonical bytes by id; empty where the ids have a hole.
        kinds: what each id stands for.
        merges: pairs of ids (left, right) in rank order, int32 ``[m, 2]``; empty for other algorithms.
        scores: log-probability by id for Unigram, float64 ``[n]``.
        splitter: how text is cut into pieces; None where the pre-tokenizer does more than cut.
        normalizer, pre_tokenizer, post_processor, decoder, truncation, padding: JSON of ``tokenizers``, word for word.
        flags: switches of the algorithm.
        special_tokens: id by role (``bos``, ``eos``, ``pad``, ``unk``, ``mask``, ``sep``, ``cls``), the rest by string.
        added_tokens: entries of ``tokenizer.json``, word for word.
        outside_model: ids that only the added tokens define, not the model's own vocabulary.
        spelling: strings of the tokens by id where they do not follow from the bytes.
        chat_template: Jinja template of a conversation.
        config: other entries of ``tokenizer_config.json``, word for word.
        origin: how the vocabulary was made.
    """

    algorithm: Algorithm
    tokens: tuple[bytes, ...]
    kinds: tuple[TokenKind, ...]
    merges: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros((0, 2), np.int32), repr=False)
    scores: npt.NDArray[np.float64] | None = None
    splitter: Splitter | None = None
    normalizer: Part = None
    pre_tokenizer: Part = None
    post_processor: Part = None
    decoder: Part = None
    truncation: Part = None
    padding: Part = None
    flags: Flags = field(default_factory=Flags)
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    added_tokens: tuple[Mapping[str, Any], ...] = ()
    outside_model: frozenset[int] = frozenset()
    spelling: tuple[str, ...] | None = None
    chat_template: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        merges = np.ascontiguousarray(self.merges, np.int32).reshape(-1, 2).copy()
        merges.flags.writeable = False
        object.__setattr__(self, "merges", merges)
        if len(self.kinds) != len(self.tokens):
            raise VocabularyError(f"{len(self.tokens)} tokens but {len(self.kinds)} kinds")
        if merges.size and not (merges.min() >= 0 and merges.max() < len(self.tokens)):
            raise VocabularyError(f"a merge names an id outside 0..{len(self.tokens) - 1}")

    # Making one ---------------------------------------------------------------------------------------------------

    @classmethod
    def from_merges(
        cls,
        merges: Sequence[tuple[int, int]] | npt.NDArray[np.int32],
        *,
        splitter: Splitter,
        special_tokens: Sequence[str] = (),
        roles: Mapping[str, str] | None = None,
        appended_tokens: Sequence[str] = (),
        origin: Origin | None = None,
    ) -> Vocabulary:
        """A byte-level BPE vocabulary, lossless for any bytes.

        Ids: the special tokens, the 256 bytes in the order of ``bytes.BYTE_ORDER``, one new id for every merge that
        makes bytes no token has yet, the appended special tokens.

        Args:
            merges: pairs of ids in rank order.
            splitter: how text is cut before merging.
            special_tokens: strings of the first ids.
            roles: string of a special token by role; conventional strings find their roles themselves.
            appended_tokens: strings of special tokens with the last ids.
            origin: how the merges were learnt.

        Raises:
            VocabularyError: where a merge names an id that is not made yet, or spells a special token.

        Example:
            >>> from tokencraft.vocabulary import split
            >>> vocabulary = Vocabulary.from_merges([(64, 65), (256, 66)], splitter=split.GPT2)  # a b, ab c
            >>> vocabulary.encode("abcab").tolist(), vocabulary.decode([257, 256])
            ([257, 256], 'abcab')
        """
        from tokencraft.vocabulary import byte_level

        return byte_level.from_merges(
            merges,
            splitter=splitter,
            special_tokens=special_tokens,
            roles=roles,
            appended_tokens=appended_tokens,
            origin=origin or Origin(),
        )

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """Read a vocabulary from a file or a model folder.

        Args:
            path: a ``tokenizer.json``, tiktoken ranks (``.tiktoken``, with ``NAME.meta.json`` beside them), a
                SentencePiece ``.model``, each also with ``.gz``; or a model folder that holds one of these.

        Raises:
            VocabularyError: where the file is missing, damaged, or of an unknown kind.
        """
        from tokencraft.vocabulary import formats

        return formats.load(Path(path))

    @classmethod
    def from_tokenizer(cls, tokenizer: PreTrainedTokenizerFast | tokenizers.Tokenizer) -> Vocabulary:
        """The vocabulary of a ``tokenizers`` or fast ``transformers`` tokenizer.

        Raises:
            VocabularyError: where it is a tokenizer of another kind.
        """
        from tokencraft.vocabulary import transformers_folder

        return transformers_folder.from_tokenizer(tokenizer)

    def replace(self, **changes: Any) -> Vocabulary:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def with_specials(self, tokens: Iterable[str] = (), *, roles: Mapping[str, str] | None = None) -> Vocabulary:
        """A copy with more special tokens, or with roles given to them; ids that exist stay.

        Args:
            tokens: strings of special tokens; those the vocabulary lacks get the next ids.
            roles: string of a special token by role; also added where the vocabulary lacks it.

        Raises:
            VocabularyError: where a string is an ordinary token that text can produce.
        """
        from tokencraft.vocabulary import changes

        return changes.with_specials(self, tokens, roles or {})

    def with_merges(
        self, merges: Sequence[tuple[int, int]] | npt.NDArray[np.int32], *, splitter: Splitter | None = None
    ) -> Vocabulary:
        """A copy of a byte-level BPE vocabulary that has learnt more merges; ids that exist stay.

        Args:
            merges: further pairs of ids; a merge that makes bytes no token has yet gets the next id after the last.
            splitter: how text is cut from now on; the present one where left out.

        Raises:
            VocabularyError: where the vocabulary is no byte-level BPE, or a merge names an unknown id.
        """
        from tokencraft.vocabulary import byte_level

        return byte_level.with_merges(self, merges, splitter)

    def pad_to(self, size: int) -> Vocabulary:
        """A copy with unused tokens up to ``size`` ids; they are never produced and mean nothing.

        Raises:
            VocabularyError: where the vocabulary is larger already.
        """
        from tokencraft.vocabulary import changes

        return changes.pad_to(self, size)

    # Looking at it --------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.tokens)

    def __repr__(self) -> str:
        roles = ", ".join(
            f"{role}={identifier}" for role, identifier in self.special_tokens.items() if role in special.ROLES
        )
        made = f", origin={self.origin.method!r}" if self.origin.method else ""
        return f"Vocabulary({self.algorithm}, {len(self):,} tokens{', ' + roles if roles else ''}{made})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self is other or self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __getstate__(self) -> dict[str, Any]:
        """Fields alone: encoders are built again where the copy needs them."""
        return {each.name: self.__dict__[each.name] for each in fields(self)}

    def fingerprint(self) -> str:
        """Hexadecimal hash of all that decides how text and ids map to each other; the origin is not part of it."""
        return self._fingerprint

    def token_bytes(self, identifier: int) -> bytes:
        """Canonical bytes of a token.

        Raises:
            VocabularyError: where there is no such id.
        """
        if not 0 <= identifier < len(self.tokens):
            raise VocabularyError(f"there is no token {identifier}; the ids are 0..{len(self.tokens) - 1}")
        return self.tokens[identifier]

    def id_of(self, data: bytes) -> int | None:
        """The id of the token with these canonical bytes; where several have them, ordinary tokens come first."""
        return self._ids.get(data)

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """Strings of the tokens by id as ``tokenizer.json`` spells them; empty where the ids have a hole."""
        added = {entry["id"]: entry for entry in self.added_tokens}
        pieces = self.spelling or canonical.written_form(self.tokens, added, self.family)
        if pieces is None:
            raise VocabularyError(f"a {self.family} vocabulary needs the spelling of its tokens beside their bytes")
        return pieces

    @cached_property
    def family(self) -> canonical.Family:
        """How the family of the vocabulary spells bytes as strings."""
        return canonical.family_of(
            normalizer=self.normalizer,
            pre_tokenizer=self.pre_tokenizer,
            decoder=self.decoder,
            model_type="WordPiece" if self.algorithm in ("wordpiece", "greedy") else "BPE",
            byte_fallback=self.flags.byte_fallback,
        )

    @cached_property
    def merged(self) -> npt.NDArray[np.int32]:
        """The id that each merge makes, int32 ``[m]``."""
        return properties.merged(self)

    @cached_property
    def byte_lengths(self) -> npt.NDArray[np.int64]:
        """Length in bytes by id, int64 ``[n]``."""
        return np.fromiter(map(len, self.tokens), np.int64, len(self.tokens))

    @cached_property
    def native_tokens(self) -> _native.TokenBytes:
        """The tokens where the kernels can read them, for decoding."""
        return _native.TokenBytes(list(self.tokens))

    @cached_property
    def lossless(self) -> bool:
        """Whether ``decode_bytes(encode(data)) == data`` for any bytes whatever."""
        return properties.is_lossless(self)

    @cached_property
    def is_superword(self) -> bool:
        """Whether some token holds a space between other characters, so that merges cross words."""
        return properties.has_superwords(self)

    # Encoding and decoding ------------------------------------------------------------------------------------------

    def encode(self, text: str | bytes, *, specials: Specials = "none") -> npt.NDArray[np.uint32]:
        """Token ids of a text, with no special tokens around it.

        Args:
            text: a str, or UTF-8; a byte-level vocabulary takes any bytes.
            specials: ``"none"``: special tokens in the text are text; ``"all"``: they become their ids.

        Returns:
            uint32 ``[tokens]``.

        Raises:
            VocabularyError: where bytes are not UTF-8 and the vocabulary is not byte-level.
        """
        return self._encoders.encode(text, specials)

    def encode_batch(
        self, texts: Iterable[str | bytes], *, threads: int | None = None, specials: Specials = "none"
    ) -> EncodedBatch:
        """Token ids of many texts at once.

        Args:
            texts: as in :meth:`encode`.
            threads: at most this many; all cores where left out.
            specials: as in :meth:`encode`.

        Returns:
            One array of ids for every text, and what encoded them.
        """
        return self._encoders.encode_batch(texts, specials, threads)

    def decode(self, ids: Sequence[int] | npt.NDArray[Any]) -> str:
        """The text of token ids, special tokens included; bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def decode_bytes(self, ids: Sequence[int] | npt.NDArray[Any]) -> bytes:
        """The exact bytes of token ids.

        Raises:
            VocabularyError: where an id is outside the vocabulary.
        """
        from tokencraft.vocabulary import decoding

        return decoding.decode_bytes(self, ids)

    # Writing it -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the vocabulary, in the format that the name asks for.

        Args:
            path: ``*.json`` for a ``tokenizer.json``, ``*.tiktoken`` for ranks with ``.meta.json`` beside them (each
                also with ``.gz``); anything else is a folder, which gets ``tokenizer.json``, ``tokenizer_config.json``
                and the chat template. Save a model's ``config.json`` before: some model types need an entry more.

        Raises:
            VocabularyError: where the format cannot hold the vocabulary, or the file cannot be written.
        """
        from tokencraft.vocabulary import formats

        formats.save(self, Path(path))

    def to_tokenizers(self) -> tokenizers.Tokenizer:
        """The stock ``tokenizers`` tokenizer.

        Raises:
            VocabularyError: where the library cannot hold the vocabulary.
        """
        from tokencraft.vocabulary import stock, tokenizers_export

        return stock.build(tokenizers_export.to_document(self))

    def to_transformers(self) -> PreTrainedTokenizerFast:
        """The stock ``transformers`` tokenizer, with roles, chat template and origin.

        Raises:
            VocabularyError: where the library cannot hold the vocabulary.
        """
        from tokencraft.vocabulary import transformers_folder

        return transformers_folder.to_transformers(self)

    def to_tiktoken(self) -> tiktoken.Encoding:
        """The ``tiktoken`` encoding.

        Raises:
            VocabularyError: where tiktoken cannot hold the vocabulary, with the reason.
        """
        from tokencraft.vocabulary import tiktoken_export

        return tiktoken_export.to_encoding(self)

    # Caches ---------------------------------------------------------------------------------------------------------
    # Values of the fields alone: two threads that make one at the same time make the same.

    @cached_property
    def _ids(self) -> dict[bytes, int]:
        return properties.ids_by_bytes(self)

    @cached_property
    def _fingerprint(self) -> str:
        return properties.fingerprint(self)

    @cached_property
    def _encoders(self) -> Encoders:
        from tokencraft.vocabulary.encoders import Encoders

        return Encoders(self)
