"""Biomedical segmentation: do pieces from a segmenter of morphemes make a vocabulary that cuts closer to morphemes?

Of 57,371 English words with gold morphemes, those with a biomedical morpheme (the list below, written down before the
first run) are held out. A tagger of characters learns from others, segments its training words and, unlabelled, the
held-out ones; its pieces make a WordPiece vocabulary by themselves and united with the base, a WordPiece vocabulary
learned from biomedical abstracts. The paper's list of 4,314 words and PubMedBERT's vocabulary are not at hand, so this
is its comparison on other words and a smaller base. F1 is that of the SIGMORPHON shared task, in percent.

    python proofs/biomedical_segmentation.py
"""

from __future__ import annotations

import gzip
import random
import re
import statistics
from collections import Counter
from typing import Any

import harness

from tokencraft.corpus import Corpus
from tokencraft.learn import MorphemeVocabulary, WordPiece
from tokencraft.measure import MorphemeSegmentation, SegmentationRow
from tokencraft.morphology import MorphemeSegmenter, Segmented, read_segmentations
from tokencraft.vocabulary import Vocabulary

SEEDS = (0, 1, 2)
TRAINING_WORDS = 25_000  # with 10,000, the first run: segmenter 42.9, united 36.4, morphemes alone 35.9, base 15.1
EPOCHS = 6
BASE_SIZE = 8_000
GAIN = 8.0
SEGMENTER = 50.0

MORPHEMES = frozenset(
    """
    aemia algia amine angio ase bio blast carcino cardio chloro cyte cyto dermato ectomy emia encephalo entero
    ethyl fibro gastro genesis genic glyco gram graphy haemo hemo hepato hydro immuno itis leuko lipo lympho
    lysis methyl micro myo nephro neuro oma onco osis osteo pathy penia phage phospho plasia plasty pneumo pod
    psycho scopy some thrombo tomy toxic toxin trophy uria vasculo
    """.split()  # noqa: SIM905  # sixty short strings read better as words
)

PROOF = harness.Proof(
    "biomedical-segmentation",
    "On held-out biomedical words, by morpheme F1: base vocabulary < base united with a segmenter's pieces (by 8 "
    "points at least) < vocabulary of these pieces alone < the segmenter itself (50 at least)",
    "the mean F1 of the united vocabulary over the seeds is not above that of the base",
)


def main() -> None:
    data = harness.data_folder()
    gold = [
        row for row in read_segmentations(data / "morphology" / "english_segmentation.dev.tsv.gz") if row.word.islower()
    ]
    held_out = [row for row in gold if MORPHEMES.intersection(row.segments.lower().replace("@@", "").split())]
    names = {row.word for row in held_out}
    others = [row for row in gold if row.word not in names]
    abstracts = gzip.decompress((data / "bio" / "ncbi_disease_abstracts.train.txt.gz").read_bytes()).decode("utf-8")
    base = WordPiece(vocab_size=BASE_SIZE).train(Corpus.from_iterable(abstracts.splitlines()))
    in_text = Counter(re.findall("[a-z]+", abstracts.lower()))
    rows: list[dict[str, Any]] = []
    for seed in SEEDS:
        training = random.Random(seed).sample(others, TRAINING_WORDS)
        segmenter = MorphemeSegmenter.fit(training, epochs=EPOCHS, seed=seed)
        terms = {row.word: 1 for row in [*training, *held_out]}
        judged: dict[str, Any] = {
            "base": base,
            "united": MorphemeVocabulary(segmenter, base).train(terms),
            "morphemes of training words alone": vocabulary_of(segmenter, base, training),
            "morphemes alone": MorphemeVocabulary(segmenter, base, tokens_kept="alphabet").train(terms),
            "segmenter": segmenter,
            "whole words": Whole(),
        }
        measured = MorphemeSegmentation(lowercase=True).measure(judged, held_out)
        rows += [numbers(row, seed, judged.get(row.vocabulary)) for row in measured.rows]
    print(f"{len(held_out)} held-out words, {sum(row.word in in_text for row in held_out)} of them in the abstracts")
    PROOF.conclude(verdict(rows), rows, seeds=SEEDS, command="python proofs/biomedical_segmentation.py")


class Whole:
    """Leaves every word whole."""

    def segment(self, words: Any) -> list[list[str]]:
        return [[word] for word in words]


def vocabulary_of(segmenter: MorphemeSegmenter, base: Vocabulary, words: list[Segmented]) -> Vocabulary:
    """Pieces of words that the segmenter was trained on, and letters."""
    return MorphemeVocabulary(segmenter, base, tokens_kept="alphabet").train({row.word: 1 for row in words})


def numbers(row: SegmentationRow, seed: int, judged: Any) -> dict[str, Any]:
    return {
        "seed": seed,
        "system": row.vocabulary,
        "vocab_size": len(judged) if isinstance(judged, Vocabulary) else None,
        "words": row.words,
        "precision_percent": row.precision,
        "recall_percent": row.recall,
        "f1_percent": row.f1,
        "distance_edits": row.distance,
        "exact_share": row.exact,
        "pieces_per_word": row.pieces_per_word,
        "gold_per_word": row.gold_per_word,
        "boundary_f1": row.boundary_f1,
    }


def verdict(rows: list[dict[str, Any]]) -> harness.Verdict:
    def f1(system: str) -> float:
        return statistics.mean(row["f1_percent"] for row in rows if row["system"] == system)

    if f1("united") <= f1("base"):
        return "failed"
    ladder = f1("base") + GAIN <= f1("united") < f1("morphemes alone") < f1("segmenter")
    return "held" if ladder and f1("segmenter") >= SEGMENTER else "inconclusive"


if __name__ == "__main__":
    main()
