"""A data set with the model of its train part, and pictures from elsewhere to be gated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.imaging.file_traits import JPEG_QUALITY
from core.model.estimators.model import Model
from core.model.estimators.stated_changes import LOSSLESS
from core.model.fitting.fit import fit
from core.model.fitting.table import FeatureTable
from core.model.network.runtime import Network, open_network
from core.packs import DomainPack, pack_named
from core.service.training.corruptions import CorruptedSets
from core.settings import Settings
from core.types import F64, Finding, Frame, NetworkOutput, Prepared, Reason
from tests.benchmarks.sets import HOME, Labelled, altered, rows_of, stored

ALPHAS = (0.01, 0.05)
SIZE = 224


@dataclass(frozen=True)
class Judged:
    """What the model and the gates say about some pictures, all axes ``n``.

    ``wrongly`` is the largest score of the wrong ways learned, 0 where none were.
    """

    score: F64
    wrongly: F64
    ood_p: F64
    stopped: NDArray[np.bool_]
    chance: F64

    def flagged(self, alpha: float) -> tuple[float, float]:
        """Return the share that the OOD gate sends to review, and that any gate does."""
        novel = self.ood_p <= alpha
        return float(novel.mean()), float((novel | self.stopped).mean())


@dataclass(frozen=True)
class Home:
    """A set, the model of its train part, and its test pictures as that model sees them."""

    of: Labelled
    model: Model
    pack: DomainPack
    network: Network
    test: NDArray[np.intp]
    ordinary: Judged

    def judge(self, frames: Iterable[Frame], quality: float = LOSSLESS) -> Judged:
        """Send pictures the whole way, of files that state a JPEG quality."""
        ready = (
            replace(self.pack.prepare(frame, SIZE), traits={JPEG_QUALITY: quality})
            for frame in frames
        )
        return judged(self.model, ((self.network.extract(one.pixels), one) for one in ready))

    def rows(self, rows: NDArray[np.intp]) -> Judged:
        """Judge pictures of the set itself."""
        return judged(self.model, (kept(self.of, int(row)) for row in rows))

    def against(self, ood: Judged) -> tuple[float, float]:
        """Return AUROC, and the share of OOD pictures accepted where 95 % of the ordinary are."""
        return auroc_and_fpr95(self.ordinary.score, ood.score)


def auroc_and_fpr95(ordinary: F64, outliers: F64) -> tuple[float, float]:
    """Return AUROC, and the share of OOD pictures accepted where 95 % of the ordinary are."""
    scores = np.concatenate([ordinary, outliers])
    limit = np.quantile(ordinary, 0.95, method="inverted_cdf")
    area = metrics.auroc(scores, np.arange(len(scores)) >= len(ordinary))
    return area, float((outliers <= limit).mean())


def settle(one: Labelled, but: str = "") -> Home:
    """Fit on the train part of a set and look at its test part; the fault ``but`` is not known."""
    settings = Settings(home=HOME)
    split = np.array([row.split for row in one.rows])
    known = split == "train"
    made = altered(one, known, but)
    model = fit_to(one, one.table.pick(known), made)
    network = open_network(one.backbone, runtime=settings.runtime, cache=settings.cache)
    pack = pack_named(rows_of(one.name, settings)[0])
    test = np.flatnonzero(split == "test")
    ordinary = judged(model, (kept(one, int(row)) for row in test))
    return Home(one, model, pack, network, test, ordinary)


def fit_to(one: Labelled, table: FeatureTable, made: CorruptedSets) -> Model:
    """Fit a model to some pictures of a set, as training does."""
    return fit(
        table,
        one.classes,
        one.positive,
        presentations=made.presentations,
        corruptions=made.corruptions,
        variations=made.variations,
    ).model


def judged(model: Model, observed: Iterable[tuple[NetworkOutput, Prepared]]) -> Judged:
    """Judge pictures after the network."""
    evidence, predictions, wrongly = [], [], []
    for output, prepared in observed:
        evidence.append(model.evidence(output, prepared))
        whole = np.concatenate([evidence[-1].features, output.asymmetry])
        wrongly.append(
            model.presentations.discriminants.scores(whole).max() if model.presentations else 0.0
        )
        predictions.append(model.predict(evidence[-1], prepared))
    return Judged(
        np.array([one.ood_score for one in evidence]),
        np.array(wrongly),
        np.array([one.ood_p for one in predictions]),
        np.array([bool(one.findings) for one in predictions]),
        np.array([one.positive_probability for one in predictions]),
    )


def kept(one: Labelled, row: int) -> tuple[NetworkOutput, Prepared]:
    """Bring back a picture of which the table keeps all but the pixels."""
    table = one.table
    blank = np.zeros((1, 1, 3), np.uint8)
    refused = () if table.sound[row] else (Finding(Reason.POOR_QUALITY, "refused by the pack"),)
    measures = {name: float(values[row]) for name, values in table.measures.items()}
    asymmetry = (
        table.asymmetry
        if table.asymmetry is not None
        else np.zeros((len(table.labels), 0), np.float32)
    )
    foreground = (
        table.foreground
        if table.foreground is not None
        else np.zeros((len(table.labels), 0), np.float32)
    )
    output = NetworkOutput(table.pooled[row], asymmetry=asymmetry[row], foreground=foreground[row])
    size, traits = stored(one.rows[row])
    return output, Prepared(blank, "", size, refused, measures, traits=traits)
