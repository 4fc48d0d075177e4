"""The segmenter learns what is regular, whatever the batch, the process and the length of words."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import torch

from tokencraft.errors import ModelError, TrainingError
from tokencraft.morphology import MorphemeSegmenter, bio_to_segments, read_segmentations, segments_to_bio
from tokencraft.morphology.char_tagger import CharTagger
from tokencraft.morphology.segmenter import STRIDE, WINDOW, _windows

STEMS = ["do", "like", "kind", "tie", "lock", "pack", "wind", "fold", "seal", "fair", "able", "even"]
ROWS = [(f"un{stem}", f"un @@{stem}") for stem in STEMS] + [(f"{stem}ing", f"{stem} @@ing") for stem in STEMS]


@pytest.fixture(scope="module")
def segmenter() -> MorphemeSegmenter:
    return MorphemeSegmenter.fit(ROWS * 4, epochs=25, batch_size=24, seed=1)


def test_it_learns_what_is_regular(segmenter: MorphemeSegmenter) -> None:
    gold = [bio_to_segments(word, segments_to_bio(word, segments)) for word, segments in ROWS]
    assert segmenter.segment([word for word, _ in ROWS]) == gold
    assert segmenter.segment(["UNroll", "", "a"]) == [["un", "roll"], [], ["a"]]


def test_text_is_cut_into_words_and_marks(segmenter: MorphemeSegmenter) -> None:
    assert segmenter.segment_text("Unlock, (folding)!") == ["un", "##lock", ",", "(", "fold", "##ing", ")", "!"]
    assert segmenter.segment_text("") == []


def test_tags_do_not_hang_on_the_batch(segmenter: MorphemeSegmenter) -> None:
    words = ["un" + "folding" * n for n in range(1, 9)] + ["undo"] * 5
    together = segmenter.segment(words)
    assert together == [segmenter.segment([word])[0] for word in words]
    assert together == segmenter.segment(words, batch_size=3)
    assert all("".join(pieces) == word for pieces, word in zip(together, words, strict=True))


def test_nothing_of_a_long_word_is_lost(segmenter: MorphemeSegmenter) -> None:
    word = "lockingfoldingpackingwindingsealingfairing"
    assert len(word) > WINDOW
    pieces = segmenter.segment([word])[0]
    assert "".join(pieces) == word
    assert len(pieces) > 3


@pytest.mark.parametrize("length", range(1, 120))
def test_windows_cover_a_word(length: int) -> None:
    starts = _windows(length)
    covered = {at for start in starts for at in range(start, min(length, start + WINDOW))}
    assert covered == set(range(length))
    assert all(b - a <= STRIDE for a, b in itertools.pairwise(starts))


def test_the_same_seed_gives_the_same_segmenter() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = MorphemeSegmenter.fit(ROWS, epochs=2, batch_size=8, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(7)
    second = MorphemeSegmenter.fit(ROWS, epochs=2, batch_size=8, seed=3)
    assert all(torch.equal(a, b) for a, b in zip(first._tagger.parameters(), second._tagger.parameters(), strict=True))


def test_saved_and_loaded(segmenter: MorphemeSegmenter, tmp_path: Path) -> None:
    segmenter.save_pretrained(tmp_path / "a")
    loaded = MorphemeSegmenter.from_pretrained(tmp_path / "a")
    words = [word for word, _ in ROWS]
    assert loaded.segment(words) == segmenter.segment(words)
    config = json.loads((tmp_path / "a" / "config.json").read_text(encoding="utf-8"))
    assert config["id2label"] == {"0": "B", "1": "I"}
    (tmp_path / "a" / "config.json").write_text(json.dumps(config | {"width": 64}), encoding="utf-8")
    with pytest.raises(ModelError, match="do not fit the configuration"):
        MorphemeSegmenter.from_pretrained(tmp_path / "a")
    (tmp_path / "a" / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelError, match="a 'bert' model is no segmenter"):
        MorphemeSegmenter.from_pretrained(tmp_path / "a")
    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        MorphemeSegmenter.from_pretrained(tmp_path / "b")


def test_the_size_is_that_of_the_description() -> None:
    tagger = CharTagger(60)
    blocks = sum(weight.numel() for weight in tagger.blocks.parameters())
    assert blocks == 5 * (128 * 128 * 3 + 128 + 2 * 128)
    assert 0.24e6 < sum(weight.numel() for weight in tagger.parameters()) < 0.27e6


def test_padding_has_no_influence() -> None:
    tagger = CharTagger(30).eval()
    ids = torch.randint(2, 30, (1, 7))
    padded = torch.cat([ids, torch.zeros(1, 9, dtype=torch.long)], 1)
    mask = torch.tensor([[1.0] * 7 + [0.0] * 9])
    alone = tagger(ids, torch.ones(1, 7))
    assert torch.allclose(tagger(padded, mask)[:, :7], alone, atol=1e-6)


def test_canine_stands_behind_the_same_interface(tmp_path: Path) -> None:
    segmenter = MorphemeSegmenter.fit(ROWS * 2, "canine", epochs=2, batch_size=24, learning_rate=1e-3)
    words = ["unlock", "f" * 40]
    assert ["".join(pieces) for pieces in segmenter.segment(words)] == words
    segmenter.save_pretrained(tmp_path / "canine")
    assert json.loads((tmp_path / "canine" / "config.json").read_text(encoding="utf-8"))["model_type"] == "canine"
    assert MorphemeSegmenter.from_pretrained(tmp_path / "canine").segment(words) == segmenter.segment(words)


def test_there_must_be_something_to_learn_from() -> None:
    with pytest.raises(TrainingError, match="no words of fewer than 30 letters"):
        MorphemeSegmenter.fit([("x" * 30, "x" * 30)])
    with pytest.raises(TrainingError, match="'charcnn', 'canine' or"):
        MorphemeSegmenter.fit(ROWS, "bert")  # type: ignore[arg-type]


def test_unseen_english_words(data_folder: Path) -> None:
    rows = list(read_segmentations(data_folder / "morphology" / "english_segmentation.dev.tsv.gz"))[:2500]
    held_out, train = rows[::10], [row for at, row in enumerate(rows) if at % 10]
    segmenter = MorphemeSegmenter.fit(train, epochs=2, batch_size=64)
    guesses = segmenter.segment([row.word for row in held_out])

    def cuts(pieces: list[str]) -> set[int]:
        return {sum(map(len, pieces[:at])) for at in range(1, len(pieces))}

    gold = [cuts(bio_to_segments(row.word, segments_to_bio(row.word, row.segments))) for row in held_out]
    found = [cuts(pieces) for pieces in guesses]
    shared = sum(len(a & b) for a, b in zip(gold, found, strict=True))
    f1 = 2 * shared / (sum(map(len, gold)) + sum(map(len, found)))
    everywhere = [set(range(1, len(row.word))) for row in held_out]
    chance = 2 * sum(map(len, gold)) / (sum(map(len, gold)) + sum(map(len, everywhere)))
    assert f1 > 0.5 > chance + 0.1
