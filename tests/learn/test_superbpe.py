from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from naive_bpe import NaiveTrainer
from stock_trainer import stock_merges
from tokencraft.corpus import Corpus
from tokencraft.errors import CorpusError, TrainingError, UsageError
from tokencraft.learn import SuperBPE
from tokencraft.learn.recipes import RECIPES
from tokencraft.vocabulary import Vocabulary, merges, split

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

CARD = ["by the way\n"] * 3 + ["by the sea\n"] * 2 + ["the way: the sea\n"]
MIXED = (
    "By the way, I am a fan of the Milky Way.\nBy the way: the fan of the way is here!\n"
    "def get_item(self, key):\n    return self.items[key]  # of the way\n\n\n"
    "fooBar.fooBar(fooBar)   ((x)) == 1234567 == 12\n"
)


def merges_of(vocabulary: Vocabulary) -> list[tuple[bytes, bytes]]:
    return [(vocabulary.tokens[left], vocabulary.tokens[right]) for left, right in vocabulary.merges.tolist()]


def units_of(texts: list[str], unit: str) -> list[str]:
    """The texts, or their lines with their line ends."""
    if unit == "document":
        return texts
    return [line for text in texts for line in re.findall(r"[^\n]*\n|[^\n]+", text)]


def naive_superbpe(learner: SuperBPE, texts: list[str], cut: int = 0, drop: bool = False) -> list[tuple[bytes, bytes]]:
    """SuperBPE by its definition, in plain Python, without the last ``cut`` merges of stage 1."""
    units = units_of(texts, learner.unit)
    first, second = RECIPES[str(learner.stage1)][0], RECIPES[str(learner.stage2)][1]
    base = merges.byte_tokens(learner.special_tokens)
    stage1 = NaiveTrainer(Counter(piece.encode() for text in units for piece in first.split(text)).items(), base)
    stage1.learn(learner.transition_size - len(base), learner.min_frequency)
    inherited = stage1.merges[: len(stage1.merges) - cut]
    pieces = Counter(piece.encode() for text in units for piece in second.split(text))

    def allowed(left: bytes, right: bytes) -> bool:
        made = left + right
        words = [word for word in made.split(b" ") if word]
        return b": " not in made and (learner.max_words is None or len(words) <= learner.max_words)

    tokens = stage1.tokens[: len(stage1.tokens) - cut]
    stage2 = NaiveTrainer(pieces.items(), tokens)
    fired = stage2.replay(inherited)
    if drop:  # replay again with ids without holes
        kept = [(tokens[left], tokens[right]) for (left, right, _), used in zip(inherited, fired, strict=True) if used]
        tokens = [*base, *(left + right for left, right in kept)]
        stage2 = NaiveTrainer(pieces.items(), tokens)
        ids = {token: number for number, token in enumerate(tokens) if token}
        stage2.replay([(ids[left], ids[right], ids[left + right]) for left, right in kept])
    if learner.transition_size < learner.vocab_size:
        stage2.learn(learner.vocab_size - len(tokens), learner.min_frequency, allowed)
    return [(stage2.tokens[left], stage2.tokens[right]) for left, right, _ in stage2.merges]


def test_worked_example_of_the_card() -> None:
    learner = SuperBPE(vocab_size=256 + 8 + 7, transition=256 + 8, stage1="paper", stage2="paper")
    vocabulary = learner.train(Corpus.from_iterable(CARD))
    stage1 = [("h", "e"), ("t", "he"), (" ", "the"), ("b", "y"), ("a", "y"), ("w", "ay"), (" ", "way"), ("e", "a")]
    stage2 = [("by", " the"), ("s", "ea"), (" ", "sea"), (" way", "\n"), ("by the", " way\n"), (" sea", "\n")]
    expected = [*stage1, *stage2, ("by the", " sea\n")]
    assert merges_of(vocabulary) == [(left.encode(), right.encode()) for left, right in expected]
    everything = SuperBPE(vocab_size=400, transition=264, stage1="paper", stage2="paper")
    assert not any(b": " in token for token in everything.train(Corpus.from_iterable(CARD)).tokens)


def test_counts_of_the_worked_example() -> None:
    corpus = Corpus.from_iterable(CARD)
    tokens = merges.byte_tokens()
    first = merges.learn(merges.count(corpus, split.SUPERBPE_PAPER_STAGE1, unit="line"), 10, tokens=tokens)
    assert first.counts.tolist() == [7, 7, 6, 5, 4, 4, 4, 3, 3, 3]
    for left, right, _ in first.merges[:8].tolist():
        tokens.append(tokens[left] + tokens[right])
    second = merges.learn(
        merges.count(corpus, split.SUPERBPE_PAPER_STAGE2, unit="line"),
        7,
        tokens=tokens,
        merges=first.merges[:8],
        rules=merges.Rules(forbid=(b": ",)),
    )
    assert second.counts.tolist() == [5, 3, 3, 3, 3, 3, 2]


