"""Tensors of a model folder, read and written one at a time, for models larger than memory."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor

from tokencraft.errors import ModelError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

_TYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
_NAMES = {dtype: name for name, dtype in _TYPES.items()}


class TensorSpec(NamedTuple):
    """A tensor before its values are there."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def bytes(self) -> int:
        """Its size in a file."""
        return math.prod(self.shape) * self.dtype.itemsize


class TensorReader:
    """The tensors of a model folder, by name, without loading the folder.

    Args:
        folder: holds ``model.safetensors``, or ``model.safetensors.index.json`` and the shards it names.

    Raises:
        ModelError: if there are no safetensors, a shard is missing, or a file is truncated.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        self.specs: dict[str, TensorSpec] = {}
        self._files: dict[str, Path] = {}
        self._open: dict[Path, Any] = {}
        self._stack = ExitStack()
        for path in _weight_files(self.folder):
            for spec in read_header(path):
                self.specs[spec.name] = spec
                self._files[spec.name] = path

    def __enter__(self) -> TensorReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the files."""
        self._open.clear()
        self._stack.close()

    @property
    def names(self) -> list[str]:
        """Names of all tensors, in the order of the files."""
        return list(self.specs)

    def read(self, name: str) -> Tensor:
        """The whole tensor."""
        tensor: Tensor = self._file(name).get_tensor(name)
        return tensor

    def read_rows(self, name: str, start: int, stop: int) -> Tensor:
        """Rows ``start`` to ``stop`` of a tensor, without reading the others."""
        rows: Tensor = self._file(name).get_slice(name)[start:stop]
        return rows

    def _file(self, name: str) -> Any:
        if name not in self._files:
            raise ModelError(f"{self.folder}: there is no tensor {name!r}")
        path = self._files[name]
        if path not in self._open:
            self._open[path] = self._stack.enter_context(safe_open(path, framework="pt"))
        return self._open[path]


class ShardedWriter:
    """Writes tensors into a model folder in pieces, holding no more than a piece in memory.

    Args:
        folder: where to; files of the same names are replaced.
        specs: every tensor there will be, in the order it will be written.
        shard_bytes: a new file starts where the present one would grow larger than this.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with ShardedWriter(folder, [TensorSpec("weight", (3, 2), torch.float32)]) as writer:
        ...     writer.write("weight", [torch.zeros(1, 2), torch.ones(2, 2)])
        >>> TensorReader(folder).read_rows("weight", 1, 2).tolist()
        [[1.0, 1.0]]
    """

    def __init__(self, folder: Path | str, specs: Sequence[TensorSpec], *, shard_bytes: int = 5_000_000_000) -> None:
        self.folder = Path(folder)
        self._shards: list[list[TensorSpec]] = [[]]
        filled = 0
        for spec in specs:
            if self._shards[-1] and filled + spec.bytes > shard_bytes:
                self._shards.append([])
                filled = 0
            self._shards[-1].append(spec)
            filled += spec.bytes
        self._todo = [(shard, spec) for shard, specs in enumerate(self._shards) for spec in specs]
        self._file: Any = None
        self._shard = -1

    def __enter__(self) -> ShardedWriter:
        return self

    def write(self, name: str, pieces: Iterable[Tensor]) -> None:
        """Writes the next tensor from consecutive groups of its rows.

        Raises:
            ModelError: if it is not the next one, or the pieces are not as large as announced.
        """
        shard, spec = self._todo.pop(0)
        if spec.name != name:
            raise ModelError(f"the next tensor to write is {spec.name!r}, not {name!r}")
        if shard != self._shard:
            self._start(shard)
        written = 0
        for piece in pieces:
            data = piece.detach().to("cpu", spec.dtype).contiguous().flatten().view(torch.uint8).numpy()
            self._file.write(data.data)
            written += data.nbytes
        if written != spec.bytes:
            raise ModelError(f"{name} was announced with {spec.bytes} bytes and came with {written}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the files and writes the index."""
        if self._file is not None:
            self._file.close()
        if kind is not None:
            return
        if self._todo:
            raise ModelError(
                f"{len(self._todo)} tensors were announced but not written, first {self._todo[0][1].name!r}"
            )
        if len(self._shards) > 1:
            names = {spec.name: self._name(number) for number, specs in enumerate(self._shards) for spec in specs}
            size = sum(spec.bytes for specs in self._shards for spec in specs)
            index = {"metadata": {"total_size": size}, "weight_map": names}
            (self.folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")

    def _name(self, shard: int) -> str:
        if len(self._shards) == 1:
            return SINGLE
        return f"model-{shard + 1:05d}-of-{len(self._shards):05d}.safetensors"

    def _start(self, shard: int) -> None:
        """Opens the next file and writes its header."""
        if self._file is not None:
            self._file.close()
        header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
        at = 0
        for spec in self._shards[shard]:
            offsets = [at, at + spec.bytes]
            header[spec.name] = {"dtype": _NAMES[spec.dtype], "shape": list(spec.shape), "data_offsets": offsets}
            at += spec.bytes
        encoded = json.dumps(header, separators=(",", ":")).encode()
        encoded += b" " * (-len(encoded) % 8)  # values start at a multiple of 8, as the format asks
        self._file = open(self.folder / self._name(shard), "wb")  # noqa: SIM115 - closed by __exit__
        self._file.write(struct.pack("<Q", len(encoded)) + encoded)
        self._shard = shard


def read_header(path: Path) -> list[TensorSpec]:
    """Name, shape and type of every tensor in a safetensors file, having checked that the file is whole.

    Raises:
        ModelError: if the file is damaged or truncated.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else -1
        if not 0 < length <= min(size - 8, 100_000_000):
            raise ModelError(f"{path}: this is no safetensors file, or it is truncated ({size} bytes)")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise ModelError(f"{path}: the safetensors header is damaged: {error}") from error
    header.pop("__metadata__", None)
    try:
        specs = [
            TensorSpec(name, tuple(entry["shape"]), _TYPES[entry["dtype"]])
            for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"][0])
        ]
        end = 8 + length + max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (KeyError, TypeError, IndexError) as error:
        raise ModelError(f"{path}: the safetensors header is damaged or of an unknown kind: {error!r}") from error
    if end != size:
        raise ModelError(f"{path}: the file is truncated: its header speaks of {end} bytes and it has {size}")
    return specs


def _weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model folder, all of them there."""
    if (folder / INDEX).is_file():
        try:
            names = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as error:
            raise ModelError(f"{folder / INDEX}: the index of the shards is damaged: {error}") from error
        for name in names:
            if Path(name).name != name or not (folder / name).is_file():
                raise ModelError(f"{folder / name}: the shard that {INDEX} names is missing")
        return [folder / name for name in names]
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    pickles = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(pattern))
    if pickles:
        raise ModelError(
            f"{folder}: the weights are pickle files ({pickles[0]}), which can run code when they are read; "
            "convert them to safetensors first"
        )
    raise ModelError(f"{folder}: there is no {SINGLE}")
