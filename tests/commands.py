"""The command line in a process of its own, as a person calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ASSAY = (sys.executable, "-c", "from core.cli import main; main()")


def run_assay(
    *words: object, home: Path, code: int = 0, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with warnings as errors.

    Args:
        words: The command and its arguments.
        home: ASSAY_HOME.
        code: The exit code that is expected.
        environment: Further variables.
    """
    done = subprocess.run(
        [*ASSAY, *map(str, words)],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "ASSAY_HOME": str(home),
            "PYTHONWARNINGS": "error",
            **(environment or {}),
        },
        timeout=240,
    )
    assert done.returncode == code, done.stderr
    return done