TEXTS = st.lists(
    st.one_of(
        st.text(st.sampled_from("ab :\n"), min_size=1, max_size=60),
        st.text(st.sampled_from("aB1.( \n\t"), min_size=1, max_size=60),
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
        st.lists(st.sampled_from(["of", "the", "way:", "Is", "12", "...", " ", "\n"]), min_size=1, max_size=30).map(
            " ".join
        ),
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None, max_examples=150)
@given(
    TEXTS,
    st.integers(0, 40),
    st.integers(0, 20),
    st.sampled_from(["v2", "paper"]),
    st.sampled_from([None, 1, 2, 4]),
    st.sampled_from(["line", "document"]),
    st.integers(0, 2),
    st.integers(1, 3),
)
def test_equals_the_naive_trainer(
    texts: list[str],
    stage1: int,
    stage2: int,
    recipe: str,
    max_words: int | None,
    unit: merges.Unit,
    min_frequency: int,
    threads: int,
) -> None:
    learner = SuperBPE(
        vocab_size=257 + stage1 + stage2,
        transition=257 + stage1,
        stage1=recipe,
        stage2=recipe,
        max_words=max_words,
        unit=unit,
        min_frequency=min_frequency,
        special_tokens=("<end>",),
    )
    vocabulary = learner.train(Corpus.from_iterable(texts), threads=threads)
    assert merges_of(vocabulary) == naive_superbpe(learner, texts)


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.integers(2, 40), st.integers(0, 20), st.booleans())
def test_dropping_unreachable_merges_equals_the_naive_trainer(
    texts: list[str], stage1: int, stage2: int, official: bool
) -> None:
    learner = SuperBPE(
        vocab_size=256 + stage1 + stage2,
        transition=256 + stage1,
        stage1="paper",
        stage2="paper",
        drop_unreachable=not official,
        official=official,
    )
    vocabulary = learner.train(Corpus.from_iterable(texts))
    assert merges_of(vocabulary) == naive_superbpe(learner, texts, cut=int(official), drop=True)


def test_official_inherits_one_merge_less() -> None:
    corpus = Corpus.from_iterable(["abcde abcde\n"])
    plain = SuperBPE(vocab_size=262, transition=260).train(corpus)
    official = SuperBPE(vocab_size=262, transition=260, official=True).train(corpus)
    assert plain.origin.hyperparameters["inherited_merges"] == 4
    assert official.origin.hyperparameters["inherited_merges"] == 3
    assert merges_of(official)[:3] == merges_of(plain)[:3]


def test_merges_that_stage_2_can_never_apply_are_dropped_on_demand() -> None:
    # Stage 1 sees whole lines and makes "ab"; stage 2 cuts before every b.
    texts = ["ab ab\n", "xy xy\n"]
    stages = {"stage1": split.WHOLE, "stage2": split.Regex(("b[^b]*",)), "vocab_size": 262, "transition": 258}
    kept = SuperBPE(**stages).train(Corpus.from_iterable(texts))  # type: ignore[arg-type]
    dropped = SuperBPE(**stages, drop_unreachable=True).train(Corpus.from_iterable(texts))  # type: ignore[arg-type]
    assert merges_of(kept)[:2] == [(b"a", b"b"), (b"x", b"y")]
    assert merges_of(dropped)[0] == (b"x", b"y")
    assert b"ab" not in dropped.tokens


