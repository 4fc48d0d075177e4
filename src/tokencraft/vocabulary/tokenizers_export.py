"""A :class:`Vocabulary` as ``tokenizer.json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tokencraft.errors import VocabularyError

if TYPE_CHECKING:
    from tokencraft.vocabulary.vocabulary import Vocabulary


def to_document(vocabulary: Vocabulary, *, inside: bool = False) -> dict[str, Any]:
    """The JSON object of a ``tokenizer.json`` that stock ``tokenizers`` reads.

    Args:
        vocabulary: what to write.
        inside: put every added token into the model's vocabulary too, so that its id does not hang on the others'.

    Raises:
        VocabularyError: where the format cannot hold the vocabulary.
    """
    added = [dict(entry) for entry in vocabulary.added_tokens]
    return {
        "version": "1.0",
        "truncation": vocabulary.truncation,
        "padding": vocabulary.padding,
        "added_tokens": added,
        "normalizer": vocabulary.normalizer,
        "pre_tokenizer": vocabulary.pre_tokenizer,
        "post_processor": vocabulary.post_processor,
        "decoder": vocabulary.decoder,
        "model": _model(vocabulary, _model_pieces(vocabulary, inside)),
    }


def _model_pieces(vocabulary: Vocabulary, inside: bool) -> dict[int, str]:
    """The pieces that go into the model's vocabulary, by id.

    Added tokens stay outside where they came from there, unless ``tokenizers``, which counts their ids itself, would
    then give them other ids.
    """
    from tokencraft.vocabulary.tokenizers_json import stock_ids

    pieces = {identifier: piece for identifier, piece in enumerate(vocabulary.pieces) if piece}
    if inside or not vocabulary.outside_model:
        return pieces
    own = {identifier: piece for identifier, piece in pieces.items() if identifier not in vocabulary.outside_model}
    counted = stock_ids(own, [entry["content"] for entry in vocabulary.added_tokens])
    return own if all(counted[entry["content"]] == entry["id"] for entry in vocabulary.added_tokens) else pieces


def _model(vocabulary: Vocabulary, pieces: dict[int, str]) -> dict[str, Any]:
    flags = vocabulary.flags
    if vocabulary.algorithm == "unigram":
        return _unigram(vocabulary, pieces)
    vocab = {piece: identifier for identifier, piece in pieces.items()}
    if len(vocab) != len(pieces):
        first = next(piece for identifier, piece in pieces.items() if vocab[piece] != identifier)
        raise VocabularyError(f"tokenizer.json cannot hold two tokens with the same string {first!r}")
    if vocabulary.algorithm == "two-paths":
        rules = vocabulary.flags.two_paths
        assert rules is not None
        return {"type": "TwoPaths", **asdict(rules), "vocab": vocab}
    if vocabulary.algorithm == "wordpiece" or (vocabulary.algorithm == "greedy" and not flags.ignore_merges):
        return {
            "type": "WordPiece",
            "unk_token": flags.unk_token or "[UNK]",
            "continuing_subword_prefix": flags.continuing_subword_prefix or "",
            "max_input_chars_per_word": flags.max_input_chars_per_word or 100,
            "vocab": vocab,
        }
    names = vocabulary.pieces
    return {
        "type": "BPE",
        "dropout": flags.dropout,
        "unk_token": flags.unk_token,
        "continuing_subword_prefix": flags.continuing_subword_prefix,
        "end_of_word_suffix": flags.end_of_word_suffix,
        "fuse_unk": flags.fuse_unk,
        "byte_fallback": flags.byte_fallback,
        "ignore_merges": flags.ignore_merges,
        "vocab": vocab,
        "merges": [[names[left], names[right]] for left, right in vocabulary.merges.tolist()],
    }


def _unigram(vocabulary: Vocabulary, pieces: dict[int, str]) -> dict[str, Any]:
    """A Unigram model lists its pieces by id, so the ids can have no holes."""
    if sorted(pieces) != list(range(len(pieces))):
        hole = next(identifier for identifier in range(len(vocabulary)) if identifier not in pieces)
        raise VocabularyError(f"tokenizer.json cannot hold a Unigram vocabulary whose id {hole} has no token")
    assert vocabulary.scores is not None
    unknown = vocabulary.flags.unk_token
    return {
        "type": "Unigram",
        "unk_id": None if unknown is None else vocabulary.pieces.index(unknown),
        "vocab": [[pieces[identifier], float(vocabulary.scores[identifier])] for identifier in range(len(pieces))],
        "byte_fallback": vocabulary.flags.byte_fallback,
    }
