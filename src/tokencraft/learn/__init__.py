"""Corpus -> vocabulary.

>>> from tokencraft.corpus import Corpus
>>> from tokencraft.learn import BPE
>>> len(BPE(vocab_size=260).train(Corpus.from_iterable(["the cat and the hat and the bat"])))
260
"""

from tokencraft.learn.bpe import BPE
from tokencraft.learn.extension import extend
from tokencraft.learn.superbpe import SuperBPE
from tokencraft.learn.superwords import superword_report

__all__ = ["BPE", "SuperBPE", "extend", "superword_report"]
