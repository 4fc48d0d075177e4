"""WordPiece as BERT has it: words between spaces and punctuation, cut by longest match, ``##`` before what goes on.

    learning: merges of byte pairs inside words that each begin with a space, characters first
    a token " x" becomes the piece x, a token "x" the piece ##x

Schuster, Nakajima, "Japanese and Korean Voice Search", 2012; Wu et al., "Google's Neural Machine Translation System",
arXiv 1609.08144. Like ``tokenizers``' ``WordPieceTrainer`` it counts pairs where the paper weighs likelihoods; unlike
that trainer it gives every token the same id in every run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from tokenizers import pre_tokenizers

from tokencraft.corpus import Corpus
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn.options import CorpusOptions, TextOptions
from tokencraft.learn.training import warn_if_small
from tokencraft.paper import Paper
from tokencraft.vocabulary import Flags, Origin, TokenKind, Vocabulary, merges, specials, split

if TYPE_CHECKING:
    from tokencraft.engine import Engine

MARK = "##"
LONGEST_WORD = 100
_EVERY_WORD = split.Regex((r" [^ ]+",))
BERT_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class WordPiece(CorpusOptions):
    """Learns a WordPiece vocabulary for models like BERT. It is not lossless: white space goes, unknown words too.

    Ids: the special tokens, the characters of the corpus at the beginning of words and inside them, what was learned.

    Args:
        vocab_size: tokens in all.
        min_frequency: least count of a pair to be merged.
        special_tokens: strings of the first ids; ``[UNK]``, ``[CLS]`` and ``[SEP]`` must be among them.
        max_characters: most distinct characters, the most frequent first; words with others are unknown.
        lowercase: as BERT's uncased models: text in lower case, without accents.

    Example:
        >>> vocabulary = WordPiece(vocab_size=29).train(Corpus.from_iterable(["the hat, the bat, the cat"] * 2))
        >>> [vocabulary.pieces[number] for number in vocabulary.encode("That bat")]
        ['t', '##hat', 'bat']
    """

    vocab_size: int = 30_000
    min_frequency: int = 2
    max_characters: int = 1000
    special_tokens: tuple[str, ...] = field(default=BERT_TOKENS, kw_only=True)
    lowercase: bool = field(default=True, kw_only=True)

    paper: ClassVar[Paper] = Paper("wordpiece", "Google's Neural Machine Translation System", "1609.08144", 2016)

    def train(
        self,
        corpus: Corpus,
        *,
        threads: int | None = None,
        engine: Engine | None = None,
        memory: int | None = None,
        progress: merges.Progress | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from a corpus, which is streamed once.

        Args:
            corpus: what to learn from.
            threads: how many to use; all cores where left out. The vocabulary does not depend on it.
            engine: where the corpus is counted; this machine where left out.
            memory: bytes that counting may take; as many as it needs where left out.
            progress: called with what is being done, how much is done and how much there is.

        Returns:
            The vocabulary; smaller than asked for, with a warning, where the corpus holds no more pairs.

        Raises:
            TrainingError: ``vocab_size`` is too small for the special tokens and the characters.
            CorpusError: the corpus is empty or cannot be read.
            UsageError: a special token that BERT needs is missing.
        """
        if missing := {"[UNK]", "[CLS]", "[SEP]"} - set(self.special_tokens):
            raise UsageError(f"WordPiece needs the special tokens {', '.join(sorted(missing))}")
        pieces = merges.count(
            self.prepared(corpus).map(_Words()),
            _EVERY_WORD,
            unit=self.unit,
            max_doc_bytes=self.max_doc_bytes,
            threads=threads,
            engine=engine,
            memory=memory,
            progress=progress,
        )
        characters = self._characters(pieces)
        alphabet = [*characters, *(MARK + character for character in characters)]
        room = self.vocab_size - len(self.special_tokens) - len(alphabet)
        if room < 0:
            raise TrainingError(
                f"a vocabulary of {self.vocab_size} tokens is smaller than its alphabet: {len(self.special_tokens)} "
                f"special tokens and {len(characters)} characters, each with and without {MARK}, need "
                f"{self.vocab_size - room}; take more, or a smaller max_characters"
            )
        strings = dict.fromkeys([*self.special_tokens, *alphabet])
        for string in self._learned(pieces, set(characters), room, progress):
            if len(strings) >= self.vocab_size:
                break
            strings.setdefault(string)
        origin = Origin("wordpiece", self.hyperparameters(), pieces.fingerprint)
        vocabulary = wordpiece_vocabulary(list(strings), self.special_tokens, self.normalizer_json(), origin)
        warn_if_small(vocabulary, self.vocab_size, self.min_frequency)
        return vocabulary

    def normalizer_json(self) -> dict[str, Any] | None:
        """The Unicode form, then BERT's cleaning of text."""
        form = CorpusOptions(normalizer=self.normalizer).normalizer_json()
        bert = {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": self.lowercase,
        }
        return bert if form is None else {"type": "Sequence", "normalizers": [form, bert]}

    def _characters(self, pieces: merges.Pieces) -> list[str]:
        """The characters of words, sorted; the most frequent where there are too many."""
        counts: Counter[str] = Counter()
        for piece, count in pieces.items().items():
            for character in piece.decode("utf-8").strip():
                counts[character] += count
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        return sorted(ranked[: self.max_characters])

    def _learned(
        self, pieces: merges.Pieces, characters: set[str], room: int, progress: merges.Progress | None
    ) -> Iterator[str]:
        """The pieces that merges make, in the order learned."""
        tokens = merges.byte_tokens()
        first = TextOptions(alphabet="character").first_merges(pieces, tokens, 1 << 30)
        learned = merges.learn(
            pieces,
            room + len(characters),  # a merge of the space and a character makes no new piece
            tokens=tokens,
            merges=first,
            rules=merges.Rules(min_frequency=self.min_frequency),
            progress=progress,
        )
        for left, right, made in learned.merges.tolist():
            if made == len(tokens):
                tokens.append(tokens[left] + tokens[right])
                text = tokens[-1].decode("utf-8")
                if characters.issuperset(text.strip()):
                    yield text[1:] if text.startswith(" ") else MARK + text


