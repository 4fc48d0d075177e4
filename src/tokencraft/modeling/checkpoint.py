"""The checkpoint of a training run: one safetensors file, replaced in one rename."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tokencraft.errors import TrainingError
from tokencraft.report import atomic_path

FILE_NAME = "checkpoint.safetensors"

Log = TypeVar("Log")


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps its state, and what that state must belong to.

    Args:
        path: the file; None where nothing is kept.
        model: the model being trained.
        identity: JSON values that must be the same for a run to go on: plan, data, initial model.
    """

    path: Path | None
    model: nn.Module
    identity: dict[str, Any]

    @classmethod
    def open(cls, folder: Path | str | None, model: nn.Module, identity: dict[str, Any]) -> Checkpoint:
        """The checkpoint of ``folder``; call it before the model changes, since its initial weights are part of it."""
        path = None if folder is None else Path(folder) / FILE_NAME
        return cls(path, model, identity | {"model": _fingerprint(model)} if path else identity)

    def save(self, optimizer: torch.optim.Optimizer, log: Any) -> None:
        """Replaces the checkpoint by the present state; on any error the one before stays whole."""
        if self.path is None:
            return
        tensors = {f"model.{name}": parameter.detach() for name, parameter in self._learning().items()}
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items() if value is not None}
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_available():
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        metadata = {"identity": json.dumps(self.identity, sort_keys=True), "log": json.dumps(vars(log))}
        with atomic_path(self.path) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)

    def restore(self, optimizer: torch.optim.Optimizer, log: Log) -> Log:
        """Puts a saved state, if there is one, into the model, the optimiser and the random states.

        Returns:
            The saved log, or ``log`` where nothing is saved.

        Raises:
            TrainingError: if the file is damaged or belongs to another run; the message names what differs.
        """
        if self.path is None or not self.path.is_file():
            return log
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
        except (SafetensorError, OSError) as error:
            raise TrainingError(
                f"{self.path}: the checkpoint cannot be read ({error}); delete it to start over"
            ) from error
        self._compare(json.loads(metadata["identity"]))
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                states.setdefault(int(index), {})[key] = tensor
        with torch.no_grad():
            for name, parameter in self._learning().items():
                parameter.copy_(tensors[f"model.{name}"])
        optimizer.load_state_dict(optimizer.state_dict() | {"state": states})
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["random.cuda"])
        return type(log)(**json.loads(metadata["log"]))

    def _learning(self) -> dict[str, nn.Parameter]:
        return {name: parameter for name, parameter in self.model.named_parameters() if parameter.requires_grad}

    def _compare(self, saved: dict[str, Any]) -> None:
        mine = json.loads(json.dumps(self.identity))
        for name in sorted(mine.keys() | saved.keys()):
            if mine.get(name) != saved.get(name):
                raise TrainingError(
                    f"{self.path}: the checkpoint belongs to another run: {name} was {saved.get(name)!r} and is "
                    f"{mine.get(name)!r} now; go back to that, or delete the checkpoint to start over"
                )


def _fingerprint(model: nn.Module) -> str:
    """A hash of names, shapes and first values of all parameters: it tells models apart and is cheap for large ones."""
    digest = hashlib.blake2b(digest_size=16)
    for name, parameter in model.named_parameters():
        sample = parameter.detach().flatten()[:4096].float().cpu()
        digest.update(f"{name} {tuple(parameter.shape)}".encode())
        digest.update(sample.numpy().tobytes())
    return digest.hexdigest()
