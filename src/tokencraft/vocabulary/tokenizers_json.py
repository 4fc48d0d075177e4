"""``tokenizer.json``, the format of the ``tokenizers`` library, into a :class:`Vocabulary`.

Everything that is not the model's vocabulary itself is kept word for word, so that what was loaded can be written back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import bytes as canonical
from tokencraft.vocabulary import longest_match, specials, split
from tokencraft.vocabulary.kinds import Algorithm, Flags, TokenKind, TwoPaths
from tokencraft.vocabulary.split import Splitter
from tokencraft.vocabulary.vocabulary import Vocabulary

# Kept word for word.
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder", "truncation", "padding")
_MODELS: dict[str, Algorithm] = {
    "BPE": "bpe-merges",
    "Unigram": "unigram",
    "WordPiece": "wordpiece",
    "TwoPaths": "two-paths",  # Ours alone: stock tokenizers refuses it, rather than segmenting otherwise.
}
_ORDINARY = (TokenKind.NORMAL, TokenKind.BYTE)


def parse(document: Mapping[str, Any], where: str) -> Vocabulary:
    """The vocabulary in the JSON object of a ``tokenizer.json``.

    Args:
        document: the object.
        where: begins the error messages: the file's path.

    Raises:
        VocabularyError: where the object is no tokenizer, contradicts itself, or has a model of another kind.
    """
    model = document.get("model")
    if not isinstance(model, Mapping) or "vocab" not in model:
        raise VocabularyError(f"{where}: JSON without a model and its vocab; is it a tokenizer.json?")
    model_type = _model_type(model, where)
    parts: dict[str, Any] = {name: _part(document, name, where) for name in _PARTS}
    flags = _flags(model, where)
    pieces = _model_pieces(model, model_type, where)
    added, outside = _place_added(pieces, _added_tokens(document, where), where)
    if (unk_id := model.get("unk_id")) is not None and model_type == "Unigram":
        if not isinstance(unk_id, int) or unk_id not in pieces:
            raise VocabularyError(f"{where}: model.unk_id {unk_id!r} is no id of the vocabulary")
        flags = _with_unknown(flags, pieces[unk_id])

    family = canonical.family_of(
        normalizer=parts["normalizer"],
        pre_tokenizer=parts["pre_tokenizer"],
        decoder=parts["decoder"],
        model_type=model_type,
        byte_fallback=flags.byte_fallback,
    )
    prepends = any(
        part.get("type") == "Prepend" and part.get("prepend") == canonical.SPACE_MARK
        for part in canonical.components(parts["normalizer"])
    )
    tokens, kinds = _tokens(pieces, added, family, flags, prepends, where)
    spelling = tuple(pieces.get(identifier, "") for identifier in range(len(tokens)))
    algorithm = _MODELS[model_type]
    if algorithm == "wordpiece" and not flags.continuing_subword_prefix and family == "byte-level":
        algorithm = "greedy"  # Longest match over bytes, without marks.
    if _is_longest_match(model, parts["pre_tokenizer"], tokens, kinds):
        algorithm = "greedy"
        splitter: Splitter | None = split.WHOLE
    else:
        splitter = _splitter(parts["pre_tokenizer"], where)
    if flags.two_paths is not None and flags.two_paths.lexicon > sum(kind in _ORDINARY for kind in kinds):
        raise VocabularyError(f"{where}: model.lexicon is {flags.two_paths.lexicon}, more than there are tokens")
    special_ids = {
        spelling[identifier]: identifier for identifier, kind in enumerate(kinds) if kind == TokenKind.SPECIAL
    }
    return Vocabulary(
        algorithm=algorithm,
        tokens=tokens,
        kinds=kinds,
        merges=_merges(model, pieces, flags, where) if model_type == "BPE" else np.zeros((0, 2), np.int32),
        scores=_scores(model, len(tokens), where) if model_type == "Unigram" else None,
        splitter=splitter,
        flags=flags,
        special_tokens=specials.guess_roles(special_ids, flags.unk_token),
        added_tokens=tuple(added.values()),
        outside_model=outside,
        spelling=None if spelling == canonical.written_form(tokens, added, family) else spelling,
        **parts,
    )


def _model_type(model: Mapping[str, Any], where: str) -> str:
    """The declared type; old files declare none and show it by what they hold."""
    declared = model.get("type")
    if declared is None:
        declared = "BPE" if "merges" in model else "Unigram" if isinstance(model["vocab"], list) else "WordPiece"
    if declared not in _MODELS:
        raise VocabularyError(
            f"{where}: model.type {declared!r} is not supported; expected one of {', '.join(_MODELS)}"
        )
    return str(declared)


def _part(document: Mapping[str, Any], name: str, where: str) -> dict[str, Any] | None:
    part = document.get(name)
    if part is not None and not isinstance(part, dict):
        raise VocabularyError(f"{where}: {name} is a JSON {type(part).__name__}, expected an object or null")
    return part


def _splitter(pre_tokenizer: dict[str, Any] | None, where: str) -> Splitter | None:
    try:
        return split.from_pre_tokenizer(pre_tokenizer)
    except (UsageError, KeyError, TypeError, AttributeError) as error:
        raise VocabularyError(f"{where}: the pre_tokenizer is damaged: {error}") from None


def _is_longest_match(
    model: Mapping[str, Any],
    pre_tokenizer: dict[str, Any] | None,
    tokens: Sequence[bytes],
    kinds: Sequence[TokenKind],
) -> bool:
    """Whether the pre-tokenizer cuts text into the longest tokens: all of this model's, and no others."""
    if not longest_match.is_candidate(model, pre_tokenizer):
        return False
    try:
        return pre_tokenizer == longest_match.pre_tokenizer(tokens, kinds)
    except UnicodeDecodeError:  # a token that ends inside a character: not one of ours
        return False


