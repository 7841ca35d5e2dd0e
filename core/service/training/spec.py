"""What a person asks of ``train``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.labelled import Form
from core.model.network import backbone as backbones

QUICK, BEST = "quick", "best"


@dataclass(frozen=True)
class TrainSpec:
    """What a person asks of ``train``.

    Attributes:
        pack: Name of the domain pack.
        data: Folder per class, CSV, or folder with a manifest.
        out: The bundle's folder.
        negative: Labels that mean "nothing wrong"; the pack's own when empty.
        backbone: Architecture; the packaged one by default.
        weights: Its safetensors file, when no package carries it.
        seed: Seed of folds and of what is drawn in training; cal does not follow it.
        precision: One of ``precise.CHOICES``.
        size: Side of the network's square input in pixels; the architecture's own when 0.
        effort: ``quick``, or ``best``: more is tried (all sides, closer, fine-tuned stages), and
            kept where it is clearly better out of fold.
        population: Numbers that files state about their subject (``age_years``), each with the
            (low, high) that the bundle is for.
        start_from: A bundle trained elsewhere, whose network and pictures are used again where that
            predicts better here.
        label_column: Column of a table that holds the labels instead of ``label``.
        pictures: Whether the bundle keeps thumbnails and probes of the training pictures.
        form: Which folders are classes, where a person says it.
        leave_out_copies: Whether pictures of one origin with some of an earlier split are left out
            instead of refused.
    """

    pack: str
    data: Path
    out: Path
    negative: frozenset[str] = frozenset()
    backbone: str = backbones.LITE0
    weights: Path | None = None
    seed: int = 0
    precision: str = "f32"
    size: int = 0
    effort: str = QUICK
    population: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    start_from: Path | None = None
    label_column: str = ""
    pictures: bool = True
    form: Form = Form.AUTO
    leave_out_copies: bool = False
