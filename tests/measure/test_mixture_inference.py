from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from tokencraft.cli import main
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, UsageError, VocabularyError
from tokencraft.measure import (
    MergeList,
    MixtureInference,
    PairHistory,
    Words,
    mixture_baselines,
    read_merges,
    read_published,
    replay,
)
from tokencraft.measure.merge_list import one_merge_a_token
from tokencraft.measure.merge_words import UNKNOWN_SCHEME, WordScheme
from tokencraft.measure.mixture_resampling import resampled
from tokencraft.vocabulary import Vocabulary, merges, split

LEXICON = {
    "en": "the cat sat on a mat and that hat was the one which all others thought their own in this house",
    "de": "der hund und die katze sind nicht im haus sondern auf dem dach mit einer anderen schwarzen katze",
    "fi": "kissa istui matolla ja koira oli talossa mutta kukaan ei tiennyt missä hiiri söi juustoa yöllä",
}


def text(language: str, sentences: int, seed: int) -> list[str]:
    """Sentences of words drawn by Zipf's law."""
    random = np.random.default_rng(seed)
    words = LEXICON[language].split()
    weights = 1 / np.arange(1, len(words) + 1)
    drawn = random.choice(words, (sentences, 12), p=weights / weights.sum())
    return [" ".join(row) + "\n" for row in drawn.tolist()]


def trained(shares: dict[str, int], size: int = 150) -> tuple[Vocabulary, dict[str, float]]:
    parts = {name: text(name, count, 1) for name, count in shares.items()}
    corpus = Corpus.from_iterable([line for part in parts.values() for line in part])
    learned = merges.learn(merges.count(corpus, split.GPT2), size, tokens=merges.byte_tokens())
    sizes = {name: len("".join(part).encode()) for name, part in parts.items()}
    total = sum(sizes.values())
    return Vocabulary.from_merges(learned.pairs, splitter=split.GPT2), {n: s / total for n, s in sizes.items()}


SAMPLES = {name: Corpus.from_iterable(text(name, 1500, 2)) for name in LEXICON}


def test_a_known_mixture_is_recovered_from_other_text() -> None:
    vocabulary, true = trained({"en": 2000, "de": 700, "fi": 300})
    measurement = MixtureInference(ranges=True, leave_one_out=True).measure({"ours": vocabulary}, SAMPLES)
    report = measurement.reports["ours"]
    assert report.shares == pytest.approx(true, abs=0.03)
    assert sum(report.shares.values()) == pytest.approx(1)
    for name, (least, most) in report.ranges.items():
        assert least - 1e-6 <= report.shares[name] <= most + 1e-6
    assert set(report.without["en"]) == {"de", "fi"}
    assert "of less than a megabyte" in " ".join(report.notes)
    guess = mixture_baselines.token_class(vocabulary, SAMPLES)
    own, other = (max(abs(each[n] - true[n]) for n in true) for each in (report.shares, guess))
    assert own < other / 3
    row = measurement.row(data="en")
    assert (row.share, row.bytes, row.weak) == (report.shares["en"], report.sizes["en"].bytes, True)
    assert report.sizes["fi"].bytes == sum(len(each.encode()) for each in SAMPLES["fi"])
    assert report.sizes["fi"].words == 1500 * 12
    assert json.loads(json.dumps(measurement.to_json(), allow_nan=False))["reports"]["ours"]["merges"] == 150
    assert "of bytes" in measurement.table().to_text()


def test_units_differ_by_what_a_pair_is_worth() -> None:
    vocabulary, _ = trained({"en": 900, "fi": 900})
    data = {name: SAMPLES[name] for name in ("en", "fi")}
    reports = {
        unit: MixtureInference(unit=unit).measure(vocabulary, data).reports["vocabulary"]
        for unit in ("bytes", "pairs", "characters", "words")
    }
    pairs = reports["pairs"]
    assert pairs.shares == pairs.pair_shares
    for unit in ("bytes", "characters", "words"):
        amounts = {}
        for name, corpus in data.items():
            history = replay({name: WordScheme.of(vocabulary).words(corpus)}, MergeList.of(vocabulary).merges)[name]
            amounts[name] = pairs.shares[name] * getattr(history.size, unit) / history.initial_pairs
        total = sum(amounts.values())
        assert reports[unit].shares == pytest.approx({name: amount / total for name, amount in amounts.items()})