def _two_paths(model: Mapping[str, Any], where: str) -> TwoPaths | None:
    if model.get("type") != "TwoPaths":
        return None
    lexicon, switches = model.get("lexicon"), [model.get("official"), model.get("deeper")]
    if not isinstance(lexicon, int) or isinstance(lexicon, bool) or lexicon < 0:
        raise VocabularyError(f"{where}: model.lexicon is {lexicon!r}, expected a number of tokens")
    if not all(isinstance(switch, bool) for switch in switches):
        raise VocabularyError(f"{where}: model.official and model.deeper must be true or false, not {switches}")
    return TwoPaths(lexicon, *map(bool, switches))


def _flags(model: Mapping[str, Any], where: str) -> Flags:
    def value(name: str, *kinds: type) -> Any:
        found = model.get(name)
        if found is not None and not isinstance(found, kinds):
            raise VocabularyError(f"{where}: model.{name} is {found!r}, expected {kinds[0].__name__}")
        return found

    return Flags(
        unk_token=value("unk_token", str),
        byte_fallback=bool(value("byte_fallback", bool)),
        ignore_merges=bool(value("ignore_merges", bool)),
        fuse_unk=bool(value("fuse_unk", bool)),
        dropout=value("dropout", float, int),
        continuing_subword_prefix=value("continuing_subword_prefix", str) or None,  # An empty mark marks nothing.
        end_of_word_suffix=value("end_of_word_suffix", str) or None,
        max_input_chars_per_word=value("max_input_chars_per_word", int),
        two_paths=_two_paths(model, where),
    )


def _with_unknown(flags: Flags, piece: str) -> Flags:
    return replace(flags, unk_token=piece)


def _model_pieces(model: Mapping[str, Any], model_type: str, where: str) -> dict[int, str]:
    """Strings of the model's tokens by id."""
    vocab = model["vocab"]
    if model_type == "Unigram":
        if not isinstance(vocab, list) or not all(
            isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], str) for entry in vocab
        ):
            raise VocabularyError(f"{where}: model.vocab of a Unigram model must be a list of [string, score] pairs")
        if repeated := specials.duplicates(entry[0] for entry in vocab):
            raise VocabularyError(f"{where}: the token {repeated[0]!r} stands twice in model.vocab")
        pieces = {identifier: entry[0] for identifier, entry in enumerate(vocab)}
    else:
        if not isinstance(vocab, Mapping):
            raise VocabularyError(f"{where}: model.vocab of a {model_type} model must be an object of ids by token")
        pieces = {}
        for piece, identifier in vocab.items():
            if not isinstance(identifier, int) or isinstance(identifier, bool) or identifier < 0:
                raise VocabularyError(
                    f"{where}: the token {piece!r} has the id {identifier!r}, expected a whole number"
                )
            if identifier in pieces:
                raise VocabularyError(
                    f"{where}: the tokens {pieces[identifier]!r} and {piece!r} share the id {identifier}"
                )
            pieces[identifier] = piece
    return pieces


