"""`assay assess` with everything it does against ultralytics `yolo11n-cls` predict, interleaved.

Both are processes of their own on the same machine and pictures; passes alternate, and the ratio is
taken pair by pair. The peer's network has random weights, which changes nothing about its speed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from core.service.bundles import certify_bundle, open_bundle
from core.service.training import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.parts import elpv
from tests.benchmarks.cells import HOME
from tests.benchmarks.peer import FOLDER

PAIRS = 5
SIZES = {"300x300": (300, 300, 600), "1280x960": (1280, 960, 600)}


def main() -> None:
    """Print pictures a second of both sides and their ratio, for two sizes of picture."""
    bundle = trained(Settings(home=HOME))
    for name, (width, height, count) in SIZES.items():
        _compare(name, bundle, _pictures(name, width, height, count))


def trained(settings: Settings) -> Path:
    """Train and certify on the solar cells, once."""
    bundle = HOME / "speed"
    if not (bundle / "SHA256SUMS").exists():
        if not (HOME / "elpv" / "manifest.csv").exists():
            elpv.get(HOME / "elpv")
        train(TrainSpec("parts", HOME / "elpv", bundle), settings)
    certify_bundle(open_bundle(bundle, settings), Targets())
    return bundle


def _pictures(name: str, width: int, height: int, count: int) -> Path:
    """Write JPEGs cut from real photographs, so that decoding costs what it costs in life."""
    folder = HOME / f"pictures-{name}"
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    photos = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    for number in range(count):
        photo = photos[number % len(photos)]
        h, w = photo.shape[:2]
        side = int(rng.uniform(0.6, 1.0) * min(h, w))
        y, x = rng.integers(0, h - side + 1), rng.integers(0, w - side + 1)
        cut = cv2.resize(photo[y : y + side, x : x + side], (width, height))
        noisy = np.clip(cut + rng.normal(0, 4, cut.shape), 0, 255).astype(np.uint8)
        file = str(folder / f"{number:04}.jpg")
        cv2.imwrite(file, noisy[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return folder


def _compare(name: str, bundle: Path, folder: Path) -> None:
    ours, peer = _start("ours", bundle, folder), _start("peer", bundle, folder)
    rows = [(_pass(ours), _pass(peer)) for _ in range(PAIRS)]
    for process in (ours, peer):
        process.stdin.close()
        process.wait()
    speeds = np.array([[a[0], b[0]] for a, b in rows])
    cpu = np.array([[a[1], b[1]] for a, b in rows])
    for column, side in enumerate(("ours", "peer")):
        low, middle, high = np.percentile(speeds[:, column], [0, 50, 100])
        print(
            f"{name} {side}: images a second min {low:.0f}, median {middle:.0f}, max {high:.0f}; "
            f"CPU ms an image {np.median(cpu[:, column]):.2f}"
        )
    ratio = np.percentile(speeds[:, 0] / speeds[:, 1], [0, 50, 100])
    best = speeds[:, 0].max() / speeds[:, 1].max()
    print(
        f"{name} ratio: min {ratio[0]:.2f}, median {ratio[1]:.2f}, max {ratio[2]:.2f} over {PAIRS} "
        f"pairs; best against best {best:.2f}"
    )


def _start(side: str, bundle: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "ASSAY_HOME": str(HOME),
        "OMP_NUM_THREADS": "1" if side == "ours" else "2",
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "YOLO_CONFIG_DIR": str(HOME.resolve()),
    }
    if side == "peer":
        environment["PYTHONPATH"] = str(FOLDER.resolve())
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("runner.py"), side, bundle, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    while process.stdout.readline() != "ready\n":
        if process.poll() is not None:
            sys.exit(f"{side} did not start; `python -m tests.benchmarks peer` installs the peer.")
    return process


def _pass(process: subprocess.Popen[str]) -> tuple[float, float]:
    process.stdin.write("go\n")
    process.stdin.flush()
    speed, cpu = process.stdout.readline().split()
    return float(speed), float(cpu)
