"""train: from labelled pictures to a certified bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.decision import splits
from core.decision.policy import Cases
from core.errors import ConfigError, DataError
from core.labelled import Row, read_labelled
from core.model import backbone as backbones
from core.model.backbone import Files
from core.model.explain import Known
from core.model.fitted import Model, one_thread
from core.model.fitting import Table, fit
from core.model.parity import Probe, expectation
from core.model.runtime import open_network
from core.model.writing import Draft, write_bundle
from core.packs import pack_named
from core.service.card import card
from core.service.progress import Progress, silent
from core.service.reading import Seen, Unseen, look_at
from core.settings import Settings

KNOWN_CASES = 4000
PROBES = 8
CAL_SHARE = 0.4


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
        seed: Seed of splits and folds.
    """

    pack: str
    data: Path
    out: Path
    negative: frozenset[str] = frozenset()
    backbone: str = backbones.LITE0
    weights: Path | None = None
    seed: int = 0


def train(spec: TrainSpec, settings: Settings, progress: Progress = silent) -> Path:
    """Fit a model and write it as a bundle; certifying it is the next step.

    Args:
        spec: What is asked.
        settings: Where things run.
        progress: Told how far the work is.

    Returns:
        The bundle's folder.

    Raises:
        DataError: The data set is faulty, or one side has no pictures.
        ConfigError: No label means "nothing wrong", or the backbone is unknown.
    """
    one_thread()
    pack = pack_named(spec.pack)
    rows = with_splits([r for r in read_labelled(spec.data) if r.split != "test"], spec.seed)
    classes = tuple(sorted({row.label for row in rows}))
    positive = which_positive(classes, spec.negative or pack.negative_labels)
    backbone = backbones.describe(spec.backbone, spec.weights)
    files = Files(own=spec.weights)
    network = open_network(backbone, runtime=settings.runtime, cache=settings.cache, files=files)
    looked = list(
        look_at(
            rows,
            pack=spec.pack,
            size=backbone.size,
            network=network,
            settings=settings,
            progress=progress,
        )
    )
    seen = [one for one in looked if isinstance(one, Seen)]
    unseen = [one for one in looked if isinstance(one, Unseen)]
    _refuse_mostly_unreadable(unseen, len(rows))
    for_train = [one for one in seen if one.row.split == "train"]
    for_cal = [one for one in seen if one.row.split == "cal"]
    progress("Fitting", 0, 1)
    fitted = fit(table_of(for_train, classes, backbone.gated), classes, positive, spec.seed)
    progress("Fitting", 1, 1)
    draft = Draft(
        name=spec.out.resolve().name,
        pack=spec.pack,
        backbone=backbone,
        files=files,
        model=fitted.model,
        known=_known(fitted.model, for_train, spec.seed),
        cal=cases_of(fitted.model, for_cal),
        oof=fitted.oof,
        probes=_probes(fitted.model, for_train),
        card=card(spec.data, spec.seed, rows, seen, unseen, fitted),
    )
    write_bundle(draft, spec.out)
    return spec.out


def with_splits(rows: Sequence[Row], seed: int) -> list[Row]:
    """Keep the splits that the data set names, or part it into train and cal by group.

    Raises:
        DataError: Only one of train and cal has pictures.
    """
    named = Counter(row.split for row in rows if row.split)
    if named["train"] and named["cal"]:
        return [row for row in rows if row.split]
    if named and not named["train"]:
        raise DataError(
            f"The data set has no row with split 'train', only {sorted(named)}.",
            hint="Mark training rows 'train', or leave the split column out.",
        )
    pool = [row for row in rows if row.split in ("", "train")]
    labels = np.unique([row.label for row in pool], return_inverse=True)[1]
    parts = splits.split_groups(
        labels,
        np.array([row.group for row in pool]),
        (1.0 - CAL_SHARE, CAL_SHARE, 0.0),
        seed,
    )
    return [replace(row, split=str(part)) for row, part in zip(pool, parts, strict=True)]


def which_positive(classes: Sequence[str], negative: frozenset[str]) -> tuple[bool, ...]:
    """Say for each class whether it counts as positive.

    Raises:
        ConfigError: Every class would be positive, or none.
    """
    words = {word.casefold() for word in negative}
    flags = tuple(name.casefold() not in words for name in classes)
    if all(flags) or not any(flags):
        side = "nothing wrong" if all(flags) else "something wrong"
        raise ConfigError(
            f"No label means {side!r}: the labels are {', '.join(classes)}; "
            f"those taken for 'nothing wrong' are {', '.join(sorted(words))}.",
            hint="Name the good labels with --negative LABEL (more than once if need be).",
        )
    return flags


def cases_of(model: Model, seen: Sequence[Seen]) -> Cases:
    """Judge-ready cases of labelled pictures, as the model sees them."""
    evidence = [model.evidence(one.look) for one in seen]
    said = [model.predict(e, one.prepared) for e, one in zip(evidence, seen, strict=True)]
    flags = dict(zip(model.classes, model.positive, strict=True))
    return Cases(
        positive_probability=np.array([p.positive_probability for p in said], np.float64),
        ood_p=np.array([p.ood_p for p in said], np.float64),
        gates_passed=np.array([not p.findings for p in said], np.bool_),
        positive=np.array([flags[one.row.label] for one in seen], np.bool_),
        group=np.array([one.row.group for one in seen], np.str_),
    )


def _refuse_mostly_unreadable(unseen: Sequence[Unseen], total: int) -> None:
    if 10 * len(unseen) > total:
        first = "; ".join(f"{one.row.file.name}: {one.message}" for one in unseen[:3])
        raise DataError(
            f"{len(unseen)} of {total} pictures do not read: {first}.",
            hint="Repair or remove them; up to a tenth may be unreadable.",
        )


def table_of(seen: Sequence[Seen], classes: tuple[str, ...], gated: int) -> Table:
    """Line labelled pictures up as the table that ``fit`` takes."""
    names = seen[0].prepared.measures if seen else {}
    return Table(
        pooled=np.stack([one.look.pooled for one in seen]),
        labels=np.array([classes.index(one.row.label) for one in seen], np.int64),
        groups=np.array([one.row.group for one in seen], np.str_),
        measures={
            name: np.array([one.prepared.measures[name] for one in seen], np.float64)
            for name in names
        },
        sound=np.array([not one.prepared.findings for one in seen], np.bool_),
        gated=gated,
    )


def _known(model: Model, seen: Sequence[Seen], seed: int) -> Known:
    """Keep the training pictures to compare with: all, or a bounded draw of a large set."""
    rows = np.arange(len(seen))
    if len(seen) > KNOWN_CASES:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:KNOWN_CASES])
    kept = [seen[int(i)] for i in rows]
    return Known(
        features=np.stack([model.evidence(one.look).features for one in kept]),
        labels=tuple(one.row.label for one in kept),
        names=tuple(one.row.file.name for one in kept),
        jpegs=tuple(one.jpeg for one in kept),
    )


def _probes(model: Model, seen: Sequence[Seen]) -> list[Probe]:
    """Choose probes spread evenly over the probability, where a flip would show first."""
    said = [model.predict(model.evidence(one.look), one.prepared) for one in seen]
    order = np.argsort([p.positive_probability for p in said], kind="stable")
    picked = order[np.unique(np.linspace(0, len(order) - 1, PROBES).round().astype(int))]
    return [
        Probe(
            f"{place}{seen[i].row.file.suffix.lower()}",
            seen[i].row.file.read_bytes(),
            expectation(said[i]),
        )
        for place, i in enumerate(picked)
    ]
