"""Morphemes of words: gold segmentations, and a segmenter that learns from them.

>>> from tokencraft.morphology import bio_to_segments, segments_to_bio
>>> bio_to_segments("studies", segments_to_bio("studies", "study @@s"))
['stud', 'ie', 's']
"""

from tokencraft.morphology.segmentations import bio_to_segments, read_segmentations, segments_to_bio
from tokencraft.morphology.segmenter import MorphemeSegmenter

__all__ = ["MorphemeSegmenter", "bio_to_segments", "read_segmentations", "segments_to_bio"]