def test_the_bootstrap_brackets_the_estimate_and_repeats() -> None:
    vocabulary, _ = trained({"en": 900, "de": 400}, 60)
    data = {name: SAMPLES[name] for name in ("en", "de")}
    method = MixtureInference(bootstrap=8, seed=3)
    first = method.measure(vocabulary, data).reports["vocabulary"]
    again = method.measure(vocabulary, data, threads=1).reports["vocabulary"]
    assert first.interval == again.interval
    low, high = first.interval["en"]
    assert low < high
    assert low - 0.02 <= first.shares["en"] <= high + 0.02


def test_resampling_draws_documents_or_lines() -> None:
    documents = Corpus.from_iterable([f"{n}\n" for n in range(100)])
    drawn = list(resampled(documents, np.random.default_rng(0)))
    assert len(drawn) == 100
    assert set(drawn) <= set(documents)
    assert 50 < len(set(drawn)) < 75  # 1 - 1/e of them
    one = Corpus.from_iterable(["".join(documents)])
    assert list(resampled(one, np.random.default_rng(0))) == drawn


def test_a_single_category_and_wrong_arguments() -> None:
    vocabulary, _ = trained({"en": 50}, 20)
    report = MixtureInference().measure(vocabulary, {"en": SAMPLES["en"]}).reports["vocabulary"]
    assert report.shares == {"en": 1.0}
    assert report.to_json()["objective"] is None
    for wrong in (
        {"unit": "tokens"},
        {"max_merges": 0},
        {"start": 30_000},
        {"tolerance": 0.0},
        {"confidence": 1.0},
        {"bootstrap": -1},
    ):
        with pytest.raises(UsageError):
            MixtureInference(**wrong)
    with pytest.raises(UsageError, match="leaves none of the 20 merges"):
        MixtureInference(start=20).measure(vocabulary, SAMPLES)
    with pytest.raises(CorpusError, match="x: the sample has no two"):
        MixtureInference().measure(vocabulary, {"en": SAMPLES["en"], "x": Corpus.from_iterable(["a"])})
    with pytest.raises(UsageError, match="no merges"):
        MixtureInference().measure(Vocabulary.from_merges([], splitter=split.GPT2), SAMPLES)


def test_identical_samples_are_pointed_out() -> None:
    vocabulary, _ = trained({"en": 300, "de": 300}, 40)
    data = {"en": SAMPLES["en"], "de": SAMPLES["de"], "also de": SAMPLES["de"]}
    report = MixtureInference(ranges=True).measure(vocabulary, data).reports["vocabulary"]
    assert any("de and also de are the same" in note for note in report.notes)
    assert any(note.startswith("shares that could be others") for note in report.notes)


def test_a_pre_tokenizer_that_is_not_the_tokenizers_shows_in_the_slack_of_pairs() -> None:
    numbers = [f"in {n} and {n + 1}\n" for n in range(1000, 1400)]
    corpus = Corpus.from_iterable(numbers + text("en", 300, 1))
    single = split.Regex((r"\p{N}", *split.GPT2.patterns))
    learned = merges.learn(merges.count(corpus, single), 60, tokens=merges.byte_tokens())
    vocabulary = Vocabulary.from_merges(learned.pairs, splitter=single)
    data = {"numbers": Corpus.from_iterable(numbers), "en": SAMPLES["en"]}
    right = MixtureInference().measure(vocabulary, data).reports["vocabulary"]
    wrong = MixtureInference(splitter=split.GPT2).measure(vocabulary, data).reports["vocabulary"]
    assert not any(set(left + other) & set("0123456789") for left, other in right.pair_slack)
    assert any(left.isdigit() and other.isdigit() for left, other in wrong.pair_slack)


