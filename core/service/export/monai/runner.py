"""MONAI's own runner, in a process of its own, over pictures as files."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from core.errors import ParityError
from core.types import F32

CONFIG = "configs/inference.json"
_LONGEST_S = 600
_SHOWN = 400


def run_bundle(bundle: Path, pictures: Path, out: Path) -> dict[str, F32]:
    """Return what ``python -m monai.bundle run`` gives for a folder of pictures.

    Args:
        bundle: A MONAI bundle.
        pictures: Folder of pictures.
        out: Folder to write ``predictions.csv`` into.

    Returns:
        What the network gave for each file, by the file's name.

    Raises:
        ParityError: The runner failed.
    """
    asked = [sys.executable, "-m", "monai.bundle", "run", "--config_file", CONFIG]
    asked += ["--dataset_dir", str(pictures.resolve()), "--output_dir", str(out.resolve())]
    quiet = {"PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        asked,
        cwd=bundle,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    if done.returncode:
        raise ParityError(
            f"MONAI does not run the exported bundle: {done.stderr.strip()[-_SHOWN:]}.",
            hint="pip install monai pytorch-ignite fire, and export again.",
        )
    with (out / "predictions.csv").open(newline="") as lines:
        table = csv.reader(lines)
        return {Path(name).name: np.array(values, np.float32) for name, *values in table}
