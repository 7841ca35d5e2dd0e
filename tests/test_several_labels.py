"""Pictures with several labels, from drawn plates to the review page."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from core.errors import DataError
from core.imaging.files import open_file
from core.json_output import assessment_line
from core.records.final_reads import final_reads
from core.records.store import decisions
from core.service.assessment.paths import assess_paths
from core.service.assessment.recording import assess_and_record
from core.service.assessment.replay import replay
from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.evaluation.evaluate import evaluate
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Disposition, Targets

SIDE = 96
KINDS = ("good", "scratched", "stained", "scratched|stained", "good", "stained | scratched")
PLATES = {"train": 48, "cal": 36, "test": 18}
CLASSES = ("good", "scratched", "stained")


@dataclass(frozen=True)
class Stained:
    data: Path
    bundle: Path
    settings: Settings


def a_plate(rng: np.random.Generator, label: str) -> np.ndarray:
    """Draw a brushed plate, uint8 ``SIDE SIDE``: a scratch is a thin line, a stain a pale spot."""
    brushed = cv2.GaussianBlur(rng.normal(0, 40, (SIDE, SIDE)), (0, 0), sigmaX=6, sigmaY=0.6)
    plate = rng.uniform(115, 130) + brushed + rng.normal(0, 2, (SIDE, SIDE))
    if "scratched" in label:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        start, angle = rng.uniform(25, 60, 2), rng.uniform(0.2, 2.9)
        end = start + rng.uniform(25, 40) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(mask, start.astype(int).tolist(), end.astype(int).tolist(), 255, 2, cv2.LINE_AA)
        plate -= rng.uniform(0.2, 0.8) * 90 * (mask / 255.0)
    if "stained" in label:
        mask = np.zeros((SIDE, SIDE), np.float32)
        cv2.circle(mask, rng.integers(20, 76, 2).tolist(), int(rng.integers(6, 14)), 1.0, -1)
        plate += rng.uniform(15, 70) * cv2.GaussianBlur(mask, (0, 0), 3)
    return np.clip(plate, 0, 255).astype(np.uint8)


def draw(folder: Path, seed: int = 3) -> Path:
    """Write plates with a manifest that names one or two labels each."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group"])
        for split, plates in PLATES.items():
            for number in range(plates):
                label, name = KINDS[number % len(KINDS)], f"{split}-{number:02}.png"
                cv2.imwrite(str(folder / name), a_plate(rng, label))
                table.writerow([name, label, split, name])
    return folder


@pytest.fixture(scope="module")
def stained(tmp_path_factory: pytest.TempPathFactory, network_home: Path) -> Stained:
    root = tmp_path_factory.mktemp("stained")
    settings = Settings(home=network_home)
    out = train(TrainSpec("parts", draw(root / "plates"), root / "bundle"), settings)
    certify_bundle(open_bundle(out, settings), Targets(escape=0.2, overkill=0.3, ood_alpha=0.02))
    return Stained(root / "plates", out, settings)


@pytest.fixture(scope="module")
def opened(stained):
    bundle = open_bundle(stained.bundle, stained.settings)
    return bundle, policy_of(bundle)


@pytest.fixture(scope="module")
def assessed(stained, opened):
    files = sorted(stained.data.glob("test-*.png"))
    return list(assess_paths(opened[0], files, settings=stained.settings))


def test_the_bundle_knows_each_label_and_certifies_the_roll_up(opened):
    bundle, policy = opened
    assert bundle.model.classes == CLASSES
    assert bundle.model.is_multilabel
    assert policy.escape.n == 24
    assert policy.overkill.n == 12
    assert policy.escape.certified
    # 48 plates by turns: every label of a picture counts once.
    counts = bundle.metadata["data"]["counts"]["train"]
    assert counts == {"good": 16, "scratched": 24, "stained": 24}


def test_a_verdict_names_all_labels_that_are_as_likely_as_not(assessed, opened):
    policy = opened[1]
    both = 0
    for one in assessed:
        p = dict(zip(CLASSES, one.prediction.probabilities.tolist(), strict=True))
        if one.verdict.disposition is not Disposition.POSITIVE:
            continue
        likely = [name for name in CLASSES[1:] if p[name] >= 0.5]
        assert one.verdict.label == "|".join(likely or [max(CLASSES[1:], key=lambda n: p[n])])
        both += one.verdict.label == "scratched|stained"
        line = json.loads(json.dumps(assessment_line(one, pack="parts", policy=policy)))
        assert line["probabilities"] == p
        assert line["label"] == one.verdict.label
    assert both > 0
    sums = [one.prediction.probabilities.sum() for one in assessed]
    assert max(sums) > 1.5


