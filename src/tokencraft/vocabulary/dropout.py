"""Encoding with merges left out at random, so that a model sees a text cut in several ways.

    BPE-dropout: at every step each merge that could be applied is left out with probability p
    superword dropout: only merges whose right side begins with a space are, and then for the rest of the piece

Where text is cut inside words, subwords keep their meaning; where it is cut inside superwords, a model learns that
``" of"`` followed by ``" the"`` is what ``" of the"`` is, which is what prompts that end inside a superword need.

Provilkov, Emelianenko, Voita, "BPE-Dropout: Simple and Effective Subword Regularization", arXiv 1910.13267; superword
dropout is that of the trainer of Liu et al., "SuperBPE: Space Travel for Language Models", arXiv 2503.13423.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokencraft import _native
from tokencraft.errors import UsageError, VocabularyError
from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.encoders import Encoders
from tokencraft.vocabulary.vocabulary import Vocabulary


class DropoutEncoder:
    """Encodes texts with a byte-level BPE vocabulary, leaving merges out at random.

    Special tokens in text stay text. A text that holds another added token, which is found before anything is merged,
    is encoded as ever.

    Args:
        vocabulary: a byte-level BPE vocabulary.
        merges: probability with which any merge is left out; 1 gives bytes.
        superwords: probability with which a merge whose right side begins with a space is left out for the rest of a
            piece.
        seed: of the choices.

    Raises:
        UsageError: a probability lies outside 0 and 1.
        VocabularyError: the vocabulary is of another kind.

    Example:
        >>> from tokencraft.vocabulary import split
        >>> joined = Vocabulary.from_merges([(64, 65), (220, 256), (256, 257)], splitter=split.WHOLE)  # "ab ab"
        >>> [len(DropoutEncoder(joined, superwords=p).encode_batch(["ab ab"]).ids) for p in (0.0, 1.0)]
        [1, 2]
    """

    name = "native"

    def __init__(self, vocabulary: Vocabulary, *, merges: float = 0.0, superwords: float = 0.0, seed: int = 0) -> None:
        """Check the arguments; see the class."""
        for name, value in (("merges", merges), ("superwords", superwords)):
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} is the probability that a merge is left out, between 0 and 1, not {value}")
        spec = Encoders(vocabulary).spec("none")
        if spec.tokens is None or spec.splitter is None:
            raise VocabularyError(
                "merges can be left out of byte-level BPE vocabularies alone; this one is "
                f"{vocabulary.family} with the algorithm {vocabulary.algorithm}"
            )
        self._vocabulary = vocabulary
        self._merges, self._superwords, self._seed = merges, superwords, seed & 0xFFFF_FFFF_FFFF_FFFF
        self._splitter, self._normalizer, self._literals = spec.splitter, spec.normalizer, spec.literals
        self._encoder = _native.BPEEncoder(list(spec.tokens), spec.merges, spec.splitter.native or 0, spec.whole_pieces)

    def encode_batch(self, texts: Sequence[str], *, first: int = 0, threads: int | None = None) -> EncodedBatch:
        """Token ids of many texts.

        Args:
            texts: what to encode.
            first: number of the first of them among all texts: what is left out depends on the seed and the number of
                a text, not on how texts are put together in batches.
            threads: at most this many; all cores where left out. The result does not depend on it.
        """
        normalised = list(texts) if self._normalizer is None else [self._normalizer(text) for text in texts]
        ends = None
        if self._splitter.native is None:
            ends = self._splitter.spans_batch([text.encode("utf-8") for text in normalised], threads=threads)
        ids, offsets = self._encoder.encode_batch(
            normalised,
            threads or 0,
            ends,
            dropout=self._merges,
            superword_dropout=self._superwords,
            seed=self._seed,
            first_document=first,
        )
        batch = EncodedBatch(ids, offsets, self.name)
        held = [at for at, text in enumerate(texts) if any(literal in text for literal in self._literals)]
        if not held:
            return batch
        lists = list(batch)
        for at, whole in zip(held, self._vocabulary.encode_batch([texts[at] for at in held]), strict=True):
            lists[at] = whole
        return EncodedBatch.from_lists(lists, self.name)
