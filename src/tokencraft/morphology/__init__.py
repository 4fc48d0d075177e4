"""Morphemes of words: lexicons, analysers, gold segmentations, and a segmenter that learns from them.

>>> from tokencraft.morphology import bio_to_segments, segments_to_bio
>>> bio_to_segments("studies", segments_to_bio("studies", "study @@s"))
['stud', 'ie', 's']
"""

from tokencraft.morphology.analyser import Analyser, Analysis, PerWord
from tokencraft.morphology.folding import fold
from tokencraft.morphology.lexicon import Lexicon
from tokencraft.morphology.segmentations import Segmented, bio_to_segments, read_segmentations, segments_to_bio
from tokencraft.morphology.segmenter import MorphemeSegmenter
from tokencraft.morphology.turkish import Zeyrek

__all__ = [
    "Analyser",
    "Analysis",
    "Lexicon",
    "MorphemeSegmenter",
    "PerWord",
    "Segmented",
    "Zeyrek",
    "bio_to_segments",
    "fold",
    "read_segmentations",
    "segments_to_bio",
]