def test_merges_of_one_token_are_reduced_to_that_of_training() -> None:
    # 0 a, 1 b, 2 c; ab=3, bc=4, abc=5 of (ab, c) or (a, bc)
    rows = np.array([(0, 1, 3), (3, 2, 5), (0, 4, 5), (1, 2, 4)], np.int32)
    assert one_merge_a_token(rows, [1, 1, 1, 2, 2, 3]).tolist() == [0, 1, 3]
    # aa=1, aaa=2 of (aa, a) or (a, aa): mirror images
    rows = np.array([(0, 0, 1), (0, 1, 2), (1, 0, 2)], np.int32)
    assert one_merge_a_token(rows, [1, 2, 3]).tolist() == [0, 2]


def test_real_tokenizers_have_the_merges_that_are_known_of_them(data_folder: Path) -> None:
    llama = MergeList.of(Vocabulary.load(data_folder / "tokenizers/llama.json.gz"))
    assert len(llama) + llama.dropped == 61_249
    assert len(llama) / 61_249 == pytest.approx(0.48, abs=0.005)
    assert llama.symbols[llama.merges[0, 2]] == "▁▁"  # number 259, the first after the bytes
    made = set()
    for left, right, result in llama.merges.tolist():
        for side in (left, right):
            assert side in made or len(llama.symbols[side]) == 1
        assert llama.symbols[left] + llama.symbols[right] == llama.symbols[result]
        made.add(result)


def test_ranks_give_back_the_merges_of_gpt_2(data_folder: Path) -> None:
    gpt2 = Vocabulary.load(data_folder / "tokenizers/gpt-2.json.gz")
    order = [gpt2.id_of(bytes([value])) for value in range(256)] + gpt2.merged.tolist()
    recovered = merges.recover({gpt2.tokens[identifier]: rank for rank, identifier in enumerate(order)})
    assert [(order[left], order[right]) for left, right in recovered.values()] == [*map(tuple, gpt2.merges.tolist())]


def test_sentencepiece_words_are_read_off_the_tokens(data_folder: Path) -> None:
    llama = Vocabulary.load(data_folder / "tokenizers/llama.json.gz")
    scheme = WordScheme.of(llama)
    assert scheme.splitter.split(" Don't  stop 12!") == [" Don", "'", "t", "  stop", " ", "1", "2", "!"]
    words = scheme.words(Corpus.from_iterable(["a b\nc ☃"]))
    pieces = [llama.pieces[cell] if cell >= 0 else "-" for cell in words.cells.tolist()]
    assert {*"".join(pieces).split("-")} == {"", "▁a", "▁b", "▁c", "▁"}  # no snowman, no line end
    assert scheme.note


def test_bytes_without_a_token_end_a_word(data_folder: Path) -> None:
    neox = Vocabulary.load(data_folder / "tokenizers/gpt-neox.json.gz")  # lacks those that are in no UTF-8
    scheme = WordScheme.of(neox)
    assert scheme.byte_symbols is not None
    assert [value for value in range(256) if scheme.byte_symbols[value] < 0][:2] == [0xC0, 0xC1]


def test_unknown_schemes() -> None:
    vocabulary, _ = trained({"en": 50}, 20)
    scheme = WordScheme.of(vocabulary.replace(splitter=None))
    assert scheme.splitter == UNKNOWN_SCHEME
    assert UNKNOWN_SCHEME.split("a12 b") == ["a", "12", " b"]
    assert scheme.note
    with pytest.raises(UsageError, match="only BPE"):
        MergeList.of(vocabulary.replace(algorithm="greedy"))
    runs = Vocabulary.from_merges([(ord("a") - 33, ord("b") - 33), (220, 220), (257, 220)], splitter=split.WHOLE)
    kept = MergeList.of(runs, drop_whitespace_runs=True)
    assert (len(kept), kept.dropped) == (1, 2)


