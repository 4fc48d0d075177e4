"""KL3M's domain vocabularies: against a plain trainer, stock ``tokenizers``, and the published script."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers

from naive_bpe import NaiveTrainer
from tokencraft.corpus import Corpus
from tokencraft.engine import Local
from tokencraft.errors import TrainingError, UsageError
from tokencraft.learn import KL3M
from tokencraft.learn.custom_tokens import custom_token_set, kept_whole, spaced_forms
from tokencraft.vocabulary import TokenKind, Vocabulary, merges, split
from tokencraft.vocabulary.bytes import to_printable
from tokencraft.vocabulary.numbers import DigitGroups
from tokencraft.vocabulary.random_split import RandomWhitespace

pytestmark = pytest.mark.filterwarnings("ignore:the vocabulary has")  # where a corpus is tiny on purpose

LAW = [
    "The claim under 42 U.S.C. § 1983 was dismissed. See 384 F.3d 101 (2004); 17 U.S.C. § 512(c)(1)(A).",
    '(a) In general.  The Secretary shall, under section 101 of title 5, (b) report {"year": 1999} to Congress.',
    '<div class="x">The Secretary shall report</div>\r\n\r\n    under the act of 1999.\n## Section 101\n',
] * 3
CITATIONS = ("U.S.C.", "F.3d", "N.Y.S.")
SPECIALS = [
    *("<|start|>", "<|end|>", "<|pad|>", "<|unk|>", "<|sep|>", "<|cls|>", "<|mask|>"),
    *("<|system|>", "</|system|>", "<|user|>", "</|user|>", "<|instruction|>", "</|instruction|>"),
]


def learner(**changes: Any) -> KL3M:
    return KL3M(
        **{"vocab_size": 700, "groups": ("enumerations", "json"), "custom_tokens": CITATIONS, "spaced": "all"} | changes
    )


@pytest.fixture(scope="module")
def law() -> Vocabulary:
    return learner().train(Corpus.from_iterable(LAW))


def test_special_tokens_and_roles(law: Vocabulary) -> None:
    assert list(law.pieces[:13]) == SPECIALS
    roles = {"bos": 0, "eos": 1, "pad": 2, "unk": 3, "sep": 4, "cls": 5, "mask": 6}
    assert {role: law.special_tokens[role] for role in roles} == roles
    assert law.flags.unk_token is None
    assert law.lossless
    tokenizer = law.to_transformers()
    assert (tokenizer.padding_side, tokenizer.pad_token_id) == ("left", 2)
    padded = tokenizer(["U.S.C.", "the act of 1999"], padding=True, add_special_tokens=False)["input_ids"]
    assert padded[0][0] == 2
    assert len(padded[0]) == len(padded[1])


def test_size_is_as_asked_and_custom_tokens_are_there(law: Vocabulary) -> None:
    assert len(law) == 700
    custom = spaced_forms(custom_token_set(["enumerations", "json"], extra=CITATIONS))
    assert len(custom) == 2 * (165 + 10 + 3)
    for token in custom:
        identifier = law.id_of(token.encode())
        assert identifier is not None
        assert law.kinds[identifier] == TokenKind.NORMAL
        assert law.encode(token).tolist() == [identifier]
    found = [law.tokens[each] for each in law.encode("as 5 U.S.C. 12 F.3d (iv)(a) says").tolist()]
    assert {b" U.S.C.", b" F.3d", b" (iv)", b"(a)"} <= set(found)


@pytest.mark.parametrize(
    ("spaced", "vocab_size"),
    [
        ("none", 460),
        ("none", 490),
        ("none", 540),
        ("seen", 480),
        ("seen", 530),
        ("all", 640),
        ("all", 650),
        ("all", 690),
    ],
)
def test_merges_are_those_of_a_plain_trainer_on_the_rest(spaced: str, vocab_size: int) -> None:
    made = learner(vocab_size=vocab_size, spaced=spaced, min_frequency=0).train(Corpus.from_iterable(LAW))
    custom = custom_token_set(["enumerations", "json"], extra=CITATIONS)
    every = spaced_forms(custom)
    there = {piece for text in LAW for piece in kept_whole(every, split.GPT2).split(text)}
    custom = {"none": custom, "all": every, "seen": [each for each in every if each in custom or each in there]}[spaced]
    cutting = kept_whole(custom, split.GPT2)
    pieces = Counter(piece.encode() for text in LAW for piece in cutting.split(text) if piece not in custom)
    naive = NaiveTrainer(pieces.items(), merges.byte_tokens(SPECIALS))
    naive.learn(vocab_size - 269)
    # The longest beginning of the list of merges that leaves room for the custom tokens it does not make.
    whole = {token.encode() for token in custom}
    expected: list[tuple[int, int]] = []
    tokens = merges.byte_tokens(SPECIALS)
    for left, right, result in naive.merges:
        new = [*tokens, naive.tokens[result]] if result == len(tokens) else tokens
        if len(new) + len(whole - set(new)) > vocab_size:
            break
        tokens = new
        expected.append((left, right))
    assert made.merges.tolist() == [list(pair) for pair in expected]
    assert set(made.tokens[len(tokens) :]) == whole - set(tokens)
    assert len(made) == vocab_size


def test_a_merge_that_makes_a_custom_token_saves_an_entry() -> None:
    texts = ["nullify it, nullify them"]
    naive = learner(vocab_size=269 + 7, groups=(), custom_tokens=("null",), spaced="none", min_frequency=0)
    made = naive.train(Corpus.from_iterable(texts))
    assert len(made) == 276
    assert made.tokens.count(b"null") == 1
    assert made.encode("null").tolist() == [made.id_of(b"null")]


def test_custom_tokens_teach_nothing() -> None:
    # Were it not set apart, the pieces of "<?xml" would be the first merges.
    made = learner(vocab_size=273, groups=(), custom_tokens=("<?xml",), spaced="none", min_frequency=0).train(
        Corpus.from_iterable(["<?xml " * 50 + "the then the"])
    )
    assert list(made.tokens[269:]) == [b"he", b"the", b" the", b"<?xml"]


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["U.S.C.", " F.3d", "(a)", '":', "null", "<|end|>", "\r\n", "é"]), st.text(max_size=8)
        ),
        max_size=12,
    ).map("".join)
)
def test_encodes_as_stock_tokenizers_and_back(law: Vocabulary, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    ids = law.encode(text)
    assert law.decode(ids) == text
    if "<|" not in text:
        assert ids.tolist() == law.to_tokenizers().encode(text, add_special_tokens=False).ids


def test_forms_with_a_space_where_the_corpus_has_them() -> None:
    made = learner(spaced="seen", vocab_size=500).train(Corpus.from_iterable(LAW))
    assert len(made) == 500
    assert {b" U.S.C.", b"U.S.C.", b"N.Y.S.", b"(z)"} <= set(made.tokens)
    assert not {b" N.Y.S.", b" (z)"} & set(made.tokens)
    assert [made.tokens[each] for each in made.encode("a (z)").tolist()] == [b"a", b" ", b"(z)"]


def test_saved_and_loaded(law: Vocabulary, tmp_path: Path) -> None:
    law.save(tmp_path / "folder")
    loaded = Vocabulary.load(tmp_path / "folder")
    assert loaded == law
    assert loaded.config["padding_side"] == "left"
    assert loaded.origin.method == "kl3m"
    stock = tokenizers.Tokenizer.from_file(str(tmp_path / "folder" / "tokenizer.json"))
    for text in LAW:
        assert stock.encode(text, add_special_tokens=False).ids == law.encode(text).tolist()


def test_threads_engines_and_memory_do_not_matter(law: Vocabulary) -> None:
    corpus = Corpus.from_iterable(LAW)
    assert learner().train(corpus, threads=1) == law
    assert learner().train(corpus, threads=2) == law
    assert learner().train(corpus, engine=Local(2)) == law
    assert learner().train(corpus, memory=2 << 30) == law


def test_normalised_and_in_lower_case() -> None:
    made = learner(normalizer="nfkc", lowercase=True, custom_tokens=("U.S.C.", "ﬁn.")).train(Corpus.from_iterable(LAW))
    assert not made.lossless
    for token in ("u.s.c.", " u.s.c.", "fin.", "(vi)"):
        assert len(made.encode(token)) == 1
    assert made.id_of(b"U.S.C.") is None
    assert made.to_transformers().init_kwargs["do_lower_case"] is True
    for text in ("17 U.S.C. § 512\u00a0(A) ﬁne ½ Ａ", *LAW):  # NFKC loses the no-break space and the ligature
        assert made.decode(made.encode(text)) == unicodedata.normalize("NFKC", text).lower()
    ids = made.to_tokenizers().encode("<|start|>A").ids  # special tokens are not normalised
    assert ids[0] == 0


def test_digits_that_are_cut_are_no_custom_tokens() -> None:
    cut = learner(groups=("numbers",), digits=DigitGroups.parse("single"), number_tokens=False)
    assert cut.custom() == sorted(CITATIONS)
    made = cut.train(Corpus.from_iterable(LAW))
    assert [made.tokens[each] for each in made.encode("1999 F.3d").tolist()] == [b"1", b"9", b"9", b"9", b" F.3d"]
    stock = made.to_tokenizers()
    assert all(stock.encode(text, add_special_tokens=False).ids == made.encode(text).tolist() for text in LAW)


def test_random_cuts_in_training_alone() -> None:
    corpus = Corpus.from_iterable(["the act of the state and the law of the land"] * 30)
    made = learner(vocab_size=420, groups=(), splitter=RandomWhitespace(0.3)).train(corpus)
    assert made.is_superword
    text = "the act of the land, 5 U.S.C. 1"
    assert made.decode(made.encode(text)) == text
    assert b" U.S.C." in [made.tokens[each] for each in made.encode(text).tolist()]
    assert made.to_tokenizers().encode(text, add_special_tokens=False).ids == made.encode(text).tolist()


def test_characters_are_whole() -> None:
    texts = ["§ 12 — the § of the café — né"] * 3
    made = learner(vocab_size=300, groups=(), alphabet="character").train(Corpus.from_iterable(texts))
    for token in made.tokens[269:]:
        token.decode("utf-8") if token not in (b"\xe2\x80",) else None
    assert {"§".encode(), "—".encode(), "é".encode()} <= set(made.tokens)


def test_padding() -> None:
    corpus = Corpus.from_iterable(LAW)
    reserved = learner(pad_to="pow2").train(corpus)
    assert len(reserved) == 1024
    assert all(kind == TokenKind.UNUSED for kind in reserved.kinds[700:])
    assert reserved.tokens[:700] == learner().train(corpus).tokens
    assert len(learner(pad_to=64).train(corpus)) == 704
    assert len(learner(vocab_size=704, pad_to=64).train(corpus)) == 704
    more = learner(pad_to=64, pad_with="merges").train(corpus)
    assert (len(more), TokenKind.UNUSED in more.kinds) == (704, False)
    white = learner(pad_to=64, pad_with="whitespace").train(corpus)
    assert set(white.tokens[700:]) <= {char * times for char in (b" ", b"\n") for times in range(2, 9)}
    assert len(set(white.tokens)) == len(white.tokens)
    for text in (*LAW, "a" + " " * 7 + "b" + "\n" * 5):
        assert white.decode(white.encode(text)) == text
        assert white.to_tokenizers().encode(text, add_special_tokens=False).ids == white.encode(text).tolist()


def test_small_corpora_give_small_vocabularies() -> None:
    with pytest.warns(UserWarning, match="instead of 5,000"):
        made = learner(vocab_size=5000, pad_to="pow2").train(Corpus.from_iterable(LAW))
    assert len(made) == 1024


def test_wrong_options_are_refused() -> None:
    corpus = Corpus.from_iterable(LAW)
    with pytest.raises(TrainingError, match="cannot hold 13 special tokens, 256 bytes and 356 custom tokens"):
        learner(vocab_size=600).train(corpus)
    with pytest.raises(UsageError, match="no group of custom tokens 'law'"):
        learner(groups=("law",))
    with pytest.raises(UsageError, match="spaced is"):
        learner(spaced="some")
    with pytest.raises(UsageError, match="pad_to is"):
        learner(pad_to="pow3")
    with pytest.raises(UsageError, match="pad_with is"):
        learner(pad_with="love")
    with pytest.raises(TrainingError, match="written like the special token"):
        learner(custom_tokens=("<|end|>",)).train(corpus)


def published(texts: list[str], size: int, custom: list[str], min_frequency: int) -> tokenizers.Tokenizer:
    """The steps of the published script, on stock ``tokenizers``."""
    made = tokenizers.ByteLevelBPETokenizer()
    made.normalizer = normalizers.Sequence([normalizers.NFKC()])
    made.add_special_tokens(SPECIALS)
    made.train_from_iterator(
        texts,
        vocab_size=size - len(SPECIALS) - len(custom),
        min_frequency=min_frequency,
        special_tokens=SPECIALS,
        show_progress=False,
    )
    vocabulary = made.get_vocab()
    made.add_tokens([token for token in custom if token not in vocabulary])
    runs = []
    vocabulary = made.get_vocab()
    wanted = 2 ** (len(bin(len(vocabulary))) - 2) - len(vocabulary)
    for length in range(2, 9999):
        runs += [run for run in (" " * length, "\n" * length) if run not in vocabulary]
    made.add_tokens(runs[:wanted])
    return made._tokenizer


@pytest.mark.parametrize(
    ("size", "groups", "padded"),
    [
        (900, ("whitespace", "html", "json", "enumerations"), 1024),
        (512 + 13, ("none",), 1024),  # a power of two before padding, which the script doubles
    ],
)
def test_official_is_the_published_script(size: int, groups: tuple[str, ...], padded: int) -> None:
    texts = [*LAW, " ".join((*dir(str), *dir(int), *dir(Corpus)))]
    official = KL3M(vocab_size=size, groups=groups, normalizer="nfkc", min_frequency=1, pad_to="pow2", official=True)
    made = official.train(Corpus.from_iterable(texts))
    stock = published(texts, size, custom_token_set(groups), min_frequency=1)
    assert {piece: identifier for identifier, piece in enumerate(made.pieces)} == stock.get_vocab()
    assert len(made) == padded
    texts += ["x  y\n\n\nz (a)b <div>", "  " * 40 + "ﬁ\u00a0"]
    for text in texts:
        assert made.encode(text).tolist() == stock.encode(text, add_special_tokens=False).ids
    assert made.pieces[made.encode("  ").tolist()[0]] == "  "  # the added token; that of the merges is dead
    assert to_printable(b"  ") in made.pieces


def test_settings_of_the_paper() -> None:
    settings = KL3M.paper_settings()
    assert (settings.normalizer, settings.splitter, settings.official, settings.pad_to) == (
        "nfkc",
        split.GPT2,
        True,
        "pow2",
    )
    assert KL3M.paper_settings(lowercase=True).lowercase
