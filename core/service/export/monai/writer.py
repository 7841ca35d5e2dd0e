"""The folder that MONAI calls a bundle: the graph, what it is, and how MONAI runs it.

Source: MONAI Bundle Specification (docs.monai.io, mb_specification). It holds no ``model.pt``: the
network is the ONNX graph, and nothing in the folder is ever unpickled.
"""

from __future__ import annotations

import json
from importlib.metadata import distribution, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from core.decision.certificate_text import describe_certificate
from core.model.bundle.bundle import Bundle
from core.model.onnx.export import NOT_CARRIED
from core.packs import DomainPack
from core.types import Disposition, Policy

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
GRAPH = "models/model.onnx"
_NEEDED = ("monai", "torch", "numpy", "onnxruntime", "pillow", "pytorch-ignite")
NOT_RUN = ("DICOM, TIFF, and pictures of more than 8 bits", *NOT_CARRIED[2:])


def file_names() -> frozenset[str]:
    """Return every file of the folder that ``write_folder`` writes, relative to it."""
    configs, docs = ("metadata.json", "inference.json"), ("README.md", "data_license.txt")
    names = [f"configs/{name}" for name in configs] + [f"docs/{name}" for name in docs]
    return frozenset({GRAPH, "LICENSE", *names, *(f"scripts/{one.name}" for one in _scripts())})


def write_folder(graph: Path, bundle: Bundle, policy: Policy, folder: Path) -> None:
    """Write everything around an exported graph.

    Args:
        graph: The graph, as ``portable.build`` makes it with ``sizes``; moved into the folder.
        bundle: What it was made of.
        policy: The limits that it holds.
        folder: An empty folder.
    """
    for name in ("configs", "docs", "models"):
        (folder / name).mkdir()
    graph.replace(folder / GRAPH)
    with_scripts = folder / "scripts"
    with_scripts.mkdir()
    for source in _scripts():
        (with_scripts / source.name).write_text(source.read_text())
    _save(metadata(bundle, policy), folder / "configs/metadata.json")
    _save(inference(bundle.backbone.size), folder / "configs/inference.json")
    (folder / "docs/README.md").write_text(_readme(bundle, policy))
    (folder / "docs/data_license.txt").write_text(bundle.metadata["data"]["attribution"])
    licence = distribution("assay-inspection").read_text("licenses/LICENSE")
    (folder / "LICENSE").write_text(licence or "Apache-2.0\n")


def _scripts() -> list[Traversable]:
    found = files("core.service.export.monai.scripts").iterdir()
    return [source for source in found if source.name.endswith(".py")]


def columns(bundle: Bundle) -> list[str]:
    """Return the numbers that the network gives for a picture, in order."""
    classes = [f"probability of {name}" for name in bundle.model.classes]
    verdict = "verdict: 0 negative, 1 positive, 2 a person decides"
    return [*classes, "probability of any positive class", "OOD score", "OOD p-value", verdict]


