"""A small convolutional network that tags every character of a word: does a piece begin here?

embedding 128, 5 times x + dropout(relu(conv(norm(x)))), kernel 3, dilations 1, 2, 4, 1, 2, linear to 2 logits
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

PAD, UNKNOWN = 0, 1
DILATIONS = (1, 2, 4, 1, 2)


class CharTagger(nn.Module):
    """Logits of the labels B (0) and I (1) for every character.

    Args:
        characters: size of the alphabet, with the ids of padding and of unknown characters.
        width: of the hidden states.
        dropout: share of hidden states set to 0 in training.
    """

    def __init__(self, characters: int, width: int = 128, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = nn.Embedding(characters, width, padding_idx=PAD)
        self.blocks = nn.ModuleList(_Block(width, dilation, dropout) for dilation in DILATIONS)
        self.head = nn.Linear(width, 2)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits ``[words, length, 2]`` from character ids and a mask of all but padding, both ``[words, length]``."""
        states = self.embedding(ids)  # [words, length, width]
        for block in self.blocks:
            states = block(states, mask)
        logits: Tensor = self.head(states)
        return logits


class _Block(nn.Module):
    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        # Padding is zero before the convolution, so that a word's tags do not hang on how long its batch is.
        quiet = self.norm(states) * mask.unsqueeze(-1)
        made: Tensor = self.dropout(torch.relu(self.conv(quiet.transpose(1, 2)))).transpose(1, 2)
        return states + made


class CanineTagger(nn.Module):
    """A ``transformers`` CANINE with a head of two labels behind the same interface.

    Args:
        model: a ``CanineForTokenClassification``; characters are its code points, between CLS and SEP.
    """

    CLS, SEP = 0xE000, 0xE001

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Logits ``[words, length, 2]`` from code points and a mask, both ``[words, length]``."""
        words, length = ids.shape
        framed = ids.new_zeros(words, length + 2)
        framed[:, 0] = self.CLS
        framed[:, 1:-1] = ids * mask
        ends = mask.sum(1).long() + 1
        framed[torch.arange(words), ends] = self.SEP
        attention = torch.arange(length + 2, device=ids.device)[None] <= ends[:, None]
        logits: Tensor = self.model(input_ids=framed, attention_mask=attention.long()).logits
        return logits[:, 1:-1]
