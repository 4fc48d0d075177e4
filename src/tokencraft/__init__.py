"""tokencraft: the toolkit for the token layer of language and vision models."""

__version__ = "0.1.0"
