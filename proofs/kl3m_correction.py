"""Test of what KL3M (arXiv 2503.17247) supposes and does not test: short tokens make corrections easier to learn.

A small tagger reads the tokens of noisy text and says of every byte what to do: keep it, drop it, write another, put
one before it. All context comes through the tokens; the taggers have equally many parameters (the smaller the
vocabulary, the wider the layers) and see the same text once: minutes on one core, far from trained out.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from harness import Proof, Verdict, data_folder
from torch import nn

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, KL3MCharacters
from tokencraft.measure import Noisy, OCRNoise
from tokencraft.vocabulary import Vocabulary, split

PROOF = Proof(
    slug="kl3m-correction",
    claim="Of taggers with equally many parameters that saw the same noisy text, the one that reads character-level "
    "tokens (4k, at most 3 bytes) leaves fewer character errors than the one that reads plain BPE tokens (8k).",
    falsified_if="the mean character error rate over the seeds, after correction, is not lower with the "
    "character-level tokens than with plain BPE. Inconclusive if neither tagger lowers the error rate of the noisy "
    "text, or if the means differ by less than the larger standard deviation over the seeds.",
)
CHARACTERS, PLAIN = "characters, at most 3 (4k)", "BPE 8k"
PARAMETERS = 1_000_000
WIDTH = 64
KEEP, DROP = 0, 1


def main() -> None:
    """Spoil, train taggers, correct, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--characters", type=int, default=500_000, help="of clean text that a tagger sees")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore", message="the vocabulary has")
    essays = Corpus.from_files([data_folder() / "text" / "en" / "brown.txt.gz"], documents="line")
    everything = [sentence for essay in essays for sentence in re.findall(r".+? [.?!] ", essay) if sentence.isascii()]
    rows = []
    for seed in arguments.seeds:
        random.Random(seed).shuffle(everything)
        held_out, rest = everything[:600], everything[600:]
        corpus = Corpus.from_iterable(rest)
        vocabularies = {
            CHARACTERS: KL3MCharacters(4096).train(corpus),
            "characters, at most 3 (8k)": KL3MCharacters(8192).train(corpus),
            PLAIN: BPE(8192, split.GPT2, min_frequency=2).train(corpus),
            "bytes": BPE(256).train(corpus),
        }
        noise = OCRNoise(0.05, seed=seed)
        text: list[Noisy] = []
        total = 0
        for sentence in rest:
            if total >= arguments.characters:
                break
            text.append(noise.apply(sentence))
            total += len(sentence)
        test = [noise.apply(sentence) for sentence in held_out]
        labels = Labels.of(text)
        targets = [torch.from_numpy(labels.numbers(each)) for each in text]
        before = error_rate([each.text for each in test], held_out)
        for name, vocabulary in vocabularies.items():
            began = time.monotonic()
            tagger = train(vocabulary, [each.text for each in text], targets, 2 + len(labels.names), seed)
            after = error_rate(correct(tagger, vocabulary, test, labels), held_out)
            rows.append(
                {
                    "seed": seed,
                    "tokens": name,
                    "entries": len(vocabulary),
                    "parameters": sum(each.numel() for each in tagger.parameters()),
                    "errors before [%]": round(100 * before, 3),
                    "errors after [%]": round(100 * after, 3),
                    "removed [%]": round(100 * (1 - after / before), 1),
                    "training [s]": round(time.monotonic() - began, 1),
                }
            )
            print(rows[-1], flush=True)
    PROOF.conclude(judge(rows), rows, seeds=arguments.seeds, command="python proofs/kl3m_correction.py")


class Labels:
    """What to do with a byte of noisy text, as numbers.

    Args:
        names: ``("write", c)`` and ``("before", c)`` for the characters that are common enough.
    """

    def __init__(self, names: Sequence[tuple[str, str]]) -> None:
        self.names = names
        self.number = {("drop", ""): DROP} | {name: number for number, name in enumerate(names, 2)}

    @classmethod
    def of(cls, texts: Sequence[Noisy]) -> Labels:
        """Those that the texts need."""
        counts: Counter[tuple[str, str]] = Counter()
        for each in texts:
            counts.update(deed for deed in cls.wanted(each) if deed[1])
        return cls([name for name, count in counts.most_common() if count >= 5])

    @staticmethod
    def wanted(noisy: Noisy) -> list[tuple[str, str]]:
        """For every noisy character what gives the clean text back, one deed a character."""
        deeds = [("drop", "")] * len(noisy.text)
        places = list(zip(noisy.clean, noisy.begins.tolist(), noisy.ends.tolist(), strict=True))
        for char, begin, end in places:
            if end > begin:
                deeds[begin] = ("keep", "") if noisy.text[begin] == char else ("write", char)
        for char, begin, end in places:
            if end == begin and begin < len(deeds) and deeds[begin] == ("keep", ""):
                deeds[begin] = ("before", char)
        return deeds

    def numbers(self, noisy: Noisy) -> npt.NDArray[np.int64]:
        """int64 ``[noisy characters]``; deeds that are too rare to learn are left undone."""
        return np.array([self.number.get(deed, KEEP) for deed in self.wanted(noisy)], np.int64)

    def apply(self, text: str, numbers: Sequence[int]) -> str:
        """The corrected text."""
        parts = []
        for char, number in zip(text, numbers, strict=True):
            if number >= 2:
                deed, other = self.names[number - 2]
                parts.append(other if deed == "write" else other + char)
            elif number == KEEP:
                parts.append(char)
        return "".join(parts)