def metadata(bundle: Bundle, policy: Policy) -> dict[str, Any]:
    """Return what the bundle is, in the words of MONAI's schema."""
    kind = {"modality": "n/a", "is_patch_data": False}
    given = columns(bundle)
    picture = {
        "type": "image",
        "format": "magnitude",
        "num_channels": 3,
        "spatial_shape": ["*", "*"],
        "dtype": "uint8",
        "value_range": [0, 255],
        "channel_def": {"0": "red", "1": "green", "2": "blue"},
    }
    answer = {
        "type": "probabilities",
        "format": "classes",
        "num_channels": len(given),
        "spatial_shape": [1, 1],
        "dtype": "float32",
        "value_range": [],
        "channel_def": {str(place): name for place, name in enumerate(given)},
    }
    return {
        "schema": SCHEMA,
        "version": "1.0.0",
        "changelog": {"1.0.0": f"exported from {bundle.label} under policy {policy.id}"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").partition("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {name: version(name) for name in _NEEDED[3:]},
        "name": bundle.name,
        "task": bundle.pack.title,
        "description": " ".join(_promise(bundle.pack, policy)),
        "authors": "whoever trained it; exported by Assay",
        "copyright": "see LICENSE and docs/data_license.txt",
        "data_source": "see docs/data_license.txt",
        "data_type": "jpeg, png",
        "intended_use": "Research and decision support. Not for diagnosis.",
        "references": [],
        "network_data_format": {
            "inputs": {"image": {**picture, **kind}},
            "outputs": {"pred": {**answer, **kind}},
        },
    }


def inference(side: int) -> dict[str, Any]:
    """Return how MONAI reads a folder of pictures, judges them and writes ``predictions.csv``.

    Args:
        side: Of the network's input in pixels.
    """
    transforms = [
        {
            "_target_": "LoadImaged",
            "keys": "image",
            "reader": {"_target_": "scripts.reader.PictureReader", "side": "@side"},
            "image_only": True,
        },
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
    ]
    saver = {
        "_target_": "ClassificationSaver",
        "output_dir": "@output_dir",
        "filename": "predictions.csv",
        "batch_transform": "$lambda batch: [item['image'].meta for item in batch]",
        "output_transform": "$monai.handlers.from_engine(['pred'])",
    }
    return {
        "imports": ["$import pathlib", "$import monai", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/data'",
        "output_dir": "$@bundle_root + '/eval'",
        "side": side,
        "device": "$torch.device('cpu')",
        "datalist": "$[{'image': str(p)} for p in sorted(pathlib.Path(@dataset_dir).iterdir())]",
        "network_def": {
            "_target_": "scripts.network.OnnxClassifier",
            "path": f"$@bundle_root + '/{GRAPH}'",
        },
        "network": "$@network_def.to(@device)",
        "preprocessing": {"_target_": "Compose", "transforms": transforms},
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        # Pictures keep their sizes, so they are judged one at a time.
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
        "inferer": {"_target_": "SimpleInferer"},
        "handlers": [saver],
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "val_handlers": "@handlers",
        },
        "run": ["$@evaluator.run()"],
    }


def _promise(pack: DomainPack, policy: Policy) -> list[str]:
    words = zip((policy.escape, policy.overkill), pack.error_names, pack.unit_names, strict=True)
    return [describe_certificate(certificate, word, unit) for certificate, word, unit in words]


def _readme(bundle: Bundle, policy: Policy) -> str:
    numbers = "\n".join(f"{place}. {name}" for place, name in enumerate(columns(bundle), 1))
    wording = ", ".join(f"{one.value}: {bundle.pack.wording[one]}" for one in Disposition)
    promise = "\n".join(f"- {line}" for line in _promise(bundle.pack, policy))
    missing = "\n".join(f"- {line}" for line in NOT_RUN)
    return f"""# {bundle.name}

{bundle.pack.title} Research and decision support; not for diagnosis.

Exported from the Assay bundle {bundle.label} under policy {policy.id}.
`models/model.onnx` holds the whole way from decoded pixels to the verdict; `scripts/` lets MONAI
run it with ONNX Runtime. There is no `model.pt`: nothing here is unpickled.

## Use

With monai, pytorch-ignite, fire, onnxruntime and pillow installed, from this folder:

    python -m monai.bundle run --config_file configs/inference.json \\
        --dataset_dir PICTURES --output_dir eval

PICTURES is a folder of JPEG, PNG, BMP or WebP files and nothing else. `eval/predictions.csv` has a
line a picture, its name and then:

{numbers}

Verdicts are worded {wording}.

## Certified limits

{promise}

That holds for pictures like those it was certified on, judged by this graph as it stands. What
Assay does and this folder does not:

{missing}
"""


def _save(words: dict[str, Any], file: Path) -> None:
    file.write_text(json.dumps(words, indent=4) + "\n")
