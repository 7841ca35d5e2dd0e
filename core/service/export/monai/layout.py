"""A MONAI bundle, laid out only where MONAI's own runner judges as Assay does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigError
from core.imaging.files import Incoming
from core.model.bundle.bundle import Bundle
from core.model.onnx.rule import OUTPUTS
from core.service.export.monai.runner import run_bundle
from core.service.export.monai.writer import write_folder
from core.service.export.parity import Answer, ExportParity, compare_answers, plain
from core.types import F32, Frame, Policy

_TAKEN = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def lay_out(
    graph: Path, bundle: Bundle, policy: Policy, pictures: Iterable[tuple[Incoming, Frame]]
) -> ExportParity:
    """Return how MONAI's verdicts by the bundle written around a graph agree with ours.

    Args:
        graph: The exported graph, alone in a folder that becomes the MONAI bundle.
        bundle: What it was made of.
        policy: The limits that it holds.
        pictures: Files with their decoded pictures.

    Raises:
        ConfigError: MONAI is not installed.
        ParityError: It does not run, or judges otherwise.
    """
    if find_spec("monai") is None:
        raise ConfigError("MONAI is not installed.", hint="pip install monai pytorch-ignite fire")
    write_folder(graph, bundle, policy, graph.parent)
    frames: list[tuple[str, Frame]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        for one, frame in pictures:
            suffix = Path(one.id).suffix.lower()
            if plain(frame) and suffix in _TAKEN and one.data is not None:
                (folder / f"{len(frames)}{suffix}").write_bytes(one.data)
            frames.append((one.id, frame))
        found = run_bundle(graph.parent, folder, Path(name))
    by_place = {int(Path(file).stem): _answer(numbers) for file, numbers in found.items()}
    answers = ((one, frame, by_place.get(place)) for place, (one, frame) in enumerate(frames))
    return compare_answers(answers, bundle, policy)


def _answer(numbers: F32) -> Answer:
    """Return what the network gave for a picture in parts, the probabilities first."""
    singles = len(OUTPUTS) - 1
    return dict(zip(OUTPUTS, [numbers[:-singles], *numbers[-singles:]], strict=True))
