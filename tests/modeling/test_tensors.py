"""Our reader and writer against the safetensors library, and every way a file can be broken."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tokencraft.errors import ModelError
from tokencraft.modeling.tensors import INDEX, SINGLE, ShardedWriter, TensorReader, TensorSpec, read_header

DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool]


@given(st.lists(st.tuples(st.sampled_from(DTYPES), st.integers(1, 7), st.integers(1, 5)), min_size=1, max_size=6))
def test_the_library_reads_what_we_write(shapes: list[tuple[torch.dtype, int, int]]) -> None:
    import tempfile

    tensors = {
        f"layer.{index}": torch.arange(rows * width).reshape(rows, width).to(dtype)
        for index, (dtype, rows, width) in enumerate(shapes)
    }
    specs = [TensorSpec(name, tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()]
    with tempfile.TemporaryDirectory() as folder:
        with ShardedWriter(folder, specs, shard_bytes=100) as writer:
            for name, tensor in tensors.items():
                writer.write(name, [tensor[:1], tensor[1:]])
        files = sorted(Path(folder).glob("*.safetensors"))
        found = {name: tensor for file in files for name, tensor in load_file(file).items()}
        assert found.keys() == tensors.keys()
        assert all(
            torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype for name, tensor in tensors.items()
        )
        if len(files) > 1:
            index = json.loads((Path(folder) / INDEX).read_text())
            assert {name: load_file(Path(folder) / file)[name].shape for name, file in index["weight_map"].items()}
            assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in tensors.values())
        else:
            assert files[0].name == SINGLE


def test_we_read_what_the_library_writes(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(5, 3), "b": torch.randn(2).bfloat16(), "scalar": torch.tensor(3.0)}
    save_file(tensors, tmp_path / SINGLE, {"format": "pt"})
    with TensorReader(tmp_path) as reader:
        assert set(reader.names) == set(tensors)
        assert all(torch.equal(reader.read(name), tensor) for name, tensor in tensors.items())
        assert torch.equal(reader.read_rows("a", 1, 4), tensors["a"][1:4])
        assert reader.specs["b"] == TensorSpec("b", (2,), torch.bfloat16)
        with pytest.raises(ModelError, match="no tensor 'c'"):
            reader.read("c")


def test_writer_holds_to_what_was_announced(tmp_path: Path) -> None:
    specs = [TensorSpec("a", (2, 2), torch.float32), TensorSpec("b", (1,), torch.float32)]
    whole, half = torch.zeros(2, 2), torch.zeros(1, 2)
    for name, piece, message in (
        ("b", half, "next tensor to write is 'a'"),
        ("a", half, "announced with 16 bytes and came with 8"),
        ("a", whole, "1 tensors were announced but not written, first 'b'"),
    ):
        with pytest.raises(ModelError, match=message), ShardedWriter(tmp_path, specs) as writer:
            writer.write(name, [piece])


@pytest.mark.parametrize("cut", [0, 4, 8, 30, -1])
def test_truncated_files_are_found(tmp_path: Path, cut: int) -> None:
    path = tmp_path / SINGLE
    save_file({"a": torch.randn(5, 3)}, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"truncated|damaged"):
        read_header(path)


def test_damaged_headers_are_found(tmp_path: Path) -> None:
    path = tmp_path / SINGLE
    for header in (b"not json", b'{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}', b'{"a":3}'):
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
        with pytest.raises(ModelError, match="damaged"):
            read_header(path)


def test_folders_without_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"there is no model\.safetensors"):
        TensorReader(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"pickle files \(pytorch_model.bin\)"):
        TensorReader(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(ModelError, match=r"shard that model\.safetensors\.index\.json names is missing"):
        TensorReader(tmp_path)
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {"a": "../outside.safetensors"}}))
    with pytest.raises(ModelError, match="missing"):
        TensorReader(tmp_path)
    (tmp_path / INDEX).write_text("{")
    with pytest.raises(ModelError, match="index of the shards is damaged"):
        TensorReader(tmp_path)