class _Words:
    """The words of a normalised text, each behind a space; can be sent to other processes."""

    def __call__(self, text: str) -> str:
        return "".join(f" {word}" for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text))


def wordpiece_vocabulary(
    pieces: Sequence[str], special_tokens: Sequence[str], normalizer: dict[str, Any] | None, origin: Origin
) -> Vocabulary:
    """A WordPiece vocabulary with BERT's pre-tokeniser and ``[CLS] text [SEP]`` around a text.

    Args:
        pieces: strings by id, the special tokens included.
        special_tokens: which of them are special.
        normalizer: of the ``tokenizer.json``.
        origin: how the pieces were made.
    """
    ids = {piece: number for number, piece in enumerate(pieces)}
    special = {content: ids[content] for content in special_tokens}
    tokens = tuple(
        piece.encode("utf-8")
        if piece in special
        else piece.removeprefix(MARK).encode("utf-8")
        if piece.startswith(MARK) and piece != MARK
        else b" " + piece.encode("utf-8")
        for piece in pieces
    )
    ends = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]") if name in ids}
    return Vocabulary(
        algorithm="wordpiece",
        tokens=tokens,
        kinds=tuple(TokenKind.SPECIAL if piece in special else TokenKind.NORMAL for piece in pieces),
        splitter=split.from_pre_tokenizer({"type": "BertPreTokenizer"}),
        normalizer=normalizer,
        pre_tokenizer={"type": "BertPreTokenizer"},
        post_processor={
            "type": "TemplateProcessing",
            "single": [_special("[CLS]", 0), _sequence("A", 0), _special("[SEP]", 0)],
            "pair": [
                *(_special("[CLS]", 0), _sequence("A", 0), _special("[SEP]", 0)),
                *(_sequence("B", 1), _special("[SEP]", 1)),
            ],
            "special_tokens": ends,
        },
        decoder={"type": "WordPiece", "prefix": MARK, "cleanup": False},
        flags=Flags(unk_token="[UNK]", continuing_subword_prefix=MARK, max_input_chars_per_word=LONGEST_WORD),
        special_tokens=specials.guess_roles(special, "[UNK]"),
        added_tokens=tuple(specials.added_token(number, content) for content, number in special.items()),
        spelling=tuple(pieces),
        config={"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]},
        origin=origin,
    )


def _special(name: str, type_id: int) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": type_id}}


def _sequence(name: str, type_id: int) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": type_id}}
