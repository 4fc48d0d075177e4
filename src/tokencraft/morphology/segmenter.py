"""A segmenter of words into morphemes that learns from gold segmentations: a tagger of characters.

"Biomedical Language Models are Robust to Sub-optimal Tokenization", arXiv 2306.17649, uses CANINE; the network built in
is small enough for a CPU. Note what the paper found: a much better segmented vocabulary did not make its models better.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import regex
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tokencraft.errors import ModelError, TrainingError
from tokencraft.morphology.char_tagger import PAD, UNKNOWN, CanineTagger, CharTagger
from tokencraft.morphology.segmentations import bio_to_segments, segments_to_bio
from tokencraft.report import atomic_path, write_json

LONGEST_TRAINED = 30
"""Words of as many characters or more are not learned from."""
WINDOW, STRIDE = 28, 14
"""Longer words are tagged in windows; each character takes its tag from the window where it stands most central."""
_WORD = regex.compile(r"\p{P}|[^\s\p{P}]+")
_KIND = "tokencraft-morphemes"

Progress = Callable[[str, int, int | None], object]


class MorphemeSegmenter:
    """Cuts words into morphemes as they are written; made by :meth:`fit` or :meth:`from_pretrained`.

    Args:
        tagger: logits of B and I from character ids and a mask.
        alphabet: the characters that have an id, from 2 on; None where ids are code points (CANINE).
    """

    def __init__(self, tagger: nn.Module, alphabet: str | None) -> None:
        self._tagger = tagger.eval()
        self._alphabet = alphabet
        self._ids = None if alphabet is None else {character: 2 + at for at, character in enumerate(alphabet)}

    @classmethod
    def fit(
        cls,
        rows: Iterable[Sequence[str]],
        model: Literal["charcnn", "canine"] | nn.Module = "charcnn",
        *,
        epochs: int = 8,
        batch_size: int = 256,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.01,
        clip: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> MorphemeSegmenter:
        """Learn from words with their segments, by AdamW with one cycle of the learning rate; padding has no loss.

        Args:
            rows: (word, segments, ...), see :func:`~tokencraft.morphology.read_segmentations`; words of 30 characters
                or more are left out.
            model: ``"charcnn"``, the network built in; ``"canine"``, a small CANINE with fresh weights; or a
                ``CanineForTokenClassification``, for example a pretrained ``google/canine-c`` (then take 10 epochs, a
                batch size of 512, a learning rate of 1e-3 and no weight decay, as the paper does).
            epochs: passes over the rows.
            batch_size: words a step.
            learning_rate: the peak.
            weight_decay: AdamW's.
            clip: the largest norm of the gradient.
            seed: of the weights, the order of the rows and dropout; the random state of the process stays as it is.
            progress: called with the steps done.

        Returns:
            The segmenter of the last epoch.

        Raises:
            TrainingError: no row is left to learn from.
        """
        examples = [
            (row[0].lower(), segments_to_bio(row[0], row[1])) for row in rows if 0 < len(row[0]) < LONGEST_TRAINED
        ]
        examples = [(word, tags) for word, tags in examples if len(word) == len(tags)]
        if not examples:
            raise TrainingError(f"there are no words of fewer than {LONGEST_TRAINED} letters to learn from")
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            segmenter = cls._untrained(model, examples)
            segmenter._train(examples, epochs, batch_size, learning_rate, weight_decay, clip, progress)
        return segmenter

    def segment(self, words: Sequence[str], *, batch_size: int = 1024) -> list[list[str]]:
        """The pieces of every word, in lower case; no pieces for an empty word.

        Args:
            words: each without spaces.
            batch_size: windows of words that are tagged at once.
        """
        lowered = [word.lower() for word in words]
        windows = [(index, at) for index, word in enumerate(lowered) for at in _windows(len(word))]
        begins = [[False] * len(word) for word in lowered]
        nearest = [[LONGEST_TRAINED * 2] * len(word) for word in lowered]
        order = sorted(range(len(windows)), key=lambda k: len(lowered[windows[k][0]]))  # little padding
        for start in range(0, len(order), batch_size):
            chosen = [windows[k] for k in order[start : start + batch_size]]
            parts = [lowered[index][at : at + WINDOW] for index, at in chosen]
            for (index, at), tags in zip(chosen, self._tags(parts), strict=True):
                for offset, is_begin in enumerate(tags):
                    distance = abs(2 * offset + 1 - len(tags))  # twice that from the middle
                    if distance < nearest[index][at + offset]:
                        nearest[index][at + offset] = distance
                        begins[index][at + offset] = is_begin
        return [
            bio_to_segments(word, "".join("BI"[not begin] for begin in own))
            for word, own in zip(lowered, begins, strict=True)
        ]

    def segment_text(self, text: str) -> list[str]:
        """The pieces of a text: words between white space and punctuation, ``##`` before pieces inside a word.

        Example:
            >>> rows = [("unkind", "un @@kind"), ("undo", "un @@do"), ("kind", "kind")] * 8
            >>> MorphemeSegmenter.fit(rows, epochs=20, batch_size=8).segment_text("unkind, undo")
            ['un', '##kind', ',', 'un', '##do']
        """
        words = _WORD.findall(text)
        return [
            piece if position == 0 else f"##{piece}"
            for pieces in self.segment(words)
            for position, piece in enumerate(pieces)
        ]

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write ``config.json`` and ``model.safetensors``; CANINE as ``transformers`` writes it."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        if isinstance(self._tagger, CanineTagger):
            self._tagger.model.save_pretrained(path)
            return
        with atomic_path(path / "model.safetensors") as temporary:
            save_file({name: value.contiguous() for name, value in self._tagger.state_dict().items()}, temporary)
        width = self._tagger.get_parameter("head.weight").shape[1]
        config = {"model_type": _KIND, "alphabet": self._alphabet, "width": width, "id2label": {"0": "B", "1": "I"}}
        write_json(path / "config.json", config)

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> MorphemeSegmenter:
        """A segmenter from a folder that :meth:`save_pretrained` wrote, or of a CANINE with two labels.

        Raises:
            ModelError: the folder holds neither.
        """
        path = Path(folder)
        try:
            config = json.loads((path / "config.json").read_bytes())
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: no segmenter: config.json cannot be read ({error})") from None
        if config.get("model_type") == "canine":
            from transformers import CanineForTokenClassification

            return cls(CanineTagger(CanineForTokenClassification.from_pretrained(path)), None)
        if config.get("model_type") != _KIND:
            raise ModelError(f"{path}: a {config.get('model_type')!r} model is no segmenter of words")
        tagger = CharTagger(len(config["alphabet"]) + 2, int(config["width"]))
        try:
            tagger.load_state_dict(load_file(path / "model.safetensors"))
        except (OSError, RuntimeError) as error:
            raise ModelError(f"{path}: the weights do not fit the configuration: {error}") from None
        return cls(tagger, config["alphabet"])

    @classmethod
    def _untrained(cls, model: str | nn.Module, examples: Sequence[tuple[str, str]]) -> MorphemeSegmenter:
        if model == "charcnn":
            alphabet = "".join(sorted({character for word, _ in examples for character in word}))
            return cls(CharTagger(len(alphabet) + 2), alphabet)
        if isinstance(model, nn.Module):
            return cls(CanineTagger(model), None)
        if model != "canine":
            raise TrainingError(f"the model is 'charcnn', 'canine' or a CanineForTokenClassification, not {model!r}")
        from transformers import CanineConfig, CanineForTokenClassification

        config = CanineConfig(
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=256,
            num_hash_buckets=1024,
            id2label={0: "B", 1: "I"},
            label2id={"B": 0, "I": 1},
        )
        return cls(CanineTagger(CanineForTokenClassification(config)), None)

    def _train(
        self,
        examples: Sequence[tuple[str, str]],
        epochs: int,
        batch_size: int,
        learning_rate: float,
        weight_decay: float,
        clip: float,
        progress: Progress | None,
    ) -> None:
        tagger = self._tagger.train()
        steps = epochs * -(-len(examples) // batch_size)
        optimizer = torch.optim.AdamW(tagger.parameters(), lr=learning_rate, weight_decay=weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=max(2, steps))
        done = 0
        for _ in range(epochs):
            order = torch.randperm(len(examples)).tolist()
            for start in range(0, len(order), batch_size):
                batch = [examples[at] for at in order[start : start + batch_size]]
                ids, mask = self._encode([word for word, _ in batch])
                labels = torch.full(ids.shape, -100)
                for row, (_, tags) in enumerate(batch):
                    labels[row, : len(tags)] = torch.tensor([int(tag == "I") for tag in tags])
                loss = nn.functional.cross_entropy(tagger(ids, mask).transpose(1, 2), labels)
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(loss)
                nn.utils.clip_grad_norm_(tagger.parameters(), clip)
                optimizer.step()
                schedule.step()
                done += 1
                if progress is not None:
                    progress("training", done, steps)
        tagger.eval()

    @torch.inference_mode()
    def _tags(self, parts: Sequence[str]) -> list[list[bool]]:
        """Whether each character begins a piece; the first always does."""
        ids, mask = self._encode(parts)
        begins = self._tagger(ids, mask).argmax(-1).eq(0).tolist()
        return [[at == 0 or bool(own[at]) for at in range(len(part))] for part, own in zip(parts, begins, strict=True)]

    def _encode(self, words: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Character ids and the mask of what is no padding, ``[words, length]``."""
        length = max(WINDOW if self._ids is None else 1, *map(len, words)) if words else 1
        ids = torch.full((len(words), length), PAD)
        mask = torch.zeros((len(words), length))
        for row, word in enumerate(words):
            own: list[Any] = [ord(c) for c in word] if self._ids is None else [self._ids.get(c, UNKNOWN) for c in word]
            ids[row, : len(word)] = torch.tensor(own)
            mask[row, : len(word)] = 1.0
        return ids, mask


def _windows(length: int) -> list[int]:
    """Where the windows over a word begin."""
    if length <= WINDOW:
        return [0] if length else []
    starts = list(range(0, length - WINDOW, STRIDE))
    return [*starts, length - WINDOW]
