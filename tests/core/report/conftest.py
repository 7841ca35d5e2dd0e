"""The input of a report, made of random numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.decision import policy as policies
from core.decision.cases import Cases
from core.evaluation import LabelledVerdicts, by_column, measure_ood, sensitivities, summarise
from core.packs import pack_named
from core.report.blocks import Picture
from core.report.learning_curve import Step
from core.report.report_input import Origin, ReportInput
from core.types import Policy, Targets

CLASSES = ("dent", "good", "scratch")
JPEG = bytes.fromhex("ffd8ffe000104a464946") + b"\xff\xd9"


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positive probabilities, the truth, and OOD p-values."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.4
    score = 1 / (1 + np.exp(-(3.2 * (truth - 0.5) + rng.normal(size=n)) * 1.5))
    return score, truth, rng.uniform(0.005, 1, n)


def a_policy(escape: float = 0.1, n: int = 300) -> Policy:
    made = []
    for seed in (1, 2):
        score, truth, ood_p = drawn(n, seed)
        made.append(Cases(score, ood_p, np.ones(n, bool), truth, np.arange(n).astype(str)))
    return policies.certify(*made, Targets(escape=escape, overkill=0.1), bundle="plates@012345")


def a_judged(policy: Policy, n: int = 240, seed: int = 3) -> LabelledVerdicts:
    score, truth, ood_p = drawn(n, seed)
    split = np.random.default_rng(seed).uniform(0.1, 0.9, n)
    labels = np.zeros((n, 3), bool)
    labels[np.arange(n), np.where(truth, np.where(split > 0.5, 0, 2), 1)] = True
    cases = Cases(score, ood_p, np.ones(n, bool), truth, np.arange(n).astype(str))
    made = policies.dispositions(cases, policy)
    novel = ood_p <= policy.targets.ood_alpha
    return LabelledVerdicts(
        probabilities=np.stack([score * split, 1 - score, score * (1 - split)], axis=1),
        positive_probability=score,
        label_set=labels,
        labels=labels,
        positive=np.array([True, False, True]),
        is_multilabel=False,
        disposition=made,
        reason=np.where(novel, "NOVEL", np.where(made == "defer", "AMBIGUOUS", "")),
        ood_score=1 / ood_p,
        group=np.arange(n) // 2,
    )


def an_input(cases: LabelledVerdicts | None = None, **changed: object) -> ReportInput:
    policy = changed.get("policy", a_policy())
    cases = a_judged(policy) if cases is None else cases
    rows = [{"line": "ABC"[i % 3], "file": str(i)} for i in range(len(cases.labels))]
    rng = np.random.default_rng(4)
    ood_scores = {"gravel": 50 + 20 * rng.random(30)}
    id_scores = cases.ood_score[~np.isnan(cases.ood_score)]
    plain = ReportInput(
        pack=pack_named("parts"),
        policy=policy,
        classes=CLASSES,
        cases=cases,
        figures={
            "left_out": [],
            **summarise(cases),
            "sensitivity": sensitivities(cases, CLASSES),
            "ood": {
                name: measure_ood(id_scores, far, [True] * far.size)
                for name, far in ood_scores.items()
            },
            "by": by_column(cases, rows),
        },
        plain_columns=("file",),
        ood_scores=ood_scores,
        ood_limit=100.0,
        steps=tuple(
            Step(n, 0.9 + rng.random(3) * n / 9000, 0.5 - rng.random(3) * n / 9000)
            for n in (100, 200, 400)
        ),
        steps_note="Learning curve of three repeats.",
        worst={"escape": (Picture(JPEG, "plate7.png", "PASS, truly dent"),)},
        card={
            "backbone": {"name": "net", "source": "package"},
            "data": {
                "fingerprint": "f" * 64,
                "counts": {"cal": {"good": 3}, "train": {"dent": 4, "good": 5}},
                "attribution": "Plates, CC0.\nSecond line.",
            },
            "versions": {"numpy": "2"},
            "fit": {"head": "svm"},
            "check": {"alarms": [{"kind": "leak", "level": "strong", "sentence": "It leaks."}]},
        },
        origin=Origin("plates@012345", "0" * 64, "plates", "test", "assay evaluate", "1", "Now"),
    )
    return replace(plain, **changed)


@pytest.fixture(scope="session")
def policy_of() -> Callable[..., Policy]:
    return a_policy


@pytest.fixture(scope="session")
def judged_of() -> Callable[..., LabelledVerdicts]:
    return a_judged


@pytest.fixture(scope="session")
def input_of() -> Callable[..., ReportInput]:
    return an_input


class Read:
    """A drawing read back: places in pixels turned into data by the words beside the axes."""

    def __init__(self, svg: str, *, log_x: bool = False) -> None:
        self.svg, self._log = svg, log_x
        found = re.findall(
            r'<text x="([\d.-]+)" y="([\d.-]+)" class="tick" text-anchor="(\w+)">([^<]+)<', svg
        )
        ticks = [(float(x), float(y), anchor, _value(words)) for x, y, anchor, words in found]
        self._x = sorted((v, x) for x, _, anchor, v in ticks if anchor == "middle")
        self._y = sorted((v, y - 4) for _, y, anchor, v in ticks if anchor == "end")

    def x(self, pixels: float) -> float:
        return _back(self._x, pixels, self._log)

    def y(self, pixels: float) -> float:
        return _back(self._y, pixels, False)

    def points(self, kind: str) -> np.ndarray:
        """The corners of the only line or band of a kind, ``m 2``."""
        (corners,) = re.findall(rf'points="([^"]*)" class="{kind}"', self.svg)
        pairs = [corner.split(",") for corner in corners.split()]
        return np.array([(self.x(float(x)), self.y(float(y))) for x, y in pairs])

    def dots(self, kind: str) -> np.ndarray:
        found = re.findall(rf'cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" class="dot {kind}"', self.svg)
        return np.array([(self.x(float(x)), self.y(float(y))) for x, y in found])


def _value(words: str) -> float:
    number = float(words.replace("%", "").replace(",", ""))
    return number / 100 if "%" in words else number


def _back(ticks: list[tuple[float, float]], pixels: float, log: bool) -> float:
    (low, start), (high, end) = ticks[0], ticks[-1]
    share = (pixels - start) / (end - start)
    if log:
        return math.exp(math.log(low) + share * math.log(high / low))
    return low + share * (high - low)


@pytest.fixture(scope="session")
def read() -> type[Read]:
    return Read
