"""Types of the C++ kernels (src/native)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

UNICODE_VERSION: str

def split(pattern: int, data: str | bytes) -> npt.NDArray[np.uint32]:
    """End offsets in bytes of the pieces of ``data`` by the pattern with this number (see ``vocabulary/split.py``)."""
