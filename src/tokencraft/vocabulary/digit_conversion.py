r"""An existing tokenizer whose numbers are grouped from the other end; its tokens, and a model's embeddings, stay.

The branch of its pre-tokenizer that cuts digits, ``\p{N}{1,3}``, gives way to the branch of the other direction. Text
without digits has the same ids as before. For a model trained with the old groups, long numbers are then something it
has never seen: measure before you recommend it.

Singh, Strouse, "Tokenization counts: the impact of tokenization on arithmetic in frontier LLMs", arXiv 2402.14903.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import regex

from tokencraft.errors import VocabularyError
from tokencraft.vocabulary.numbers import DigitGroups, Direction, number_coverage, number_strings
from tokencraft.vocabulary.split import Regex, from_pre_tokenizer
from tokencraft.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    import tiktoken
    import tokenizers
    from transformers import PreTrainedTokenizerFast

    Convertible = TypeVar("Convertible", Vocabulary, tokenizers.Tokenizer, PreTrainedTokenizerFast, tiktoken.Encoding)

_SIZES = range(2, 10)
_CLASSES = {r"\p{N}": "N", r"\p{Nd}": "Nd", r"\d": "Nd", "[0-9]": "Nd"}


def convert_digits(
    tokenizer: Convertible, direction: Direction = "r2l", *, fraction: Literal["l2r", "plain"] = "l2r"
) -> Convertible:
    r"""A copy of a tokenizer whose runs of digits are grouped in a direction.

    Args:
        tokenizer: a :class:`Vocabulary`, a ``tokenizers`` or fast ``transformers`` tokenizer, or a ``tiktoken``
            encoding, whose pre-tokenizer has a branch like ``\p{N}{1,3}``.
        direction: where groups are counted from.
        fraction: see :class:`DigitGroups`.

    Returns:
        A tokenizer of the same type; one that has the direction already comes back with an equal pattern.

    Raises:
        VocabularyError: there is no such branch, digits are cut one by one, or not all groups are tokens.

    Example:
        >>> from tokencraft.corpus import Corpus
        >>> from tokencraft.learn import BPE
        >>> from tokencraft.vocabulary import split
        >>> corpus = Corpus.from_iterable(["1 + 1"])
        >>> vocabulary = BPE(vocab_size=1_356, digits=DigitGroups(3, "l2r")).train(corpus)
        >>> [vocabulary.decode([i]) for i in convert_digits(vocabulary).encode("1234567")]
        ['1', '234', '567']
    """
    return cast("Convertible", _convert(tokenizer, direction, fraction))


def _convert(tokenizer: Any, direction: Direction, fraction: Literal["l2r", "plain"]) -> Any:
    if isinstance(tokenizer, Vocabulary):
        return _vocabulary(tokenizer, direction, fraction)
    if hasattr(tokenizer, "backend_tokenizer"):
        return _transformers(tokenizer, direction, fraction)
    if hasattr(tokenizer, "pre_tokenizer"):
        return _tokenizers(tokenizer, direction, fraction)
    return _tiktoken(tokenizer, direction, fraction)


def _vocabulary(vocabulary: Vocabulary, direction: Direction, fraction: Literal["l2r", "plain"]) -> Vocabulary:
    if vocabulary.pre_tokenizer is not None:
        changed, size = converted_pre_tokenizer(vocabulary.pre_tokenizer, direction, fraction)
        splitter = from_pre_tokenizer(changed)
        result = vocabulary.replace(pre_tokenizer=changed, splitter=splitter)
    elif isinstance(vocabulary.splitter, Regex):
        patterns, size = _patterns(list(vocabulary.splitter.patterns), direction, fraction)
        result = vocabulary.replace(splitter=Regex(tuple(patterns)))
    else:
        raise VocabularyError(_missing("no pre-tokenizer that cuts digits"))
    _require_coverage(number_coverage(vocabulary, size), size)
    return result


def _tokenizers(
    tokenizer: tokenizers.Tokenizer, direction: Direction, fraction: Literal["l2r", "plain"]
) -> tokenizers.Tokenizer:
    document = json.loads(tokenizer.to_str())
    document["pre_tokenizer"], size = converted_pre_tokenizer(document["pre_tokenizer"], direction, fraction)
    vocabulary = tokenizer.get_vocab(with_added_tokens=False)
    _require_coverage(sum(number in vocabulary for number in number_strings(size)), size)
    return type(tokenizer).from_str(json.dumps(document))


def _transformers(
    tokenizer: PreTrainedTokenizerFast, direction: Direction, fraction: Literal["l2r", "plain"]
) -> PreTrainedTokenizerFast:
    import copy

    result = copy.deepcopy(tokenizer)
    converted = _tokenizers(tokenizer.backend_tokenizer, direction, fraction)
    result.backend_tokenizer.pre_tokenizer = converted.pre_tokenizer
    return result


def _tiktoken(
    encoding: tiktoken.Encoding, direction: Direction, fraction: Literal["l2r", "plain"]
) -> tiktoken.Encoding:
    (pattern,), size = _patterns([encoding._pat_str], direction, fraction)
    ranks: Mapping[bytes, int] = encoding._mergeable_ranks
    _require_coverage(sum(number.encode("ascii") in ranks for number in number_strings(size)), size)
    return type(encoding)(
        encoding.name,
        pat_str=pattern,
        mergeable_ranks=dict(ranks),
        special_tokens=dict(encoding._special_tokens),
    )


def converted_pre_tokenizer(
    pre_tokenizer: Mapping[str, Any] | None, direction: Direction, fraction: Literal["l2r", "plain"] = "l2r"
) -> tuple[dict[str, Any], int]:
    """The JSON of a pre-tokenizer with its digits grouped in a direction, and the digits of a group.

    Raises:
        VocabularyError: it has no branch that cuts digits into groups.
    """
    changed: dict[str, Any] = json.loads(json.dumps(pre_tokenizer or {}))
    steps = changed["pretokenizers"] if changed.get("type") == "Sequence" else [changed]
    if any(step.get("type") == "Digits" and step.get("individual_digits") for step in steps):
        raise VocabularyError(_SINGLE)
    splits = [step for step in steps if step.get("type") == "Split" and "Regex" in step.get("pattern", {})]
    patterns, size = _patterns([step["pattern"]["Regex"] for step in splits], direction, fraction)
    for step, pattern in zip(splits, patterns, strict=True):
        step["pattern"]["Regex"] = pattern
    return changed, size


def _patterns(patterns: list[str], direction: Direction, fraction: Literal["l2r", "plain"]) -> tuple[list[str], int]:
    """The patterns with the branch of the first that has one in the other direction, and its size."""
    for at, pattern in enumerate(patterns):
        found = _branch(pattern)
        if found is not None:
            start, end, groups = found
            new = DigitGroups(groups.size, direction, fraction, groups.digits)
            # A group that is taken whole before another split stays what it is; only the branch changes.
            return [*patterns[:at], pattern[:start] + new.pattern + pattern[end:], *patterns[at + 1 :]], groups.size
    if any(_alternative(pattern, re_class) for pattern in patterns for re_class in _CLASSES):
        raise VocabularyError(_SINGLE)
    raise VocabularyError(_missing("no branch like \\p{N}{1,3} in its pre-tokenizer"))


def _branch(pattern: str) -> tuple[int, int, DigitGroups] | None:
    """Where a pattern cuts digits into groups, and how."""
    for size in _SIZES:
        for digits in ("N", "Nd"):  # our own spellings, the longest first: shorter ones are parts of them
            for fraction in ("l2r", "plain"):
                groups = DigitGroups(size, "r2l", cast(Any, fraction), cast(Any, digits))
                if (at := pattern.find(groups.pattern)) >= 0:
                    return at, at + len(groups.pattern), groups
        for spelling, digits in _CLASSES.items():
            if found := _alternative(pattern, f"{spelling}{{1,{size}}}"):
                return found.start(1), found.end(1), DigitGroups(size, "l2r", digits=cast(Any, digits))
    return None


def _alternative(pattern: str, branch: str) -> regex.Match[str] | None:
    """The branch where it stands as an alternative by itself, possessive or not."""
    return regex.search(rf"(?:^|(?<!\\)[|(]|\(\?:)({regex.escape(branch)}\+?)(?=\||\)|$)", pattern)


_SINGLE = "digits are cut one by one here, so there are no groups whose direction could change"


def _missing(what: str) -> str:
    return f"numbers cannot be regrouped: the tokenizer has {what}; train one with groups of digits instead"


def _require_coverage(covered: int, size: int) -> None:
    needed = sum(10**length for length in range(1, size + 1))
    if covered < needed:
        raise VocabularyError(
            f"only {covered:,} of the {needed:,} numbers of 1 to {size} digits are tokens, so groups from the other "
            "end would fall apart; train a vocabulary with groups of digits instead"
        )
