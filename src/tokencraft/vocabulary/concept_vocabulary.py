"""A vocabulary with a localised choice: how a word is cut depends on the semantic type it looks like.

It is a :class:`Vocabulary` whose ids are those of the base and, after them, the pieces of every semantic type. What the
choice goes by lies in ``tokenizer.concepts.json`` beside the ``tokenizer.json``; stock ``tokenizers`` reads the latter
as a plain longest-match vocabulary of all pieces, which is close, but not what a model was trained with.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.report import Column, Table, write_json
from tokencraft.vocabulary import files, formats, transformers_folder
from tokencraft.vocabulary.kinds import TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary
from tokencraft.vocabulary.word_choice import BASE, Chosen, WordChoice, WordSegmenter

if TYPE_CHECKING:
    from tokencraft.vocabulary.concept_encoding import ConceptEncoder
    from tokencraft.vocabulary.concept_tokenizer import ConceptTokenizer
    from tokencraft.vocabulary.encoders import Encoders

_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class ConceptVocabulary(Vocabulary):
    """A longest-match vocabulary that chooses among the segmentations of semantic types, word by word.

    Made by :class:`tokencraft.learn.KTokeniser` or :meth:`Vocabulary.load`. Everything that a vocabulary does it does
    by the choice: ``encode``, ``to_transformers``, ``save``; ``to_tokenizers`` and a ``tokenizer.json`` alone give the
    longest match over all pieces.

    Args:
        choice: what the choice goes by.
    """

    choice: WordChoice = field(default_factory=lambda: WordChoice({}, 0, np.zeros(0, np.int64), 0))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.algorithm not in ("wordpiece", "greedy"):
            raise VocabularyError(f"the choice among segmentations needs longest match, not {self.algorithm}")
        if self.choice.lower_case and self.family == "byte-level":
            raise UsageError("a byte-level vocabulary keeps case: set lower_case to False")
        for name, ids in self.choice.types.items():
            if ids and not 0 <= min(ids) <= max(ids) < len(self.tokens):
                raise VocabularyError(f"the type {name!r} names an id outside 0..{len(self.tokens) - 1}")

    def choose(self, word: str) -> Chosen:
        """How a single word is cut, with every candidate and its score.

        Args:
            word: a word as the base's normaliser and pre-tokeniser leave it.
        """
        return self.segmenter.choose(word, word)

    def sources(self, texts: Iterable[str]) -> Table:
        """Where the segmentations of the words of texts come from, and how many texts kept the base's.

        A word counts for a type where that type's segmentation was taken and differs from the base's.

        Args:
            texts: each is one sequence.
        """
        counts: Counter[str] = Counter()
        base_pieces = pieces = kept = sequences = 0
        for text in texts:
            chosen = self._encoder.chosen(text)
            keeps = self.segmenter.keeps_base(chosen)
            for each in chosen:
                taken = each.base if keeps or each.taken.ids == each.base.ids else each.taken
                counts[taken.source] += 1
                base_pieces += len(each.base.ids)
                pieces += len(taken.ids)
            sequences, kept = sequences + 1, kept + keeps
        words = max(1, counts.total())
        rows: list[tuple[str, int, float]] = [
            (f"words by {name}", counts[name], 100 * counts[name] / words) for name in (*self.choice.types, BASE)
        ]
        rows.append(("pieces with the base", base_pieces, 100.0))
        rows.append(("pieces", pieces, 100 * pieces / max(1, base_pieces)))
        rows.append(("sequences that kept the base's", kept, 100 * kept / max(1, sequences)))
        return Table("Sources", [Column("what"), Column("number"), Column("share", "%")], rows)

    def unreachable(self) -> dict[str, tuple[str, ...]]:
        """Pieces by type that no word was found for in which longest match takes them: dead weight.

        A piece that begins words is tried as a word of its own, one that goes on behind every single character.
        """
        mark = self.flags.continuing_subword_prefix or ""
        starts = [piece for piece in self.segmenter.pieces if len(piece) == 1]
        found: dict[str, tuple[str, ...]] = {}
        for name, ids in self.choice.types.items():
            missing = []
            for number in ids:
                piece = self.pieces[number]
                goes_on = bool(mark) and piece.startswith(mark)
                words = [start + piece.removeprefix(mark) for start in starts] if goes_on else [piece]
                if not any(number in self.segmenter.cut(name, word).ids for word in words):
                    missing.append(piece)
            found[name] = tuple(missing)
        return found

    @cached_property
    def segmenter(self) -> WordSegmenter:
        """What segments words."""
        added = {entry["id"] for entry in self.added_tokens}
        ordinary = (TokenKind.NORMAL, TokenKind.BYTE)
        usable = [
            piece if kind in ordinary and number not in added else ""
            for number, (piece, kind) in enumerate(zip(self.pieces, self.kinds, strict=True))
        ]
        unknown = self.flags.unk_token
        if unknown not in self.pieces and not all(self.id_of(bytes([value])) is not None for value in range(256)):
            raise VocabularyError("a word may have no pieces, and there is no unknown token: add one, or all 256 bytes")
        return WordSegmenter(
            usable,
            self.choice,
            mark=self.flags.continuing_subword_prefix or "",
            unknown=self.pieces.index(unknown) if unknown in self.pieces else None,
            longest_word=self._longest_word,
        )

    @property
    def _longest_word(self) -> int:
        return self.flags.max_input_chars_per_word or 100

    def save(self, path: str | Path) -> None:
        """Write the vocabulary and, beside its ``tokenizer.json``, what the choice goes by.

        Args:
            path: ``NAME.json`` (or ``.json.gz``), which gets ``NAME.concepts.json`` beside it; else a folder.

        Raises:
            VocabularyError: the format cannot hold the vocabulary.
        """
        target = Path(path)
        if target.name.removesuffix(".gz").endswith(".tiktoken"):
            raise VocabularyError(f"{path}: tiktoken ranks cannot hold a choice among segmentations; save a .json file")
        if target.name.removesuffix(".gz").endswith(".json"):
            formats.save(self, target)
            self.save_choice(target)
            return
        transformers_folder.write(self, target, "ConceptTokenizer")
        self.save_choice(target / "tokenizer.json")

    def save_choice(self, path: Path) -> None:
        """Write what the choice goes by beside the ``tokenizer.json`` at ``path``."""
        write_json(side_file(path), self._choice_json())

    def to_transformers(self) -> ConceptTokenizer:
        """The ``transformers`` tokenizer that makes the same choice."""
        from tokencraft.vocabulary.concept_tokenizer import ConceptTokenizer

        return ConceptTokenizer.from_vocabulary(self)

    def _choice_json(self) -> dict[str, Any]:
        choice = self.choice
        return {
            "schema": _SCHEMA,
            "pieces": _hash(self, len(choice.counts)),
            "base_size": choice.base_size,
            "types": {name: list(ids) for name, ids in choice.types.items()},
            "counts": choice.counts.tolist(),
            "total": choice.total,
            "threshold": float(choice.threshold),
            "strip_prefix": choice.strip_prefix,
            "lower_case": choice.lower_case,
            "fertility_limit": float(choice.fertility_limit),
            "guard": choice.guard,
        }

    @cached_property
    def _fingerprint(self) -> str:
        from tokencraft.vocabulary import properties

        own = repr((properties.fingerprint(self), sorted(self._choice_json().items(), key=lambda item: item[0])))
        return hashlib.blake2b(own.encode("utf-8"), digest_size=16).hexdigest()

    @cached_property
    def _encoders(self) -> Encoders:
        from tokencraft.vocabulary.concept_encoding import ConceptEncoders

        return ConceptEncoders(self)

    @cached_property
    def _encoder(self) -> ConceptEncoder:
        from tokencraft.vocabulary.concept_encoding import ConceptEncoder

        return ConceptEncoder(self, "none")


def side_file(path: Path) -> Path:
    """Where what the choice goes by lies, by the path of the ``tokenizer.json``."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".json") + ".concepts.json")


