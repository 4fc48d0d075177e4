"""tiktoken's ranks: one ``base64 rank`` a line, the split pattern and special tokens in ``NAME.meta.json`` beside them.

A rank is the token's id and its priority: of all neighbours whose bytes together are a token, the pair that makes the
smallest rank merges first, whichever two parts it has. Yet every token is only ever made of the two parts into which
the smaller ranks cut it when it stands alone, because what lies between two borders that no merge has crossed merges
as if it stood alone. So the merges can be recovered, one a token, and any BPE encoder encodes as tiktoken does. Tokens
that the smaller ranks leave in more than two parts are never merged, only found as whole pieces (``ignore_merges``).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary import byte_level, files, merges, specials, split
from tokencraft.vocabulary.kinds import Flags, Origin, TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary


def read(path: Path) -> Vocabulary:
    """The vocabulary in a rank file.

    Raises:
        VocabularyError: where the file or its ``.meta.json`` is missing, damaged, or contradicts the other.
    """
    meta_path = meta_beside(path)
    ranks = _read_ranks(path)
    if not meta_path.is_file():
        raise VocabularyError(
            f"{path}: a rank file holds neither its split pattern nor its special tokens; put them beside it into "
            f'{meta_path.name} as {{"pattern": "...", "special_tokens": {{"<|endoftext|>": 100257}}}}'
        )
    meta = files.read_json(meta_path)
    pattern, special_ids = meta.get("pattern"), meta.get("special_tokens", {})
    if not isinstance(pattern, str):
        raise VocabularyError(f'{meta_path}: needs the split pattern as a string under "pattern"')
    if not isinstance(special_ids, dict) or not all(
        isinstance(identifier, int) and identifier >= 0 for identifier in special_ids.values()
    ):
        raise VocabularyError(f'{meta_path}: "special_tokens" must be an object of ids by token')
    try:
        splitter = split.Regex((pattern,)) if pattern else split.WHOLE
    except UsageError as error:
        raise VocabularyError(f"{meta_path}: {error}") from None
    vocabulary = _assemble(ranks, special_ids, splitter, str(path), str(meta_path))
    roles = meta.get("roles")
    if isinstance(roles, dict):
        named = {str(role): str(content) for role, content in roles.items()}
        vocabulary = vocabulary.replace(special_tokens=specials.by_role(special_ids, named))
    template = meta.get("chat_template")
    return vocabulary.replace(
        chat_template=template if isinstance(template, str) else None, origin=Origin.from_json(meta.get("origin"))
    )


def meta_beside(path: Path) -> Path:
    """Where the pattern and special tokens of a rank file lie: ``x.tiktoken.gz`` has ``x.meta.json``."""
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".tiktoken") + ".meta.json")


def _read_ranks(path: Path) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    taken: dict[int, int] = {}
    for number, line in enumerate(files.read_bytes(path).splitlines(), 1):
        if not line:
            continue
        where = f"{path}: line {number}"
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdigit() or len(fields[1]) > 9:
            raise VocabularyError(f"{where}: {line[:60]!r} is no rank line; expected a token in base64 and its rank")
        try:
            token = base64.b64decode(fields[0], validate=True)
        except binascii.Error as error:
            raise VocabularyError(f"{where}: {fields[0][:60]!r} is no base64: {error}") from None
        rank = int(fields[1])
        if not token:
            raise VocabularyError(f"{where}: the token with rank {rank} is empty")
        if token in ranks:
            raise VocabularyError(f"{where}: the token {token!r} has the rank {ranks[token]} already")
        if rank in taken:
            raise VocabularyError(f"{where}: the rank {rank} stands on line {taken[rank]} already")
        ranks[token] = rank
        taken[rank] = number
    if not ranks:
        raise VocabularyError(f"{path}: holds no ranks")
    return ranks


def _assemble(
    ranks: dict[bytes, int], special_ids: dict[str, int], splitter: split.Splitter, where: str, meta: str
) -> Vocabulary:
    size = max(*ranks.values(), *special_ids.values()) + 1 if special_ids else max(ranks.values()) + 1
    specials.check_density(size, len(ranks) + len(special_ids), where)
    tokens, kinds = [b""] * size, [TokenKind.UNUSED] * size
    for token, rank in ranks.items():
        tokens[rank] = token
        kinds[rank] = TokenKind.BYTE if len(token) == 1 else TokenKind.NORMAL
    for content, identifier in special_ids.items():
        if kinds[identifier] != TokenKind.UNUSED or tokens[identifier]:
            raise VocabularyError(f"{meta}: the special token {content!r} has the id {identifier}, which is taken")
        tokens[identifier] = content.encode("utf-8")
        kinds[identifier] = TokenKind.UNUSED if specials.is_reserved(content) else TokenKind.SPECIAL
    by_id = sorted(special_ids.items(), key=lambda item: item[1])
    return Vocabulary(
        algorithm="bpe-ranks",
        tokens=tuple(tokens),
        kinds=tuple(kinds),
        merges=_pairs(merges.recover(ranks)),
        splitter=splitter,
        pre_tokenizer=byte_level.pre_tokenizer(splitter),
        decoder=byte_level.decoder(),
        flags=Flags(ignore_merges=True),
        special_tokens=specials.guess_roles(dict(by_id), None),
        added_tokens=tuple(specials.added_token(identifier, content) for content, identifier in by_id),
        outside_model=frozenset(special_ids.values()),
    )


def _pairs(recovered: Mapping[int, tuple[int, int]]) -> npt.NDArray[np.int32]:
    return np.asarray([recovered[rank] for rank in sorted(recovered)], np.int32).reshape(-1, 2)
