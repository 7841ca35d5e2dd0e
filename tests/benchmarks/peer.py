"""Put the program that speed is compared with into a folder of its own.

ultralytics is AGPL-3.0: it is never a dependency, only a program beside ours on this machine. It
shares the installed torch, so both run on the same build.
"""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.cells import HOME

FOLDER = HOME / "peer"
PACKAGES = ("ultralytics==8.3.235", "ultralytics-thop", "py-cpuinfo", "matplotlib", "polars")


def main() -> None:
    """Install it, without its own torch and OpenCV."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", FOLDER, "--upgrade"]
    subprocess.run([*pip, "--no-deps", *PACKAGES], check=True)
    more = ("pyyaml", "requests", "contourpy", "cycler", "fonttools", "kiwisolver", "pyparsing")
    subprocess.run([*pip, "--no-deps", *more, "polars-runtime-32"], check=True)
