"""Put the programs that Assay is compared with into folders of their own.

ultralytics is AGPL-3.0: it is never a dependency, only a program beside ours on this machine. All
share the installed torch, so that they run on the same build.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.sets import HOME

FOLDER = HOME / "peer"
ANOMALIB = HOME / "anomalib"
ANOMALIB_PACKAGES = (
    "anomalib==2.7.0",
    "antlr4-python3-runtime==4.9.3",
    "einops",
    "freia",
    "ftfy",
    "jsonargparse",
    "kornia",
    "kornia-rs",
    "lightning",
    "lightning-utilities",
    "contourpy",
    "cycler",
    "fonttools",
    "kiwisolver",
    "matplotlib",
    "omegaconf",
    "open-clip-torch",
    "platformdirs",
    "pyparsing",
    "regex",
    "torchmetrics",
    "wcwidth",
)
PACKAGES = ("ultralytics==8.3.235", "ultralytics-thop", "py-cpuinfo", "matplotlib", "polars")


def main() -> None:
    """Install them, without their own torch and OpenCV."""
    more = ("pyyaml", "requests", "contourpy", "cycler", "fonttools", "kiwisolver", "pyparsing")
    for folder, packages in (
        (FOLDER, (*PACKAGES, *more, "polars-runtime-32")),
        (ANOMALIB, ANOMALIB_PACKAGES),
    ):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, "--upgrade"]
        subprocess.run([*pip, "--no-deps", *packages], check=True)


def environment(threads: int) -> dict[str, str]:
    """Give the peer's processes their packages, and keep them off the network."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "PYTHONPATH": str(FOLDER.resolve()),
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "YOLO_CONFIG_DIR": str(HOME.resolve()),
    }


def exported() -> Path:
    """Export the peer's network to OpenVINO as it does it itself, once."""
    folder = HOME / "yolo11n-cls_openvino_model"
    if not folder.exists():
        code = (
            "from ultralytics import YOLO; "
            "print(YOLO('yolo11n-cls.yaml').export(format='openvino', imgsz=224))"
        )
        subprocess.run([sys.executable, "-c", code], check=True, cwd=HOME, env=environment(2))
    return folder