def test_a_transition_at_the_end_is_plain_bpe(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(MIXED * 5 + "Some more words of the way\n", "utf-8")
    vocabulary = SuperBPE(vocab_size=380, transition=1.0).train(Corpus.from_files(path))
    assert merges_of(vocabulary) == stock_merges(path, 380, split.SUPERBPE_V2_STAGE1)
    assert not vocabulary.is_superword
    assert vocabulary.splitter == split.SUPERBPE_V2_STAGE2


def test_stage_1_is_a_prefix_of_every_run(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(MIXED * 5, "utf-8")
    stock = stock_merges(path, 300, split.SUPERBPE_V2_STAGE1)
    for transition in (256, 270, 300):
        vocabulary = SuperBPE(vocab_size=320, transition=transition).train(Corpus.from_files(path))
        assert merges_of(vocabulary)[: transition - 256] == stock[: transition - 256]


@pytest.mark.parametrize("recipe", ["v2", "paper"])
def test_invariants_of_superword_tokens(recipe: str) -> None:
    texts = [MIXED * 3, "one two three four five six seven\n" * 4, "x\n\n\ny 1 2 3 4444 55555\n" * 3]
    learner = SuperBPE(vocab_size=450, transition=0.6, stage1=recipe, stage2=recipe)
    vocabulary = learner.train(Corpus.from_iterable(texts))
    learned = vocabulary.tokens[256:]
    assert any(len(token.split()) == 4 for token in learned)
    for token in learned:
        assert b": " not in token
        assert len([word for word in token.split(b" ") if word]) <= 4
        assert b"\n" not in token[:-1]
        assert not any(len(run) > 3 for run in "".join(c if c.isdigit() else " " for c in token.decode()).split())


def test_the_document_unit_lets_tokens_go_on_after_a_line_end() -> None:
    texts = ["a\nb a\nb a\nb"] * 4
    by_document = SuperBPE(vocab_size=262, transition=0.0, unit="document").train(Corpus.from_iterable(texts))
    by_line = SuperBPE(vocab_size=262, transition=0.0).train(Corpus.from_iterable(texts))
    assert any(b"\n" in token[:-1] for token in by_document.tokens)
    assert not any(b"\n" in token[:-1] for token in by_line.tokens)


def test_does_not_depend_on_threads() -> None:
    corpus = Corpus.from_iterable([MIXED * 4, *(f"line {n} of the way\n" * (n % 7) + "x" for n in range(200))])
    learner = SuperBPE(vocab_size=600, transition=450)
    fingerprints = {learner.train(corpus, threads=threads).fingerprint() for threads in (1, 2, 3, 8)}
    assert len(fingerprints) == 1


def test_any_splitter_serves_as_a_stage() -> None:
    texts = [MIXED, MIXED[40:]]
    cut = split.Regex((r"[^a-z ]+",))  # through the regex package
    named = SuperBPE(vocab_size=320, transition=290, stage1=cut, stage2=split.WHOLE)
    vocabulary = named.train(Corpus.from_iterable(texts))
    base = merges.byte_tokens()
    units = units_of(texts, "line")
    naive = NaiveTrainer(Counter(piece.encode() for text in units for piece in cut.split(text)).items(), base)
    naive.learn(34)
    assert merges_of(vocabulary)[:34] == [(naive.tokens[left], naive.tokens[right]) for left, right, _ in naive.merges]


def test_init_merges_go_on() -> None:
    corpus = Corpus.from_iterable([MIXED * 3])
    whole = SuperBPE(vocab_size=400, transition=330).train(corpus)
    for known in (20, 74):  # in the middle and at the end of stage 1
        resumed = SuperBPE(vocab_size=400, transition=330, init_merges=tuple(merges_of(whole)[:known])).train(corpus)
        assert resumed.fingerprint() == whole.fingerprint()


def test_a_veto_and_the_longest_token_decide() -> None:
    corpus = Corpus.from_iterable([MIXED * 3])
    vocabulary = SuperBPE(
        vocab_size=400, transition=300, max_token_length=6, veto=lambda left, right: right.startswith(b" ")
    ).train(corpus)
    assert max(map(len, vocabulary.tokens)) <= 6
    stage2 = [vocabulary.tokens[right] for _, right in vocabulary.merges.tolist()[44:]]
    assert not any(right.startswith(b" ") for right in stage2)


@settings(deadline=None, max_examples=50)
@given(st.text(st.characters(codec="utf-8"), max_size=80), st.sampled_from(["v2", "paper"]))
def test_round_trips_and_encodes_as_stock_tokenizers_does(text: str, recipe: str) -> None:
    vocabulary = _trained(recipe)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert ids.tolist() == _stock(recipe).encode(text, add_special_tokens=False).ids


_VOCABULARIES: dict[str, Vocabulary] = {}
_STOCK: dict[str, tokenizers.Tokenizer] = {}


def _trained(recipe: str) -> Vocabulary:
    if recipe not in _VOCABULARIES:
        learner = SuperBPE(vocab_size=420, transition=340, stage1=recipe, stage2=recipe)
        _VOCABULARIES[recipe] = learner.train(Corpus.from_iterable([MIXED * 5]))
    return _VOCABULARIES[recipe]


def _stock(recipe: str) -> tokenizers.Tokenizer:
    if recipe not in _STOCK:
        _STOCK[recipe] = _trained(recipe).to_tokenizers()
    return _STOCK[recipe]


def test_hyperparameters_are_noted() -> None:
    origin = (
        SuperBPE(vocab_size=300, transition=0.9, special_tokens=("<s>",)).train(Corpus.from_iterable([MIXED])).origin
    )
    assert origin.method == "superbpe"
    assert origin.hyperparameters["transition"] == 270
    assert origin.hyperparameters["inherited_merges"] == 270 - 257
    assert origin.hyperparameters["stage1"] == "v2"


@pytest.mark.parametrize(
    ("learner", "error", "message"),
    [
        (SuperBPE(vocab_size=200), TrainingError, "smaller than its alphabet"),
        (SuperBPE(transition=1.5), UsageError, "transition"),
        (SuperBPE(vocab_size=300, transition=301), UsageError, "transition 301 lies outside 256"),
        (SuperBPE(vocab_size=300, transition=10), UsageError, "transition 10 lies outside 256"),
        (SuperBPE(stage2="v3"), UsageError, "no recipe 'v3'"),
        (SuperBPE(forbid=(": ",)), UsageError, "byte alphabet"),
        (SuperBPE(max_words=0), UsageError, "max_words"),
    ],
)
def test_wrong_use_is_refused(learner: SuperBPE, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        learner.train(Corpus.from_iterable(["text"]))


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(CorpusError, match="empty"):
        SuperBPE().train(Corpus.from_iterable([]))


def test_paper_settings() -> None:
    settings_of_the_paper = SuperBPE.paper_settings()
    assert (settings_of_the_paper.vocab_size, settings_of_the_paper.transition_size) == (200_000, 80_000)
    assert (settings_of_the_paper.stage1, settings_of_the_paper.stage2) == ("paper", "paper")
