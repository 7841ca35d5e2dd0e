"""anomalib on prepared pictures; run by ``unseen`` with its folder on the path.

`python anomalib_runner.py patchcore IN OUT WEIGHTS` fits PatchCore, with these backbone weights, on
the pictures ``train`` of IN and scores its ``test``, both uint8 ``n h w 3``; OUT gets ``scores``
``n`` and ``maps`` float16 ``n h w``. `python anomalib_runner.py pixels IN OUT` gives the pixel
AUROC and AUPRO, as anomalib's own metrics count them, of every array of IN but ``masks``, bool
``n h w``.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

LAYERS = ("blocks.2", "blocks.4")
BACKBONE = "tf_efficientnet_lite0"
CORESET = 0.1  # anomalib's default, as are the nine neighbours


def main() -> None:
    """Write what was asked for."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    kind, source, out = sys.argv[1:4]
    with np.load(source) as given:
        arrays = dict(given)
    found = _pixels(arrays) if kind == "pixels" else _patchcore(arrays, sys.argv[4])
    np.savez(out, **found)


def _patchcore(given: dict[str, np.ndarray], weights: str) -> dict[str, np.ndarray]:
    model = _model(weights)
    with torch.no_grad():
        for picture in given["train"]:
            model(_tensor(picture))
        model.subsample_embedding(CORESET)
        model.eval()
        found = [model(_tensor(picture)) for picture in given["test"]]
    return {
        "scores": np.array([float(one.pred_score) for one in found]),
        "maps": np.stack([one.anomaly_map[0, 0].numpy().astype(np.float16) for one in found]),
    }


def _model(weights: str) -> torch.nn.Module:
    from anomalib.models.components.sampling import KCenterGreedy
    from anomalib.models.image.patchcore.torch_model import PatchcoreModel
    from safetensors.torch import load_file

    KCenterGreedy.update_distances = _update_distances
    model = PatchcoreModel(layers=LAYERS, backbone=BACKBONE, pre_trained=False)
    network = model.feature_extractor.feature_extractor
    known = {key: value for key, value in load_file(weights).items() if key in network.state_dict()}
    missing = [k for k in network.state_dict() if k not in known and "num_batches" not in k]
    if missing:
        raise SystemExit(f"weights missing in {weights}: {missing[:5]}")
    network.load_state_dict(known, strict=False)
    model.train()
    model.feature_extractor.eval()
    return model


def _update_distances(self: object, cluster_center: torch.Tensor) -> None:
    """Do what KCenterGreedy's own does, by squared distances: the same choice, in less time."""
    centre = self.features[cluster_center].squeeze()
    away = (self.features**2).sum(1) if self.min_distances is None else self.lengths
    self.lengths = away
    away = (away + centre @ centre - 2.0 * (self.features @ centre))[:, None]
    known = self.min_distances
    self.min_distances = away if known is None else torch.minimum(known, away)


def _tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1.0)


def _pixels(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from anomalib.metrics.aupro import _AUPRO
    from torchmetrics.functional import auroc

    masks = torch.from_numpy(given.pop("masks"))
    found = {}
    for name, maps in given.items():
        values = torch.from_numpy(maps.astype(np.float32))
        aupro = _AUPRO()
        aupro.update(values, masks.int())
        pixel = auroc(values.flatten(), masks.flatten().int(), task="binary")
        found[name] = np.array([float(pixel), float(aupro.compute())])
    return found


if __name__ == "__main__":
    main()
