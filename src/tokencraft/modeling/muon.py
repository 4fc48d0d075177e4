"""Muon for the matrices of a model's body and AdamW for everything else, as one optimiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class MuonAdamW(torch.optim.Optimizer):
    """Two optimisers behind one face, so that a training loop and its checkpoint need not know.

    Args:
        matrices: parameters for Muon, each two-dimensional.
        others: parameters for AdamW.
        plan: the :class:`~tokencraft.modeling.training.TrainingPlan`.
    """

    def __init__(self, matrices: list[nn.Parameter], others: list[nn.Parameter], plan: Any) -> None:
        # Updates scaled to AdamW's root mean square, so that one learning rate serves both.
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.Muon(
                matrices, lr=plan.learning_rate, weight_decay=plan.weight_decay, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(others, lr=plan.learning_rate, betas=plan.betas, weight_decay=0.0, fused=True),
        ]
        super().__init__([{"params": matrices}, {"params": others}], {"lr": plan.learning_rate})
        self._share()

    def _share(self) -> None:
        """One set of groups and states, seen from here and from the parts."""
        self.state.clear()
        for group, part in zip(self.param_groups, self._parts, strict=True):
            for name, value in part.param_groups[0].items():
                group.setdefault(name, value)
            part.param_groups = [group]
            part.state = self.state

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # no closure
        """One step of both."""
        for part in self._parts:
            part.step()
        return None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores both."""
        super().load_state_dict(state_dict)
        for group, part in zip(self.param_groups, self._parts, strict=True):
            part.param_groups = [group]
            part.state = self.state