def with_choice(vocabulary: Vocabulary, path: Path) -> Vocabulary:
    """The vocabulary read from a ``tokenizer.json``, with the choice that lies beside it, if any does.

    Raises:
        VocabularyError: the file beside it is damaged or belongs to another vocabulary.
    """
    beside = side_file(path)
    if not beside.is_file():
        return vocabulary
    document = files.read_json(beside)
    if document.get("schema") != _SCHEMA:
        raise VocabularyError(f"{beside}: has the schema {document.get('schema')!r}, expected {_SCHEMA}")
    try:
        choice = WordChoice(
            types={str(name): tuple(map(int, ids)) for name, ids in document["types"].items()},
            base_size=int(document["base_size"]),
            counts=np.asarray(document["counts"], np.int64).reshape(-1),
            total=int(document["total"]),
            threshold=float(document["threshold"]),
            strip_prefix=bool(document["strip_prefix"]),
            lower_case=bool(document["lower_case"]),
            fertility_limit=float(document["fertility_limit"]),
            guard=bool(document["guard"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VocabularyError(f"{beside}: damaged: {error!r}; save the vocabulary again") from None
    if document.get("pieces") != _hash(vocabulary, len(choice.counts)):
        raise VocabularyError(f"{beside}: belongs to another {path.name}; delete it, or put the two together again")
    return attach(vocabulary, choice)


def attach(vocabulary: Vocabulary, choice: WordChoice) -> ConceptVocabulary:
    """The vocabulary with a choice among segmentations."""
    own: Mapping[str, Any] = {name: getattr(vocabulary, name) for name in Vocabulary.__dataclass_fields__}
    return ConceptVocabulary(**own, choice=choice)


def _hash(vocabulary: Vocabulary, size: int) -> str:
    """Of the first tokens; special tokens added behind them change nothing that the choice hangs on."""
    text = "\n".join(vocabulary.pieces[:size])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