def test_evaluation_gives_figures_by_label_beside_those_of_the_whole_rule(stained, opened):
    bundle, policy = opened
    found = evaluate(bundle, stained.data, policy=policy, settings=stained.settings).figures
    assert found["n"] == 18
    assert set(found["labels"]["each"]) == set(CLASSES)
    assert [found["labels"]["each"][name]["positives"] for name in CLASSES] == [6, 9, 9]
    assert found["labels"]["mean"]["auroc"] > 0.8
    assert found["auroc"] > 0.8
    assert 1 / 6 < found["accuracy"] <= found["balanced_accuracy"] <= 1.0


def test_the_figures_are_those_of_the_assessments(stained, opened, assessed):
    bundle, policy = opened
    found = evaluate(bundle, stained.data, policy=policy, settings=stained.settings).figures
    truth = [set(KINDS[i % len(KINDS)].replace(" ", "").split("|")) for i in range(18)]
    right = []
    for one, labels in zip(assessed, truth, strict=True):
        p = dict(zip(CLASSES, one.prediction.probabilities.tolist(), strict=True))
        side = CLASSES[1:] if one.prediction.positive_probability >= 0.5 else CLASSES[:1]
        predicted = {n for n in side if p[n] >= 0.5} or {max(side, key=lambda n: p[n])}
        right.append(predicted == labels)
    assert found["accuracy"] == pytest.approx(np.mean(right))
    let_through = sum(
        one.verdict.disposition is Disposition.NEGATIVE and labels != {"good"}
        for one, labels in zip(assessed, truth, strict=True)
    )
    assert (found["escape"]["k"], found["escape"]["n"]) == (let_through, 12)


def test_a_past_verdict_comes_out_bit_for_bit_again(recorded):
    settings, store = recorded
    kept = decisions(store)
    assert {len(one.probabilities) for one in kept} == {3}
    for one in kept[:4]:
        assert replay(one.id, store, settings) == []


def test_a_label_for_nothing_wrong_beside_another_is_refused_and_the_row_named(tmp_path, stained):
    data = draw(tmp_path / "plates")
    table = data / "manifest.csv"
    table.write_text(table.read_text().replace("train-02.png,stained", "train-02.png,good|stained"))
    with pytest.raises(DataError, match=r"nothing wrong.*train-02\.png: good\|stained"):
        train(TrainSpec("parts", data, tmp_path / "bundle"), stained.settings)


@pytest.fixture
def recorded(stained, opened, network_home, tmp_path) -> Iterator[tuple]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
    settings = Settings(home=home)
    bundle, policy = opened
    keep(bundle, policy, settings)
    store = open_store(settings)
    files = [open_file(p, settings.max_bytes) for p in sorted(stained.data.glob("test-*.png"))[:8]]
    list(assess_and_record(bundle, files, store, policy=policy, settings=settings))
    yield settings, store
    store.close()


def texts(page):
    return "\n".join(element.proto.body for element in page.get("html"))


def test_the_review_page_shows_every_label_and_keeps_those_that_a_person_ticks(
    recorded, monkeypatch
):
    settings, store = recorded
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_REVIEWER", "Ada")
    st.cache_resource.clear()
    page = AppTest.from_file(Path(dashboard.__file__).parent / "app.py", default_timeout=60)
    page.session_state["pack"] = "parts"
    page.run()
    assert not page.exception, page.exception
    until = time.monotonic() + 60
    # The nearest known cases are worked out beside the page.
    while "distance " not in texts(page) and time.monotonic() < until:
        time.sleep(0.1)
        page.run()
    shown = texts(page)
    worst = max(decisions(store), key=lambda one: one.positive_probability)
    for name, p in zip(CLASSES, worst.probabilities, strict=True):
        mark = "likely" if p >= 0.5 else ""
        assert f'<div class="assay-label {mark}"><span>{name}</span>' in shown
    assert shown.count('class="assay-label ') == 3
    assert "distance " in shown
    (ticks,) = page.button_group
    assert ticks.options == list(CLASSES)
    ticks.set_value(["stained", "scratched"]).run()
    next(b for b in page.button if b.label.startswith("FAIL")).click().run()
    assert not page.exception, page.exception
    (review,) = final_reads(store, "parts")
    assert (review.disposition, review.label) == (Disposition.POSITIVE, "scratched|stained")
    st.cache_resource.clear()
