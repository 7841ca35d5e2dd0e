"""Every labelled set after the network, kept on disk for whoever asks next."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.imaging.file_traits import read_traits
from core.labelled import Row, read_labelled
from core.model.estimators.discriminants import CorruptedFeatures
from core.model.estimators.stated_changes import read_facts
from core.model.fitting.table import FeatureTable
from core.model.fitting.variations import VariedFeatures
from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone
from core.model.network.runtime import open_network
from core.packs import pack_named
from core.service.data.feature_table import table_of
from core.service.data.labels import flag_positive
from core.service.data.pictures import PictureFeatures, extract_features
from core.service.progress import silent
from core.service.training.corrupted_samples import Extraction
from core.service.training.corruptions import CorruptedSets, extract_corrupted
from core.settings import Settings
from core.types import F64, Prepared
from domains.parts import elpv

HOME = Path(".bench")
# Splits of the manifests that make up a set; site 2 of the X-rays is another hospital.
SETS = {
    "elpv": ("parts", ""),
    "magnetic_tile": ("parts", "parts/magnetic_tile"),
    "ball_screw": ("parts", "parts/ball_screw"),
    "toy_figure": ("parts", "parts/toy_figure"),
    "screw_block": ("parts", "parts/screw_block"),
    "xray": ("xray", "xray"),
    "crops": ("crops", "crops"),
}
HOUSE = ("train", "cal", "test")
BLANK = Prepared(np.zeros((1, 1, 3), np.uint8), "", (1, 1))  # of a picture that is not at hand
Made = TypeVar("Made", CorruptedFeatures, VariedFeatures)


def asked() -> list[str]:
    """Give the sets named on the command line, or all."""
    return [word for word in sys.argv[1:] if word in SETS] or list(SETS)


@dataclass(frozen=True)
class Labelled:
    """One labelled set after the network.

    Attributes:
        name: Its name here.
        table: Its features, in the order of ``rows``.
        classes: Class names.
        positive: Whether each class counts as positive.
        rows: Its rows.
        backbone: The network that saw it.
    """

    name: str
    table: FeatureTable
    classes: tuple[str, ...]
    positive: tuple[bool, ...]
    rows: list[Row]
    backbone: Backbone

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Whether each picture is positive."""
        return np.array(self.positive)[self.table.labels]


def rows_of(name: str, settings: Settings) -> tuple[str, list[Row]]:
    """Give the pack and the rows of a set, without those set aside."""
    pack, folder = SETS[name]
    path = settings.shared_data / folder if folder else HOME / name
    if not folder and not (path / "manifest.csv").exists():
        elpv.get(path)
    rows = read_labelled(path, pack_named(pack).group_columns).rows
    return pack, [row for row in rows if row.split in HOUSE]


def labelled(
    name: str,
    size: int = 0,
    *,
    all_sides: bool = False,
    close: bool = False,
    marks: bool = False,
) -> Labelled:
    """Run the network on a set, or read what it gave last time.

    Args:
        name: One of ``SETS``.
        size: Side of the pictures in pixels; the network's own when 0.
        all_sides: Whether features are averaged over the pack's views.
        close: Whether pictures are seen at twice the size as well.
        marks: Whether small marks are searched for, at twice the size.
    """
    settings = Settings(home=HOME)
    pack, rows = rows_of(name, settings)
    classes = tuple(sorted({row.label for row in rows}))
    backbone = replace(
        backbones.describe(size=size),
        asymmetry=bool(pack_named(pack).wrong_presentations),
        foreground=pack_named(pack).subjects is not None,
    )
    if all_sides:
        backbone = replace(backbone, views=pack_named(pack).views)
    if close:
        backbone = backbones.with_two_scales(backbone)
    if marks:
        backbone = backbones.with_marks(backbone) or backbone
    return looked(name, pack, rows, classes, backbone)


def looked(
    name: str, pack: str, rows: list[Row], classes: tuple[str, ...], backbone: Backbone
) -> Labelled:
    """Run a network on rows, or read what it gave last time under that name."""
    settings = Settings(home=HOME)
    positive = flag_positive(classes, pack_named(pack).negative_labels)
    kept = HOME / "tables" / f"{name}-{backbone.key}.npz"
    if not kept.exists():
        network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
        found = extract_features(
            rows,
            pack=pack,
            size=backbone.size,
            network=network,
            settings=settings,
            progress=silent,
        )
        observed = [one for one in found if isinstance(one, PictureFeatures)]
        if len(observed) < len(rows):
            raise ValueError(f"{name}: {len(rows) - len(observed)} pictures do not read")
        _keep(table_of(observed, classes, backbone.gated), kept)
    return Labelled(name, _read(kept, rows, backbone.gated), classes, positive, rows, backbone)


