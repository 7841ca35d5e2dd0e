"""Crops: in distribution, a site left out, label sets, and a start from elsewhere.

Everything is fitted to train and certified on cal; test was looked at once. Where a site is left
out, its test part is judged by what the others' train parts taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.certificate import interval
from core.decision.cluster_intervals import auroc_interval
from core.decision.label_sets import COVERAGE, choose_label_set, fit_label_reference
from core.imaging.foreground import paint_background
from core.model.estimators.model import Model
from core.model.fitting.fit import fit
from core.model.fitting.shift import PaintedFeatures, fit_shift_head
from core.model.fitting.transfer import TransferSource
from core.model.network.runtime import open_network
from core.packs import pack_named, superclasses_of
from core.settings import Settings
from core.types import F32, F64, Prediction
from tests.benchmarks.homes import kept
from tests.benchmarks.sets import HOME, Labelled, labelled

SITES = ("field", "bench", "lab")
LOCAL = (5, 10, 20, 50)
SEEDS = range(3)
WITH_BOTH_SIDES = ("apple", "bean")  # crops of the field of which healthy leaves were photographed
Rows = NDArray[np.bool_]


def main() -> None:
    """Print every figure."""
    one = labelled("crops")
    split, site = column(one, "split"), column(one, "site")
    model = model_of(one, split == "train")
    test = split == "test"
    say_in_distribution(one, model, test)
    say_coverage(one, model, test)
    for name in SITES:
        away = model_of(one, (split == "train") & (site != name))
        say_away(one, away, test & (site == name), name)
    say_local(one)


def column(one: Labelled, name: str) -> NDArray[np.str_]:
    """Return a column of the manifest."""
    return np.array([row.split if name == "split" else row.columns[name] for row in one.rows])


def model_of(one: Labelled, known: Rows) -> Model:
    """Return what training gives, without corruptions, of some pictures."""
    known = known & one.table.sound
    table = one.table.pick(known)
    fitted = fit(table, one.classes, one.positive).model
    crops = _crops(one)[known]
    copies = PaintedFeatures(painted(one)[known], np.arange(known.sum()))
    assert table.foreground is not None
    return replace(fitted, shift=fit_shift_head(table.foreground, one.truth[known], crops, copies))


def painted(one: Labelled) -> F32:
    """Return the foreground features of every picture with its background painted over."""
    file = HOME / "tables" / "crops-painted.npy"
    if not file.exists():
        settings, pack = Settings(home=HOME), pack_named("crops")
        network = open_network(one.backbone, runtime=settings.runtime, cache=settings.cache)
        size = one.backbone.size
        found = []
        for row in one.rows:
            frame = pack.read(row.file.read_bytes(), settings.max_pixels, size)
            pixels = paint_background(pack.prepare(frame, size).pixels)
            found.append(network.extract(pixels).foreground)
        np.save(file, np.stack(found))
    found_before: F32 = np.load(file)
    return found_before


def predicted(one: Labelled, model: Model, rows: Rows) -> list[Prediction]:
    """Judge some pictures by a model."""
    pairs = (kept(one, int(row)) for row in np.flatnonzero(rows))
    return [model.predict(model.evidence(output, ready), ready) for output, ready in pairs]


def chances(found: Sequence[Prediction]) -> F64:
    """Return the probability of being positive of each."""
    return np.array([p.positive_probability for p in found])


def say_in_distribution(one: Labelled, model: Model, rows: Rows) -> None:
    """Print AUROC and accuracies on pictures like those of training."""
    found = predicted(one, model, rows)
    right = np.array([p.probabilities.argmax() for p in found]) == one.table.labels[rows]
    low, high = interval(int(right.sum()), len(right))
    print(
        f"test, healthy or not, n {len(right)}: AUROC {area(one, chances(found), rows)}; "
        f"{len(one.classes)} labels right {right.mean():.3f} [{low:.3f}, {high:.3f}]",
        flush=True,
    )


def area(one: Labelled, chance: F64, rows: Rows) -> str:
    """Return an AUROC with its 95 % interval over groups, as text."""
    low, high = auroc_interval(chance, one.truth[rows], one.table.groups[rows])
    return f"{metrics.auroc(chance, one.truth[rows]):.4f} [{low:.4f}, {high:.4f}]"


def say_coverage(one: Labelled, model: Model, rows: Rows) -> None:
    """Print how often label sets hold the true label, whole and in parts."""
    cal = (column(one, "split") == "cal") & one.table.sound
    p = np.array([x.probabilities for x in predicted(one, model, cal)])
    names = superclasses_of(pack_named("crops"), one.classes, one.positive)
    labels = one.table.labels
    reference = fit_label_reference(p, labels[cal], one.table.groups[cal], names, _crop_names(one))
    lists = np.array(
        [choose_label_set(reference, x.probabilities) for x in predicted(one, model, rows)]
    )
    hit = lists[np.arange(len(lists)), labels[rows]]
    parts = {"all": np.ones(len(hit), np.bool_)}
    for name in ("health", "site"):
        values = column(one, name)[rows]
        parts |= {f"{name} {value}": values == value for value in np.unique(values)}
    for name, mine in parts.items():
        k, n = int(hit[mine].sum()), int(mine.sum())
        low, high = interval(k, n)
        print(
            f"label sets at {COVERAGE:.0%}, {name}, test n {n}: {k / n:.3f} [{low:.3f}, "
            f"{high:.3f}] hold the label, {lists[mine].sum(axis=1).mean():.2f} labels long",
            flush=True,
        )


def say_away(one: Labelled, model: Model, rows: Rows, site: str) -> None:
    """Print AUROC at a site left out, with the head for such pictures and without it."""
    found = predicted(one, model, rows)
    alone = predicted(one, replace(model, shift=None), rows)
    unlike = np.mean([p.ood_p <= 0.01 for p in found])
    parts = {site: rows}
    if site == "field":
        both = np.isin(column(one, "crop"), WITH_BOTH_SIDES)
        parts[f"field, {' and '.join(WITH_BOTH_SIDES)}"] = rows & both
    for name, mine in parts.items():
        within = mine[rows]
        print(
            f"{name} left out, test n {mine.sum()}: AUROC "
            f"{area(one, chances(found)[within], mine)}, by the home heads alone "
            f"{area(one, chances(alone)[within], mine)}; flagged at 1 % {unlike:.2f}",
            flush=True,
        )


def say_local(one: Labelled) -> None:
    """Print the curve of local pictures a label, started from the other sites and not."""
    split, site = column(one, "split"), column(one, "site")
    sides = one.truth.astype(np.int64)
    table = replace(one.table, labels=sides)
    there = (split == "train") & (site != "field")
    x = table.pooled[there]
    centre, scale = x.mean(axis=0), x.std(axis=0) + np.float32(1e-6)
    start = TransferSource((x - centre) / scale, sides[there], centre, scale, sides[there])
    test = (split == "test") & (site == "field")
    for count in LOCAL:
        runs = []
        for seed in SEEDS:
            mine = _drawn(one, (split == "train") & (site == "field"), count, seed)
            local = table.pick(mine)
            fits = [fit(local, ("healthy", "sick"), (False, True), seed, source=s).model
                    for s in (start, None)]  # fmt: skip
            runs.append([metrics.auroc(chances(predicted(one, m, test)), one.truth[test])
                         for m in fits])  # fmt: skip
        (begun, alone), spread = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1)
        print(
            f"field, {count} local pictures a label ({int(mine.sum())}), {len(runs)} draws, test n "
            f"{test.sum()}: AUROC {begun:.3f} (sd {spread[0]:.3f}) started from the other sites, "
            f"{alone:.3f} (sd {spread[1]:.3f}) alone",
            flush=True,
        )


def _drawn(one: Labelled, pool: Rows, count: int, seed: int) -> Rows:
    order = np.random.default_rng(seed).permutation(np.flatnonzero(pool))
    labels = one.table.labels[order]
    chosen = [order[labels == name][:count] for name in np.unique(labels)]
    return np.isin(np.arange(len(pool)), np.concatenate(chosen))


def _crops(one: Labelled) -> list[str]:
    return np.array(_crop_names(one))[one.table.labels]  # type: ignore[return-value]


def _crop_names(one: Labelled) -> list[str]:
    subjects = pack_named("crops").subjects
    assert subjects is not None
    return [subjects.of_label(name) for name in one.classes]
