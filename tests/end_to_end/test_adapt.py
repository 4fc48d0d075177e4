"""``tokencraft adapt`` from outside: what it writes, that kills cost nothing, that faults are named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import torch

from tokencraft.cli import main
from tokencraft.modeling.loading import load_model
from tokencraft.modeling.scoring import bits_per_byte
from tokencraft.vocabulary import Vocabulary

STAGES = ["base", "corpus", "vocabulary", "measure", "transplant", "pack", "heal", "control", "score", "report"]

# Runs the command and kills its own process at a named point: in the middle of a stage's work ("heal:3" is after three
# training steps), or after the work and before its record is written ("corpus").
SELF_KILLING = textwrap.dedent(
    """
    import os, signal, sys
    from tokencraft.adapt import pipeline, stage
    from tokencraft.cli import main

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    where, _, step = sys.argv[1].partition(":")
    if step:
        real = pipeline.Adaptation._continue
        def continued(self, folder, *rest):
            if folder.name.endswith(where):
                self.on_progress = lambda what, done, total: die() if done == int(step) else None
            return real(self, folder, *rest)
        pipeline.Adaptation._continue = continued
    else:
        real = stage.write_json
        def written(path, value):
            if path.name == "done.json" and path.parent.name.endswith(where):
                die()
            real(path, value)
        stage.write_json = written
    sys.exit(main(sys.argv[2:]))
    """
)


@pytest.fixture(scope="module")
def undisturbed(adapt_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    assert main(["adapt", *adapt_arguments, "--output", str(output)]) == 0
    return output


def report_of(output: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((output / "report.json").read_text(encoding="utf-8"))
    return report


def test_the_report_follows_its_schema(undisturbed: Path) -> None:
    schema = json.loads(resources.files("tokencraft.adapt").joinpath("report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(report_of(undisturbed), schema)


def test_the_folder_is_a_model_that_transformers_loads(undisturbed: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(undisturbed)
    tokenizer = AutoTokenizer.from_pretrained(undisturbed)
    ids = tokenizer("the cat sat", return_tensors="pt").input_ids
    made = model.generate(ids, max_new_tokens=8, do_sample=True, num_return_sequences=16, temperature=5.0, top_k=0)
    assert made.shape[0] == 16
    assert int(made.max()) < len(tokenizer), "rows beyond the vocabulary must never be sampled"
    assert tokenizer.decode(tokenizer("the cat\nsat").input_ids) == "the cat\nsat"
    assert tokenizer.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=False) == "<|user|>hi"


def test_special_tokens_keep_strings_roles_and_ids_in_the_report(undisturbed: Path, model_folder: Path) -> None:
    before, after = Vocabulary.load(model_folder), Vocabulary.load(undisturbed)
    rows = {row["token"]: row for row in report_of(undisturbed)["special_tokens"]}
    assert set(rows) == {"<s>", "</s>", "<|user|>"}
    for token, row in rows.items():
        assert before.tokens[row["id_before"]] == after.tokens[row["id_after"]] == token.encode()
    assert rows["<s>"]["roles"] == ["bos"]
    assert rows["</s>"]["roles"] == ["eos"]
    config = json.loads((undisturbed / "config.json").read_text())
    assert (config["bos_token_id"], config["eos_token_id"]) == (rows["<s>"]["id_after"], rows["</s>"]["id_after"])


def test_reported_numbers_can_be_measured_again(undisturbed: Path, model_folder: Path) -> None:
    report = report_of(undisturbed)
    texts = json.loads((undisturbed / "stages/02-corpus/evaluation.json").read_text())["held_out"]
    torch.set_num_threads(1)
    for name, folder in (("before", model_folder), ("healed", undisturbed)):
        measured = bits_per_byte(load_model(folder), Vocabulary.load(folder), texts)
        # Scored in float32 here, under autocast in bfloat16 there where the processor has it.
        assert measured == pytest.approx(report["model"][name]["bits_per_byte"], rel=2e-3)


def test_tokens_saved_is_what_counting_says(undisturbed: Path, model_folder: Path, corpus_file: Path) -> None:
    from tokencraft.corpus import Corpus

    held_out = list(Corpus.from_files(corpus_file).split(0.1)[1])
    before = sum(len(Vocabulary.load(model_folder).encode(text)) for text in held_out)
    after = sum(len(Vocabulary.load(undisturbed).encode(text)) for text in held_out)
    report = report_of(undisturbed)
    assert report["tokens_saved"]["against_before"] == pytest.approx(1 - after / before)
    assert report["corpus"]["held_out"]["documents"] == len(held_out)


def test_control_reads_the_same_bytes(undisturbed: Path) -> None:
    training = report_of(undisturbed)["training"]
    one_step = training["bytes"] / training["steps"]
    assert abs(training["control"]["bytes"] - training["bytes"]) <= one_step


def test_the_page_stands_alone(undisturbed: Path) -> None:
    page = (undisturbed / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert 'src="http' not in page
    assert "<svg" in page


def test_a_second_run_does_nothing_and_changes_nothing(
    undisturbed: Path, adapt_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.name != ".lock"}
    assert main(["adapt", *adapt_arguments, "--output", str(undisturbed), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == report_of(undisturbed)
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.name != ".lock"} == before


def test_kills_at_every_stage_change_nothing(undisturbed: Path, adapt_arguments: list[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = ["adapt", *adapt_arguments, "--output", str(output)]
    points = [point for name in STAGES for point in ([f"{name}:3", name] if name in ("heal", "control") else [name])]
    for point in points:
        killed = subprocess.run(
            [sys.executable, "-c", SELF_KILLING, point, *command], capture_output=True, text=True, timeout=120
        )
        assert killed.returncode == -signal.SIGKILL, f"{point}: {killed.stderr}"
    assert main(command) == 0
    disturbed, reference = report_of(output), report_of(undisturbed)
    disturbed.pop("timings"), reference.pop("timings")
    assert disturbed == reference
    assert (output / "model.safetensors").read_bytes() == (undisturbed / "model.safetensors").read_bytes()
    assert not list(output.rglob("*.tmp")), "nothing half-written is left"


def test_ctrl_c_while_healing_keeps_a_checkpoint(adapt_arguments: list[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    command = [sys.executable, "-m", "tokencraft", "adapt", *adapt_arguments, "--output", str(output)]
    command[command.index("--steps") + 1] = "3000"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        checkpoint = output / "stages/07-heal/checkpoint"
        while process.poll() is None and not (checkpoint.is_dir() and any(checkpoint.iterdir())):
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, messages
    assert "Traceback" not in messages
    assert any(checkpoint.iterdir())
    assert not (output / "stages/07-heal/done.json").exists()


def test_a_changed_option_is_named(
    undisturbed: Path, adapt_arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapt", *adapt_arguments, "--output", str(undisturbed), "--learning-rate", "0.5"]) == 1
    message = capsys.readouterr().err
    assert "--learning-rate" in message
    assert "--overwrite" in message


def test_overwrite_reruns_from_the_changed_stage(undisturbed: Path, adapt_arguments: list[str], tmp_path: Path) -> None:
    import shutil

    output = tmp_path / "out"
    shutil.copytree(undisturbed, output)
    changed = ["adapt", *adapt_arguments, "--output", str(output), "--freeze-body", "--overwrite"]
    assert main(changed) == 0
    report = report_of(output)
    assert report["training"]["trainable"] == "embeddings"
    assert report["tokenizer"] == report_of(undisturbed)["tokenizer"]
    reference, frozen = load_model(output / "stages/05-transplant/model"), load_model(output)
    for (name, start), (_, end) in zip(reference.named_parameters(), frozen.named_parameters(), strict=True):
        assert torch.equal(start, end) == ("embed" not in name and "lm_head" not in name), name


def test_a_dry_run_writes_nothing(
    adapt_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(["adapt", *adapt_arguments, "--output", str(output), "--dry-run", "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [row[0] for row in plan["rows"]] == [*STAGES, "all"]
    assert all(np.isfinite(row[2]) and row[2] >= 0 for row in plan["rows"])
    assert not output.exists()


def test_stop_after_a_stage(adapt_arguments: list[str], tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert main(["adapt", *adapt_arguments, "--output", str(output), "--stop-after", "vocabulary"]) == 0
    assert (output / "stages/03-vocabulary/done.json").exists()
    assert not (output / "stages/04-measure").exists()
    assert not (output / "report.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["{model}", "--output", "{out}"], 2, "--corpus"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--steps", "3", "--minutes", "1"], 2, "--minutes"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--initializer", "magic"], 2, "tokenadapt"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--stop-after", "nowhere"], 2, "vocabulary"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--context-length", "4096"], 2, "at most 64"),
        (["{model}", "--corpus", "{tmp}/none.txt", "--output", "{out}"], 1, "none.txt"),
        (["{tmp}/no-model", "--corpus", "{corpus}", "--output", "{out}"], 1, "no-model"),
        (["{model}", "--corpus", "{corpus}", "--output", "{taken}"], 1, "already holds something"),
        (["{model}", "--corpus", "{single}", "--output", "{out}"], 1, "too few documents"),
        (["{model}", "--corpus", "{empty}", "--output", "{out}"], 1, "empty"),
        (["{model}", "--corpus", "{latin}", "--output", "{out}"], 1, "byte 3"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--text-field", "body"], 1, "body"),
        (["{model}", "--corpus", "{corpus}", "--output", "{out}", "--vocab-size", "258"], 1, "258"),
        (["{mismatched}", "--corpus", "{corpus}", "--output", "{out}"], 1, "does not belong to this model"),
    ],
)
def test_bad_input_is_named(
    arguments: list[str],
    code: int,
    message: str,
    model_folder: Path,
    corpus_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "single.txt").write_text("one line\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 au lait\n" * 3)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/thesis.txt").write_text("mine")
    places = {
        "model": model_folder,
        "corpus": corpus_file,
        "tmp": tmp_path,
        "out": tmp_path / "out",
        "taken": tmp_path / "taken",
        "mismatched": _with_larger_tokenizer(model_folder, tmp_path / "mismatched"),
        **{name: tmp_path / f"{name}.txt" for name in ("single", "empty", "latin")},
    }
    assert main(["adapt", *(argument.format(**places) for argument in arguments)]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "out/report.json").exists()
    assert (tmp_path / "taken/thesis.txt").read_text() == "mine"


def _with_larger_tokenizer(model_folder: Path, folder: Path) -> Path:
    """The model with a tokenizer that has more tokens than the model has rows."""
    import shutil

    shutil.copytree(model_folder, folder)
    Vocabulary.load(model_folder).with_specials([f"<|extra{i}|>" for i in range(50)]).save(folder)
    return folder


def test_a_full_disk_keeps_what_is_done(adapt_arguments: list[str], tmp_path: Path) -> None:
    """A file-size limit stands for the full disk: the weights do not fit, the small records before them do."""
    output = tmp_path / "out"
    limited = textwrap.dedent(
        """
        import resource, signal, sys
        from tokencraft.cli import main
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
        sys.exit(main(sys.argv[1:]))
        """
    )
    command = ["adapt", *adapt_arguments, "--output", str(output)]
    full = subprocess.run([sys.executable, "-c", limited, *command], capture_output=True, text=True, timeout=120)
    assert full.returncode == 1, full.stderr
    assert "Traceback" not in full.stderr
    assert "disk is full" in full.stderr or "limit" in full.stderr
    done = sorted(path.parent.name for path in output.glob("stages/*/done.json"))
    assert done[:2] == ["01-base", "02-corpus"]
    assert main(command) == 0
    assert report_of(output)["schema"] == 1


def family_config(family: str, size: int) -> Any:
    """The smallest configuration of a family that is worth running."""
    from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig, Qwen2Config

    common: dict[str, Any] = {"vocab_size": size, "bos_token_id": 0, "eos_token_id": 1}
    wide = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    match family:
        case "gpt2":
            return GPT2Config(n_embd=32, n_layer=1, n_head=2, n_positions=64, **common)
        case "gpt_neox":
            return GPTNeoXConfig(max_position_embeddings=64, tie_word_embeddings=False, **wide, **common)
        case "qwen2":
            return Qwen2Config(max_position_embeddings=64, num_key_value_heads=1, **wide, **common)
        case _:
            return LlamaConfig(max_position_embeddings=64, tie_word_embeddings=False, **wide, **common)


@pytest.mark.parametrize("family", ["gpt2", "gpt_neox", "qwen2", "llama"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_families_tied_and_untied(
    family: str, dtype: torch.dtype, model_folder: Path, adapt_arguments: list[str], tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    vocabulary = Vocabulary.load(model_folder)
    config = family_config(family, len(vocabulary))
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).to(dtype).save_pretrained(tmp_path / "model")
    vocabulary.save(tmp_path / "model")
    output = tmp_path / "out"
    arguments = [str(tmp_path / "model"), *adapt_arguments[1:-1], "--output", str(output), "--steps", "2"]
    assert main(["adapt", *arguments]) == 0
    model = AutoModelForCausalLM.from_pretrained(output)
    assert model.dtype == dtype
    assert model.config.model_type == family
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    assert tied == config.tie_word_embeddings
    tokenizer, new = AutoTokenizer.from_pretrained(output), Vocabulary.load(output)
    text = "by way of the sea,\nthe cat went home  then"
    assert tokenizer(text, add_special_tokens=False).input_ids == new.encode(text).tolist()
    model.generate(tokenizer("the cat", return_tensors="pt").input_ids, max_new_tokens=3, do_sample=False)
