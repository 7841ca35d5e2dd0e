"""Other programs on the same pictures; run by ``rivals`` with their folder on the path.

`python rival_runner.py yolo FOLDER OUT` trains ultralytics yolo11n-cls from scratch, as it ships
(no weights can be fetched without a network), on FOLDER/train and FOLDER/val and scores
FOLDER/test. `python rival_runner.py patchcore|padim FOLDER OUT WEIGHTS` fits anomalib's model with
the given backbone weights on FOLDER/train/good and scores FOLDER/test. OUT gets lines of
`file,label,score`, a higher score for the defective side.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

GOOD = "good"
# Its own default is 100; 20 cost three times what Assay may take for `--effort best`.
EPOCHS = 20


def main() -> None:
    """Train the program named and write its scores of the test pictures."""
    kind, folder, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    score = _yolo(folder) if kind == "yolo" else _anomalib(kind, folder, Path(sys.argv[4]))
    with out.open("w", newline="") as file:
        csv.writer(file).writerows(
            (path.name, path.parent.name, score(path)) for path in _pictures(folder / "test")
        )


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _yolo(folder: Path) -> Callable[[Path], float]:
    from ultralytics import YOLO

    model = YOLO("yolo11n-cls.yaml")
    model.train(
        data=str(folder.resolve()),
        imgsz=224,
        epochs=EPOCHS,
        device="cpu",
        seed=0,
        workers=0,
        project=str(folder.resolve().parent),
        name="yolo-run",
        exist_ok=True,
        verbose=False,
        plots=False,
    )
    best = YOLO(folder.resolve().parent / "yolo-run" / "weights" / "best.pt")
    good = {name: number for number, name in best.names.items()}[GOOD]

    def score(path: Path) -> float:
        (found,) = best.predict(str(path), imgsz=224, verbose=False)
        return 1.0 - float(found.probs.data[good])

    return score


def _anomalib(kind: str, folder: Path, weights: Path) -> Callable[[Path], float]:
    import torch
    from safetensors.torch import load_file

    layers, name = ["blocks.2", "blocks.4"], "tf_efficientnet_lite0"
    if kind == "patchcore":
        from anomalib.models.image.patchcore.torch_model import PatchcoreModel

        model = PatchcoreModel(layers=layers, backbone=name, pre_trained=False)
    else:
        from anomalib.models.image.padim.torch_model import PadimModel

        model = PadimModel(layers=layers, backbone=name, pre_trained=False, n_features=100)
    network = model.feature_extractor.feature_extractor
    known = {key: value for key, value in load_file(weights).items() if key in network.state_dict()}
    missing = [k for k in network.state_dict() if k not in known and "num_batches" not in k]
    if missing:
        raise SystemExit(f"weights missing in {weights}: {missing[:5]}")
    network.load_state_dict(known, strict=False)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model.train()
    model.feature_extractor.eval()
    with torch.no_grad():
        for batch in _batches(_pictures(folder / "train" / GOOD), torch):
            model(batch)
        if kind == "patchcore":
            model.subsample_embedding(0.1)
        else:
            model.fit()
    model.eval()

    def score(path: Path) -> float:
        with torch.no_grad():
            return float(model(_tensor(path, torch)[None]).pred_score)

    return score


def _batches(paths: list[Path], torch: object) -> Iterable[object]:
    for start in range(0, len(paths), 16):
        yield torch.stack([_tensor(path, torch) for path in paths[start : start + 16]])


def _tensor(path: Path, torch: object) -> object:
    import cv2

    pixels = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    small = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0)


if __name__ == "__main__":
    main()
