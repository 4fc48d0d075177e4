"""Corpus -> vocabulary.

>>> from tokencraft.corpus import Corpus
>>> from tokencraft.learn import BPE
>>> len(BPE(vocab_size=260).train(Corpus.from_iterable(["the cat and the hat and the bat"])))
260
"""

from tokencraft.learn.bpe import BPE
from tokencraft.learn.custom_tokens import custom_token_set
from tokencraft.learn.extension import extend
from tokencraft.learn.k_tokeniser import KTokeniser
from tokencraft.learn.kl3m import KL3M
from tokencraft.learn.kl3m_characters import KL3MCharacters
from tokencraft.learn.less_is_better import LessIsBetter
from tokencraft.learn.lib_reading import LibRules, Reading, Step
from tokencraft.learn.morpheme_vocabulary import MorphemeVocabulary
from tokencraft.learn.superbpe import SuperBPE
from tokencraft.learn.supertokens import Supertokens
from tokencraft.learn.superwords import superword_report
from tokencraft.learn.wordpiece import WordPiece

__all__ = [
    "BPE",
    "KL3M",
    "KL3MCharacters",
    "KTokeniser",
    "LessIsBetter",
    "LibRules",
    "MorphemeVocabulary",
    "Reading",
    "Step",
    "SuperBPE",
    "Supertokens",
    "WordPiece",
    "custom_token_set",
    "extend",
    "superword_report",
]
