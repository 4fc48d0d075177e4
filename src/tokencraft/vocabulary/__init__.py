"""What a vocabulary is: load, save, convert, encode, decode.

>>> from tokencraft.vocabulary import Vocabulary, split
>>> vocabulary = Vocabulary.from_merges([(64, 65)], splitter=split.GPT2, special_tokens=())
>>> vocabulary.encode("abba").tolist()
[256, 65, 64]
"""

from tokencraft.vocabulary.batch import EncodedBatch
from tokencraft.vocabulary.kinds import Algorithm, Flags, Origin, Specials, TokenKind
from tokencraft.vocabulary.vocabulary import Vocabulary

__all__ = ["Algorithm", "EncodedBatch", "Flags", "Origin", "Specials", "TokenKind", "Vocabulary"]
