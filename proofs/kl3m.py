"""Proof of KL3M's domain vocabularies (arXiv 2503.17247): text of the domain first, custom tokens second.

Legal text is what Linux and Python installations hold: the licences of their packages, as prose, without near
duplicates (half a megabyte). General prose is as many bytes of the Brown corpus. Vocabularies of one size are learned
from each, and compared on text of both that was held out. Under a minute.
"""

from __future__ import annotations

import argparse
import random
import re
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import Proof, Verdict, data_folder

from tokencraft.corpus import Corpus
from tokencraft.learn import BPE, KL3M
from tokencraft.vocabulary import Vocabulary, split

DOMAIN = Proof(
    slug="kl3m",
    claim="At the same vocabulary size and from as many bytes of text, a BPE learned from legal text needs fewer "
    "tokens a character for held-out legal text than one learned from general prose, and more for held-out prose.",
    falsified_if="for any seed and size the legal BPE needs no fewer tokens a character of held-out legal text than "
    "the general one, or no more of held-out prose.",
)
CUSTOM = Proof(
    slug="kl3m-custom-tokens",
    claim="On held-out legal text full of enumerations, numbers and links, custom tokens of the groups that such text "
    "has lower the tokens a character against a plain BPE of the same size on the same text, and more so where they "
    "take the space before them along (ours) than as published.",
    falsified_if="on average over the seeds, at the largest size, KL3M with the groups enumerations, years and "
    "markdown needs no fewer tokens on such text than plain BPE, or no fewer than the same groups as published.",
)
SIZES = (4096, 8192)
GROUPS = ("enumerations", "years", "markdown")
CITATION = re.compile(r"\(\w{1,4}\)|\d\d|://|www\.")
FIELDS = re.compile(r"^(Files|Copyright|Upstream|Source|Format|Comment|©)", re.MULTILINE)