def altered(one: Labelled, of: NDArray[np.bool_], but: str = "") -> CorruptedSets:
    """Give some pictures of a set altered as training does, or read them again.

    Args:
        one: The set.
        of: bool ``n``, which rows.
        but: A fault that is not to be known.
    """
    settings, backbone = Settings(home=HOME), one.backbone
    digest = hashlib.sha256(of.tobytes()).hexdigest()[:12]
    kept = HOME / "tables" / f"{one.name}-{backbone.key}-alterations-{digest}.npz"
    if not kept.exists():
        network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
        # Painted copies are of no use to a gate, and a benchmark that needs them makes all of them.
        pack = replace(pack_named(SETS[one.name][0]), subjects=None)
        extraction = Extraction(pack, network, backbone.size, settings, silent)
        made = extract_corrupted(
            [row for row, wanted in zip(one.rows, of, strict=True) if wanted], extraction, 0
        )
        np.savez(
            kept,
            **_arrays("presentations", made.presentations),
            **_arrays("corruptions", made.corruptions),
            **_arrays("variations", made.variations),
        )
    with np.load(kept) as found:
        corrupted = _read_made(CorruptedFeatures, "corruptions", found)
        return CorruptedSets(
            presentations=_read_made(CorruptedFeatures, "presentations", found),
            corruptions=_without(corrupted, but)
            if corrupted and but in corrupted.names
            else corrupted,
            variations=_read_made(VariedFeatures, "variations", found),
        )


def _arrays(prefix: str, made: CorruptedFeatures | VariedFeatures | None) -> dict[str, Any]:
    if made is None:
        return {}
    values = {field.name: getattr(made, field.name) for field in fields(made)}
    measures = values.pop("measures", {})
    values |= {f"measures.{name}": figures for name, figures in measures.items()}
    return {f"{prefix}.{name}": value for name, value in values.items()}


def _read_made(kind: type[Made], prefix: str, found: Mapping[str, Any]) -> Made | None:
    names = {n.removeprefix(f"{prefix}."): n for n in found if n.startswith(f"{prefix}.")}
    if not names:
        return None
    values: dict[str, Any] = {name: found[at] for name, at in names.items() if "." not in name}
    values["names"] = tuple(values["names"].tolist())
    if kind is VariedFeatures:
        dotted = (name for name in names if name.startswith("measures."))
        values["measures"] = {n.removeprefix("measures."): found[names[n]] for n in dotted}
    return kind(**values)


def _without(made: CorruptedFeatures, name: str) -> CorruptedFeatures:
    gone = made.names.index(name)
    kept = made.kind != gone
    kind = made.kind[kept] - (made.kind[kept] > gone)
    names = tuple(other for other in made.names if other != name)
    return CorruptedFeatures(
        names, made.pooled[kept], kind, made.groups[kept], made.asymmetry[kept]
    )


def _keep(table: FeatureTable, kept: Path) -> None:
    kept.parent.mkdir(exist_ok=True)
    np.savez(
        kept,
        pooled=table.pooled,
        labels=table.labels,
        sound=table.sound,
        asymmetry=np.zeros((len(table.labels), 0)) if table.asymmetry is None else table.asymmetry,
        foreground=np.zeros((len(table.labels), 0))
        if table.foreground is None
        else table.foreground,
        names=np.array(list(table.measures)),
        values=np.stack(list(table.measures.values())),
    )


def _read(kept: Path, rows: list[Row], gated: int) -> FeatureTable:
    with np.load(kept) as found:
        return FeatureTable(
            pooled=found["pooled"],
            labels=found["labels"],
            groups=np.array([row.group for row in rows], np.str_),
            measures=dict(zip(found["names"].tolist(), found["values"], strict=True)),
            sound=found["sound"],
            gated=gated,
            asymmetry=found.get("asymmetry"),
            foreground=found.get("foreground"),
            stated=_facts(rows),
        )


def _facts(rows: list[Row]) -> Mapping[str, F64]:
    """Read what the files state, which tables made before do not keep."""
    headers = [stored(row) for row in rows]
    found = [read_facts(replace(BLANK, source_size=a, traits=b)) for a, b in headers]
    return {name: np.array([one[name] for one in found]) for name in found[0]}


def stored(row: Row) -> tuple[tuple[int, int], dict[str, float | str]]:
    """Give the size of a picture and what else its header states."""
    with Image.open(row.file) as picture:
        width, height = picture.size
    return (height, width), read_traits(row.file.read_bytes())
