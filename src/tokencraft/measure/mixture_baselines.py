"""Simpler guesses at what a vocabulary was trained on, which mixture inference has to beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tokencraft.corpus import Corpus, utf8_length
from tokencraft.errors import UsageError
from tokencraft.measure.measurement import named_data
from tokencraft.vocabulary import Vocabulary, merges, split
from tokencraft.vocabulary.piece_store import PieceStore
from tokencraft.vocabulary.split import Splitter

Floats = npt.NDArray[np.float64]

_SIMULATED_BYTES = 1e7  # total weight of a simulated training text


def uniform(data: Mapping[str, Corpus]) -> dict[str, float]:
    """The same share for every category: what is known without looking.

    Example:
        >>> uniform({"A": Corpus.from_iterable(["a"]), "B": Corpus.from_iterable(["b"])})
        {'A': 0.5, 'B': 0.5}
    """
    return dict.fromkeys(data, 1 / len(data))


def token_class(vocabulary: Vocabulary, data: Mapping[str, Corpus], *, threads: int | None = None) -> dict[str, float]:
    """Give each token to the category that uses it most, and count the tokens of each.

    Args:
        vocabulary: BPE.
        data: a sample for each category.
        threads: for encoding; None takes every core.

    Returns:
        Share of the tokens that merges made and that some sample uses, by category.

    Raises:
        UsageError: no sample uses such a token.

    Example:
        >>> vocabulary = Vocabulary.from_merges([(64, 65), (66, 67), (68, 69)], splitter=split.GPT2)  # ab, cd, ef
        >>> token_class(vocabulary, {"A": Corpus.from_iterable(["ab cd"]), "B": Corpus.from_iterable(["ef ef g"])})
        {'A': 0.6666666666666666, 'B': 0.3333333333333333}
    """
    corpora = named_data(data)
    counts = np.stack([_token_counts(vocabulary, corpus, threads) for corpus in corpora.values()])
    relative = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    made = np.unique(vocabulary.merged)
    used = made[relative[:, made].any(axis=0)]
    if not len(used):
        raise UsageError("no sample uses a token that a merge made")
    owner = np.bincount(relative[:, used].argmax(axis=0), minlength=len(corpora))
    return dict(zip(corpora, (owner / len(used)).tolist(), strict=True))


def encoding_efficiency(
    vocabulary: Vocabulary,
    data: Mapping[str, Corpus],
    *,
    splitter: Splitter | None = None,
    simulations: int = 20,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, float]:
    r"""Shares from how well the vocabulary compresses each sample, against one of the same size trained on that alone.

    Vocabularies of known mixtures of the samples are trained, and :math:`\log \alpha_i = a + b\, r_i` is fitted to
    them, where r is the ratio of bytes a token. It takes as many trainings as there are simulations and categories.

    Args:
        vocabulary: byte-level BPE.
        data: a sample for each category.
        splitter: how the vocabularies that are trained cut text; as this one does where left out.
        simulations: how many mixtures are drawn, uniformly over all mixtures.
        seed: of these.
        threads: for counting and encoding; None takes every core.
    """
    corpora = named_data(data)
    cut = splitter or vocabulary.splitter or split.GPT2
    size = len(np.unique(vocabulary.merged))
    counted = [merges.count(corpus, cut, threads=threads).items() for corpus in corpora.values()]
    texts = [list(corpus) for corpus in corpora.values()]

    def compression(candidate: Vocabulary) -> Floats:
        return np.array([_bytes_per_token(candidate, each, threads) for each in texts])

    n = len(corpora)
    own = np.array([compression(_trained(np.eye(n)[place], counted, size, cut))[place] for place in range(n)])
    random = np.random.default_rng(seed)
    ratios, logs = [], []
    for _ in range(simulations):
        shares = random.dirichlet(np.ones(n))
        ratios.append(compression(_trained(shares, counted, size, cut)) / own)
        logs.append(np.log(np.maximum(shares, 1e-4)))
    slope, offset = np.polyfit(np.concatenate(ratios), np.concatenate(logs), 1)
    guess = np.exp(offset + slope * compression(vocabulary) / own)
    return dict(zip(corpora, (guess / guess.sum()).tolist(), strict=True))


def _trained(shares: Floats, counted: list[dict[bytes, int]], size: int, splitter: Splitter) -> Vocabulary:
    """A vocabulary of a mixture of the counted pieces by bytes."""
    weights: dict[bytes, float] = {}
    for share, pieces in zip(shares, counted, strict=True):
        if share > 0:
            scale = share * _SIMULATED_BYTES / sum(len(piece) * count for piece, count in pieces.items())
            for piece, count in pieces.items():
                weights[piece] = weights.get(piece, 0.0) + scale * count
    whole = {piece: round(weight) for piece, weight in weights.items() if weight >= 0.5}
    store = PieceStore(0)
    store.counter.add(list(whole), weights=list(whole.values()))
    learned = merges.learn(merges.Pieces(store, ""), size, tokens=merges.byte_tokens())
    return Vocabulary.from_merges(learned.pairs, splitter=splitter)


def _token_counts(vocabulary: Vocabulary, corpus: Corpus, threads: int | None) -> npt.NDArray[np.int64]:
    """How often each id occurs."""
    counts = np.zeros(len(vocabulary), np.int64)
    for batch in corpus.batches():
        counts += np.bincount(vocabulary.encode_batch(batch, threads=threads).ids, minlength=len(vocabulary))
    return counts


def _bytes_per_token(vocabulary: Vocabulary, texts: list[str], threads: int | None) -> float:
    return sum(map(utf8_length, texts)) / max(1, len(vocabulary.encode_batch(texts, threads=threads).ids))