def test_merges_txt(tmp_path: Path) -> None:
    path = tmp_path / "merges.txt"
    path.write_text("#version: 0.2\nĠ t\nh e\nĠt he\n", encoding="utf-8")
    vocabulary = read_merges(path)
    assert [vocabulary.tokens[made] for made in vocabulary.merged.tolist()] == [b" t", b"he", b" the"]
    path.write_text("#version: 0.2\nĠ t\nxy z\n", encoding="utf-8")
    with pytest.raises(VocabularyError, match="line 3"):
        read_merges(path)
    path.write_text("#version: 0.2\n")
    with pytest.raises(VocabularyError, match="no merges"):
        read_merges(path)
    with pytest.raises(VocabularyError, match="cannot be read"):
        read_merges(tmp_path / "absent.txt")


def test_histories_are_kept_and_read_from_the_published_layout(tmp_path: Path) -> None:
    words = {"A": Words.of({(0, 1): 3, (2, 3): 2}), "B": Words.of({(4, 5): 5})}
    steps = np.array([(0, 1, 6), (4, 5, 8), (2, 3, 7)], np.int32)
    histories = replay(words, steps)
    histories["A"].save(tmp_path / "a.safetensors")
    loaded = PairHistory.load(tmp_path / "a.safetensors")
    assert [loaded.counts_at(step) for step in range(3)] == [histories["A"].counts_at(step) for step in range(3)]
    assert loaded.size == histories["A"].size
    (tmp_path / "a.safetensors").write_bytes(b"no")
    with pytest.raises(CorpusError, match="damaged"):
        PairHistory.load(tmp_path / "a.safetensors")

    root = tmp_path / "published"
    for name, changes in {"A": [{"a b": 3, "c d": 2}, {"a b": 0}], "B": [{"e f": 5}, {}, {"e f": 0}]}.items():
        (root / name).mkdir(parents=True)
        (root / name / "all_pair_counts.json").write_text(json.dumps(changes))
        (root / name / "meta.json").write_text(json.dumps({"byte_count": 10}))
    (root / "merges.txt").write_text("#version: 0.2\na b\ne f\nc d\n")
    merge_list, published = read_published(root)
    report = MixtureInference(ranges=True, unit="pairs").infer(merge_list, published)
    assert report.ranges["A"] == pytest.approx((0.625, 5 / 7), abs=1e-6)
    assert report.sizes["A"].bytes == 10
    (root / "A" / "meta.json").write_text("{}")
    with pytest.raises(CorpusError, match="not the published layout"):
        read_published(root)


def test_encoding_efficiency_sees_the_larger_share() -> None:
    vocabulary, _ = trained({"en": 1500, "fi": 100}, 60)
    data = {name: SAMPLES[name] for name in ("en", "fi")}
    shares = mixture_baselines.encoding_efficiency(vocabulary, data, simulations=6)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["en"] > 0.6


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary, true = trained({"en": 900, "de": 300}, 80)
    vocabulary.save(tmp_path / "ours.json")
    for name in ("en", "de"):
        with gzip.open(tmp_path / f"{name}.txt.gz", "wt", encoding="utf-8") as file:
            file.writelines(SAMPLES[name])
    sample = ["--sample", *(f"{name}={tmp_path / name}.txt.gz" for name in ("en", "de")), "--documents", "line"]
    assert main(["mixture", str(tmp_path / "ours.json"), *sample, "--json", "--ranges"]) == 0
    found = json.loads(capsys.readouterr().out)["reports"]["ours"]
    assert found["shares"]["en"] == pytest.approx(true["en"], abs=0.05)
    assert main(["mixture", str(tmp_path / "ours.json"), *sample, "--merges", "40", "--leave-one-out"]) == 0
    captured = capsys.readouterr()
    assert "share" in captured.out
    assert "samples of less than a megabyte" in captured.err
    assert main(["mixture", str(tmp_path / "ours.json"), *sample, "--merges", "40", "--start", "40"]) == 2
