"""Where a fold's learning stands, as one file that is replaced whole after every epoch.

The file is safetensors with the figures as JSON in its header: weights and figures cannot fall
apart, and a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import ConfigError
from core.files import replacing
from core.model.finetune.figures import Epoch

Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True)
class FoldState:
    """How far a fold has come.

    Attributes:
        history: Epoch 0 and one entry an epoch behind us.
        chosen: Number of the epoch with the least loss so far.
        confusion: That epoch's confusion matrix.
        tensors: Its averaged weights under ``chosen.``, and what the next epoch starts from.
    """

    history: tuple[Epoch, ...]
    chosen: int
    confusion: NDArray[np.int64]
    tensors: Mapping[str, torch.Tensor]

    def part(self, name: str) -> Tensors:
        """Return the tensors under ``name.``."""
        start = f"{name}."
        return {k[len(start) :]: v for k, v in self.tensors.items() if k.startswith(start)}


def prefix_names(name: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Return copies of tensors under ``name.``."""
    return {f"{name}.{key}": value.detach().clone() for key, value in tensors.items()}


def write(state: FoldState, path: Path, key: str) -> None:
    """Replace the file by where things stand.

    Args:
        state: What is kept.
        path: The file.
        key: Names data and plan; only a run with the same goes on from here.
    """
    from safetensors.torch import save_file

    header = {
        "key": key,
        "history": [asdict(epoch) for epoch in state.history],
        "chosen": state.chosen,
        "confusion": state.confusion.tolist(),
    }
    with replacing(path) as temporary:
        save_file(dict(state.tensors), temporary, metadata={"state": json.dumps(header)})


def read(path: Path, key: str) -> FoldState | None:
    """Return where a run with the same key stopped; None where there is none.

    Raises:
        ConfigError: The file is damaged.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            header = json.loads((file.metadata() or {})["state"])
        tensors = load_file(path)
    except (SafetensorError, KeyError, ValueError) as exc:
        raise ConfigError(
            f"The unfinished fine-tuning at {path} is damaged: {exc}.",
            hint="Remove its folder; training then starts again.",
        ) from exc
    if header["key"] != key:
        return None
    history = tuple(Epoch(**epoch) for epoch in header["history"])
    return FoldState(history, header["chosen"], np.array(header["confusion"], np.int64), tensors)