class Tagger(nn.Module):
    """Convolutions over the tokens of a text, then a label for every byte from its token, place and value.

    Args:
        entries: of the vocabulary.
        labels: to choose from.
        parameters: to have in all, nearly.
    """

    def __init__(self, entries: int, labels: int, parameters: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(entries, WIDTH)
        self.places = nn.Embedding(32, WIDTH)
        self.bytes = nn.Embedding(256, WIDTH)
        self.out = nn.Sequential(
            nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, labels)
        )
        dilations = (1, 2, 4, 8)
        self.mix = nn.ModuleList(
            nn.Conv1d(WIDTH, WIDTH, 5, padding=2 * dilation, dilation=dilation, groups=WIDTH) for dilation in dilations
        )
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in dilations)
        left = parameters - sum(each.numel() for each in self.parameters())
        hidden = left // len(dilations) // (2 * WIDTH + 1)
        self.think = nn.ModuleList(
            nn.Sequential(nn.Linear(WIDTH, hidden), nn.GELU(), nn.Linear(hidden, WIDTH)) for _ in dilations
        )

    def forward(
        self, tokens: torch.Tensor, owner: torch.Tensor, places: torch.Tensor, values: torch.Tensor
    ) -> torch.Tensor:
        """Scores ``[bytes, labels]`` from tokens ``[n]``, and the token, place in it and value of every byte."""
        state = self.tokens(tokens)
        for mix, norm, think in zip(self.mix, self.norms, self.think, strict=True):
            seen = mix(norm(state).T[None])[0].T
            state = state + seen
            state = state + think(seen)
        return self.out(state[owner] + self.places(places) + self.bytes(values))


def batch_of(vocabulary: Vocabulary, texts: Sequence[str]) -> tuple[torch.Tensor, ...]:
    """The arguments of a tagger for texts one after another."""
    ids = vocabulary.encode_batch(texts, threads=1).ids.astype(np.int64)
    sizes = vocabulary.byte_lengths[ids]
    owner = np.repeat(np.arange(len(ids)), sizes)
    places = np.minimum(np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes), 31)
    values = np.frombuffer("".join(texts).encode(), np.uint8).astype(np.int64)
    return tuple(map(torch.from_numpy, (ids, owner, places, values)))


def train(
    vocabulary: Vocabulary, texts: Sequence[str], targets: Sequence[torch.Tensor], labels: int, seed: int
) -> Tagger:
    """A tagger that saw every text once, in batches of 32."""
    torch.manual_seed(seed)
    tagger = Tagger(len(vocabulary), labels, PARAMETERS)
    optimizer = torch.optim.AdamW(tagger.parameters(), weight_decay=0.01)
    steps = math.ceil(len(texts) / 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.1)
    for start in range(0, len(texts), 32):
        scores = tagger(*batch_of(vocabulary, texts[start : start + 32]))
        loss = nn.functional.cross_entropy(scores, torch.cat(list(targets[start : start + 32])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return tagger.eval()


@torch.inference_mode()
def correct(tagger: Tagger, vocabulary: Vocabulary, texts: Sequence[Noisy], labels: Labels) -> list[str]:
    """The texts as the tagger corrects them."""
    fixed = []
    for each in texts:
        numbers = tagger(*batch_of(vocabulary, [each.text])).argmax(1).tolist()
        fixed.append(labels.apply(each.text, numbers))
    return fixed


def error_rate(texts: Sequence[str], clean: Sequence[str]) -> float:
    """Edit distance to the clean texts, a character of these."""
    return sum(map(edit_distance, texts, clean)) / sum(map(len, clean))


def edit_distance(first: str, second: str) -> int:
    """Levenshtein distance by bit vectors (Myers, 1999)."""
    if not first:
        return len(second)
    masks: dict[str, int] = {}
    for index, char in enumerate(first):
        masks[char] = masks.get(char, 0) | 1 << index
    full, last = (1 << len(first)) - 1, 1 << len(first) - 1
    up, down, distance = full, 0, len(first)
    for char in second:
        match = masks.get(char, 0) | down
        level = (((up & match) + up) ^ up) | match
        right, left = down | (full & ~(up | level)), up & level
        distance += bool(right & last) - bool(left & last)
        right = right << 1 | 1
        up, down = full & (left << 1 | ~(right | level)), right & level
    return distance


def judge(rows: list[dict[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``."""
    after = {name: [row["errors after [%]"] for row in rows if row["tokens"] == name] for name in (CHARACTERS, PLAIN)}
    short, plain = (statistics.fmean(values) for values in after.values())
    before = statistics.fmean(row["errors before [%]"] for row in rows)
    if min(short, plain) >= before:
        return "inconclusive"
    if short >= plain:
        return "failed"
    spread = max(statistics.stdev(values) if len(values) > 1 else math.inf for values in after.values())
    return "held" if plain - short >= spread else "inconclusive"


if __name__ == "__main__":
    main()
