"""Every error that tokencraft raises on purpose.

An error says what was wrong, where (file, line, byte), and what to do about it. The command line prints the message
alone and exits with 1, or with 2 where the error is a :class:`UsageError`.
"""

from __future__ import annotations


class TokencraftError(Exception):
    """Base of all errors raised by tokencraft."""


class UsageError(TokencraftError):
    """The call itself is wrong: an unknown option, contradicting arguments. The command line exits with 2."""


class CorpusError(TokencraftError):
    """A corpus is empty, cannot be read, or holds bytes that are not text."""


class VocabularyError(TokencraftError):
    """A vocabulary file is damaged, of an unknown kind, or cannot be written in the format asked for."""


class TrainingError(TokencraftError):
    """A vocabulary or a model cannot be trained as asked, for example a vocabulary smaller than its alphabet."""


class ModelError(TokencraftError):
    """A model folder cannot be loaded, or the model and the vocabulary disagree."""


class StageError(TokencraftError):
    """A resumable run cannot start: the folder is in use, holds something else, or was run with other options."""


class MissingExtraError(TokencraftError):
    """An optional dependency is not installed; the message names the extra that brings it."""

    def __init__(self, package: str, extra: str) -> None:
        """See the class."""
        super().__init__(f"{package} is not installed; install it with: pip install 'tokencraft[{extra}]'")
        self.package = package
        self.extra = extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Rebuild from both arguments, so that the error can leave a worker process."""
        return type(self), (self.package, self.extra)