def main() -> None:
    """Gather, split, learn, encode, conclude."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore", message="the vocabulary has")
    essays = Corpus.from_files([data_folder() / "text" / "en" / "brown.txt.gz"], documents="line")
    prose = [paragraph for essay in essays for paragraph in re.findall(r"(?:.*? [.?!] ){1,4}", essay)]
    legal = list(legal_paragraphs())
    size = sum(map(len, legal))
    if size < 200_000:
        raise SystemExit(f"skipped: this machine holds only {size:,} characters of licences")
    print(f"legal text: {len(legal):,} paragraphs, {size:,} characters")
    domain: list[dict[str, Any]] = []
    custom: list[dict[str, Any]] = []
    for seed in arguments.seeds:
        legal_train, legal_held = halves(legal, size, seed)
        prose_train, prose_held = halves(prose, size, seed)
        heavy = [text for text in legal_held if len(CITATION.findall(text)) >= 0.03 * len(text.split())]
        texts = {"legal": legal_held, "prose": prose_held, "citations": heavy}
        for vocab_size in SIZES:
            plain = {
                "BPE of prose": BPE(vocab_size, split.GPT2, min_frequency=2).train(Corpus.from_iterable(prose_train)),
                "BPE of law": BPE(vocab_size, split.GPT2, min_frequency=2).train(Corpus.from_iterable(legal_train)),
            }
            domain += rows(seed, vocab_size, plain, texts, arguments.threads)
            recipes = {
                "KL3M, three groups": KL3M(vocab_size, groups=GROUPS),
                "KL3M, three groups, spaced all": KL3M(vocab_size, groups=GROUPS, spaced="all"),
                "KL3M, three groups, spaced none": KL3M(vocab_size, groups=GROUPS, spaced="none"),
                "as published, three groups": KL3M(vocab_size + 13, groups=GROUPS, official=True),
                "KL3M, all groups": KL3M(vocab_size),
                "as published, all groups": KL3M(vocab_size + 13, official=True),
            }
            made = {name: recipe.train(Corpus.from_iterable(legal_train)) for name, recipe in recipes.items()}
            custom += rows(seed, vocab_size, {"BPE of law": plain["BPE of law"], **made}, texts, arguments.threads)
    command = "python proofs/kl3m.py"
    DOMAIN.conclude(judge_domain(domain), domain, seeds=arguments.seeds, command=command)
    CUSTOM.conclude(judge_custom(custom), custom, seeds=arguments.seeds, command=command)


def legal_paragraphs() -> Iterator[str]:
    """Paragraphs of licences, as prose: no lists of files and authors, and none that repeats one before."""
    packages = Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info/**/*")
    paths = [
        *sorted(Path("/usr/share/common-licenses").glob("*")),
        *sorted(Path("/usr/share/doc").glob("*/copyright")),
        *sorted(path for path in packages if re.search("licen|copying|notice|copyright", path.name, re.IGNORECASE)),
    ]
    seen: set[str] = set()
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        text = re.sub(r"^ ?\.?$", "", text, flags=re.MULTILINE)  # Debian writes an empty line as a full stop
        for block in re.split(r"\n\s*\n", text):
            paragraph = "\n".join(line.strip() for line in block.splitlines())
            words = re.findall(r"\w+", paragraph.lower())
            if len(words) < 30 or not is_prose(paragraph):
                continue
            phrases = {" ".join(words[at : at + 8]) for at in range(len(words) - 7)}
            if len(phrases & seen) < 0.5 * len(phrases):
                yield paragraph
            seen |= phrases


def is_prose(paragraph: str) -> bool:
    """Whether a paragraph says something, rather than listing files, addresses or holders of rights."""
    notices = len(re.findall(r"copyright|©|\(c\) \d", paragraph, re.IGNORECASE))
    return not FIELDS.search(paragraph) and paragraph.count("@") < 2 and notices < 4 and paragraph.count("/") < 13


def halves(paragraphs: list[str], characters: int, seed: int) -> tuple[list[str], list[str]]:
    """So many characters of the paragraphs, 85% to learn from and 15% held out."""
    shuffled = list(paragraphs)
    random.Random(seed).shuffle(shuffled)
    total = edge = count = 0
    for count, paragraph in enumerate(shuffled, 1):
        total += len(paragraph)
        edge = count if total < 0.15 * characters else edge
        if total >= characters:
            break
    return shuffled[edge:count], shuffled[:edge]


def rows(
    seed: int, size: int, vocabularies: dict[str, Vocabulary], texts: dict[str, list[str]], threads: int
) -> list[dict[str, Any]]:
    """One row a vocabulary."""
    found = []
    for name, vocabulary in vocabularies.items():
        row: dict[str, Any] = {"seed": seed, "size": size, "vocabulary": name, "entries": len(vocabulary)}
        for part, held_out in texts.items():
            tokens = len(vocabulary.encode_batch(held_out, threads=threads).ids)
            row[f"{part} [tokens/character]"] = round(tokens / sum(map(len, held_out)), 4)
        found.append(row)
    return found


def judge_domain(measured: list[dict[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``."""
    by_key = {(row["seed"], row["size"], row["vocabulary"]): row for row in measured}
    for seed, size, name in by_key:
        if name == "BPE of law":
            law, prose = by_key[seed, size, name], by_key[seed, size, "BPE of prose"]
            gains = law["legal [tokens/character]"] < prose["legal [tokens/character]"]
            if not gains or law["prose [tokens/character]"] <= prose["prose [tokens/character]"]:
                return "failed"
    return "held" if by_key else "inconclusive"


def judge_custom(measured: list[dict[str, Any]]) -> Verdict:
    """The verdict by the words of ``falsified_if``."""
    heavy: dict[str, list[float]] = {}
    for row in measured:
        if row["size"] == max(SIZES):
            heavy.setdefault(row["vocabulary"], []).append(row["citations [tokens/character]"])
    if not heavy:
        return "inconclusive"
    mean = {name: sum(values) / len(values) for name, values in heavy.items()}
    ours = mean["KL3M, three groups"]
    return "held" if ours < mean["BPE of law"] and ours < mean["as published, three groups"] else "failed"


if __name__ == "__main__":
    main()
