"""The same bundle by torch on CUDA and by ONNX Runtime on the CPU, where there is a CUDA device.

The bundle's parity probe is run on both: it decides whether the bundle may judge there.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import torch

from core.errors import AssayError
from core.model.network.runtime import Network
from core.service.bundles.open import open_bundle
from core.settings import Settings
from core.types import U8
from tests.benchmarks.memory import HOME_OF_PLATES, draw_pictures, make_bundle

PICTURES = 200
WARM = 10


def main() -> None:
    """Print whether the probe holds, how far features differ, and milliseconds a picture."""
    if not torch.cuda.is_available():
        print("torch on CUDA against ONNX Runtime on the CPU: not measured, no CUDA device")
        return
    path, home = make_bundle(), HOME_OF_PLATES / "home"
    pictures = _prepared()
    outputs = {}
    for runtime in ("onnx", "torch:cuda"):
        try:
            bundle = open_bundle(path, Settings(home=home, runtime=runtime))
        except AssayError as exc:
            print(f"{runtime}: {exc.message}")
            return
        outputs[runtime], each_ms = _extract(bundle.network, pictures)
        print(f"{runtime}, parity probe: holds; {each_ms:.2f} ms a picture, n {PICTURES}")
    cpu, cuda = outputs.values()
    apart, most = np.abs(cpu - cuda).max(), np.abs(cpu).max()
    print(f"largest difference of a feature: {apart:.2g}, of values up to {most:.3g}")
    again, _ = _extract(bundle.network, pictures)
    print(f"the same bits a second time: {'yes' if (again == cuda).all() else 'no'}")


def _prepared() -> list[U8]:
    files = sorted(draw_pictures(HOME_OF_PLATES / "pictures", PICTURES).rglob("*.jpg"))
    return [np.asarray(cv2.resize(cv2.imread(str(file)), (224, 224)), np.uint8) for file in files]


def _extract(network: Network, pictures: list[U8]) -> tuple[np.ndarray, float]:
    for picture in pictures[:WARM]:
        network.extract(picture)
    started = time.perf_counter()
    found = np.stack([network.extract(picture).pooled for picture in pictures])
    return found, 1e3 * (time.perf_counter() - started) / len(pictures)
