"""`assay assess` with everything it does against ultralytics `yolo11n-cls` predict, interleaved.

Ours in float32 and in the precision that `auto` chooses, the peer in torch and as its own OpenVINO
export: processes of their own on the same machine and pictures; passes alternate, and the ratio is
taken pass by pass. The peer's network has random weights, which changes nothing about its speed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.evaluation.evaluate import evaluate
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.parts import elpv
from tests.benchmarks.peer import environment, exported
from tests.benchmarks.sets import HOME

PAIRS = 5
RATIOS = (
    ("assay f32", "yolo11n-cls torch"),
    ("assay auto", "yolo11n-cls torch"),
    ("assay f32", "yolo11n-cls OpenVINO"),
    ("assay auto", "yolo11n-cls OpenVINO"),
)
SIZES = {
    "300x300": (300, 300, 600),
    "1280x960": (1280, 960, 600),
    "4000x3000": (4000, 3000, 100),
}


def main() -> None:
    """Print pictures a second of every side and our ratios, for three sizes of picture."""
    settings = Settings(home=HOME)
    sides = {
        "assay f32": ("ours", trained(settings, "f32")),
        "assay auto": ("ours", trained(settings, "auto")),
        "yolo11n-cls torch": ("peer", Path("-")),
        "yolo11n-cls OpenVINO": ("peer", exported()),
    }
    for name, (width, height, count) in SIZES.items():
        _compare(name, sides, pictures(name, width, height, count))


def made(settings: Settings, precision: str = "f32") -> Path:
    """Train and certify on the solar cells, once, and return the bundle's folder."""
    folder = HOME / f"speed-{precision}"
    if not (folder / "SHA256SUMS").exists():
        if not (HOME / "elpv" / "manifest.csv").exists():
            elpv.get(HOME / "elpv")
        train(TrainSpec("parts", HOME / "elpv", folder, precision=precision), settings)
    certify_bundle(open_bundle(folder, settings), Targets())
    return folder


def trained(settings: Settings, precision: str = "f32") -> Path:
    """Make the product and print what `auto` chose and at what cost."""
    folder = made(settings, precision)
    bundle = open_bundle(folder, settings)
    judged = evaluate(
        bundle,
        HOME / "elpv",
        policy=policy_of(bundle),
        settings=settings,
        leave_out_copies=True,
    )
    print(
        f"{precision}: {bundle.metadata['precision']}, AUROC on test {judged.figures['auroc']:.4f}"
    )
    return folder


def pictures(name: str, width: int, height: int, count: int) -> Path:
    """Return a folder of JPEGs cut from real photographs, so that decoding costs what it does."""
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


def _compare(name: str, sides: Mapping[str, tuple[str, Path]], folder: Path) -> None:
    processes = {side: _start(kind, network, folder) for side, (kind, network) in sides.items()}
    passes = [{side: _pass(one) for side, one in processes.items()} for _ in range(PAIRS)]
    for process in processes.values():
        process.stdin.close()
        process.wait()
    speed = {side: np.array([one[side][0] for one in passes]) for side in sides}
    for side in sides:
        low, middle, high = np.percentile(speed[side], [0, 50, 100])
        cpu = np.median([one[side][1] for one in passes])
        print(
            f"{name} {side}: images a second min {low:.0f}, median {middle:.0f}, max {high:.0f}; "
            f"CPU ms an image {cpu:.2f}"
        )
    for ours, peer in RATIOS:
        ratio = np.percentile(speed[ours] / speed[peer], [0, 50, 100])
        best = speed[ours].max() / speed[peer].max()
        print(
            f"{name} {ours} / {peer}: min {ratio[0]:.2f}, median {ratio[1]:.2f}, "
            f"max {ratio[2]:.2f} over {PAIRS} pairs; best against best {best:.2f}"
        )


def _start(kind: str, network: Path, folder: Path) -> subprocess.Popen[str]:
    ours = {**os.environ, "ASSAY_HOME": str(HOME), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("runner.py"), kind, network, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ours if kind == "ours" else environment(2),
    )
    while process.stdout.readline() != "ready\n":
        if process.poll() is not None:
            sys.exit(f"{kind} did not start; `python -m tests.benchmarks peer` installs the peer.")
    return process


def _pass(process: subprocess.Popen[str]) -> tuple[float, float]:
    process.stdin.write("go\n")
    process.stdin.flush()
    speed, cpu = process.stdout.readline().split()
    return float(speed), float(cpu)