def _added_tokens(document: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
    entries = document.get("added_tokens") or []
    if not isinstance(entries, list):
        raise VocabularyError(f"{where}: added_tokens is a JSON {type(entries).__name__}, expected a list")
    by_id: dict[int, str] = {}
    for entry in entries:
        identifier, content = (entry.get("id"), entry.get("content")) if isinstance(entry, dict) else (None, None)
        if not isinstance(identifier, int) or isinstance(identifier, bool) or identifier < 0:
            raise VocabularyError(f"{where}: added_tokens holds {entry!r:.200}, expected objects with an id")
        if not isinstance(content, str) or not content:
            raise VocabularyError(f"{where}: the added token with id {identifier} has no content")
        if identifier in by_id:
            raise VocabularyError(
                f"{where}: the added tokens {by_id[identifier]!r} and {content!r} share the id {identifier}"
            )
        by_id[identifier] = content
    if repeated := specials.duplicates(by_id.values()):
        raise VocabularyError(f"{where}: the added token {repeated[0]!r} stands twice in added_tokens")
    return entries


def _place_added(
    pieces: dict[int, str], entries: Sequence[Mapping[str, Any]], where: str
) -> tuple[dict[int, dict[str, Any]], frozenset[int]]:
    """Put the added tokens among the pieces: their entries by id, and the ids that only they define.

    ``tokenizers`` does not read the id of an added token that the model lacks: it counts on from the model's size, and
    that is the id it encodes to. We do as it does; released files with a misspelt added token depend on it.
    """
    counted = stock_ids(pieces, [entry["content"] for entry in entries])
    added: dict[int, dict[str, Any]] = {}
    outside = []
    for entry in entries:
        content = entry["content"]
        identifier = counted[content]
        if pieces.get(identifier, content) != content:
            raise VocabularyError(
                f"{where}: tokenizers would give the added token {content!r} the id {identifier}, which the model's "
                f"{pieces[identifier]!r} has; put the token into model.vocab with an id of its own"
            )
        added[identifier] = {**entry, "id": identifier}
        if identifier not in pieces:
            outside.append(identifier)
    pieces |= {identifier: entry["content"] for identifier, entry in added.items()}
    return dict(sorted(added.items())), frozenset(outside)


def stock_ids(pieces: Mapping[int, str], contents: Iterable[str]) -> dict[str, int]:
    """The ids that ``tokenizers`` gives to added tokens, in their order, over a model with these pieces."""
    by_piece = {piece: identifier for identifier, piece in pieces.items()}
    counted: dict[str, int] = {}
    largest = -1
    for content in contents:
        identifier = by_piece.get(content, max(largest + 1, len(pieces)))
        counted[content] = identifier
        largest = max(largest, identifier)
    return counted


def _tokens(
    pieces: Mapping[int, str],
    added: Mapping[int, Mapping[str, Any]],
    family: canonical.Family,
    flags: Flags,
    prepends: bool,
    where: str,
) -> tuple[tuple[bytes, ...], tuple[TokenKind, ...]]:
    """Canonical bytes and kinds by id, with empty unused tokens where the ids have holes.

    An added token of text that is looked for in normalized text is itself normalized, so under a normalizer that
    prepends a space it matches with the space before it.
    """
    size = max(pieces, default=-1) + 1
    specials.check_density(size, len(pieces), where)
    tokens = [b""] * size
    kinds = [TokenKind.UNUSED] * size
    for identifier, piece in pieces.items():
        entry = added.get(identifier)
        try:
            content = piece.encode("utf-8")
        except UnicodeEncodeError:
            raise VocabularyError(f"{where}: the token {piece!r} with id {identifier} is not valid Unicode") from None
        if entry is None:
            tokens[identifier] = canonical.piece_bytes(piece, family, flags)
        else:
            spaced = prepends and bool(entry.get("normalized")) and not entry.get("special")
            tokens[identifier] = b" " + content if spaced else content
        if specials.is_reserved(piece):
            kinds[identifier] = TokenKind.UNUSED
        elif piece == flags.unk_token or (entry is not None and entry.get("special")):
            kinds[identifier] = TokenKind.SPECIAL
        elif entry is None and _is_byte(piece, tokens[identifier], family, flags):
            kinds[identifier] = TokenKind.BYTE
        else:
            kinds[identifier] = TokenKind.NORMAL
    return tuple(tokens), tuple(kinds)


def _is_byte(piece: str, data: bytes, family: canonical.Family, flags: Flags) -> bool:
    if family == "byte-level":
        return len(data) == 1
    return flags.byte_fallback and canonical.byte_piece(piece) is not None


def _merges(model: Mapping[str, Any], pieces: Mapping[int, str], flags: Flags, where: str) -> npt.NDArray[np.int32]:
    """Merges as pairs of ids, in rank order."""
    ids = {piece: identifier for identifier, piece in pieces.items()}
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise VocabularyError(f"{where}: model.merges must be a list")
    prefix = len(flags.continuing_subword_prefix or "")
    pairs = np.zeros((len(merges), 2), np.int32)
    for rank, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], str)):
            raise VocabularyError(f"{where}: merge {rank} is {merge!r:.100}, expected two tokens")
        left, right = pair
        if left not in ids or right not in ids:
            unknown = left if left not in ids else right
            raise VocabularyError(f"{where}: merge {rank} names {unknown!r}, which is no token of the vocabulary")
        if left + right[prefix:] not in ids:
            raise VocabularyError(
                f"{where}: merge {rank} makes {left + right[prefix:]!r}, which is no token of the vocabulary"
            )
        pairs[rank] = ids[left], ids[right]
    return pairs


def _scores(model: Mapping[str, Any], size: int, where: str) -> npt.NDArray[np.float64]:
    scores = np.zeros(size, np.float64)
    for identifier, (piece, score) in enumerate(model["vocab"]):
        if not isinstance(score, (int, float)) or score != score:
            raise VocabularyError(f"{where}: the token {piece!r} has the score {score!r}, expected a number")
        scores[identifier] = score
    return scores
