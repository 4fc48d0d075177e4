"""The two weightings of TokenAdapt, from cosines to weights that sum to 1."""

from __future__ import annotations

import numpy as np

from tokencraft.transplant.combinations import Weights

TEMPERATURE_FLOOR = 1e-5
"""Added to every temperature, as published."""


def local_weights(cosines: Weights, shares: Weights, temperature: float) -> Weights:
    """Weights of a token's pieces.

    Args:
        cosines: ``[n]``, of each piece with the whole.
        shares: ``[n]``, length of each piece in that of the whole.
        temperature: of the outer softmax.

    Example:
        >>> local_weights(np.array([0.9, 0.3]), np.array([3, 2]) / 5, temperature=0.3).round(4).tolist()
        [0.694, 0.306]
    """
    return softmax((softmax(cosines) + shares) / 2 / (temperature + TEMPERATURE_FLOOR))


def global_weights(cosines: Weights, temperature: float, threshold: float) -> Weights:
    """Weights of a token's neighbours; empty where none reaches the threshold.

    Args:
        cosines: ``[k]``, of each neighbour with the token.
        temperature: of the softmax.
        threshold: neighbours below it get weight 0.
    """
    weights = np.where(cosines < threshold, 0.0, softmax(cosines / (temperature + TEMPERATURE_FLOOR)))
    total = weights.sum()
    return weights / total if total > 0 else np.zeros(0)


def softmax(values: Weights) -> Weights:
    """Softmax in float64."""
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
