"""Every installed pack goes the whole way: train, certify, assess, evaluate, review."""

import csv
from pathlib import Path

import cv2
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import dashboard
from core.imaging.files import open_file
from core.packs import installed
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archive import keep
from core.service.bundles.open import open_bundle
from core.service.evaluation.evaluate import evaluate
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.types import Disposition, Reason, Targets
from tests.ceilings import certify_above

APP = Path(dashboard.__file__).parent / "app.py"
GREY = ("xray",)  # packs whose ordinary pictures have no colour
NEVER = {Reason.FAULT, Reason.UNREADABLE, Reason.WRONG_INPUT}
GREEN = (0.6, 1.0, 0.7)  # blue, green, red: brushed plates in the colour of a leaf


@pytest.fixture(params=sorted(installed()))
def pack(request):
    return installed()[request.param]


@pytest.fixture
def data(pack, tiny_product, tmp_path):
    """One view of each plate, in the pack's colours and with its own label for a good one."""
    good = sorted(pack.negative_labels)[0].replace("*", "plate")
    folder = tmp_path / "plates"
    (folder / "images").mkdir(parents=True)
    with (tiny_product.data / "manifest.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["file"].endswith("a.png")]
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", pack.group_columns[0]])
        for row in rows:
            plate = cv2.imread(str(tiny_product.data / row["file"]))
            if pack.name not in GREY:
                plate = (plate * GREEN).astype("uint8")
            cv2.imwrite(str(folder / row["file"]), plate)
            label = good if row["label"] == "good" else row["label"]
            table.writerow([row["file"], label, row["split"], row["group"]])
    return folder


def test_the_whole_way_runs_from_labelled_pictures_to_the_review_page(
    pack, data, tiny_product, tmp_path, monkeypatch
):
    settings = tiny_product.settings_at(tmp_path / "home")
    bundle = open_bundle(train(TrainSpec(pack.name, data, tmp_path / "bundle"), settings), settings)
    policy = certify_above(bundle, Targets(escape=0.2, overkill=0.2))
    keep(bundle, policy, settings)

    files = [open_file(path, settings.max_bytes) for path in sorted(data.glob("images/test-*"))]
    store = open_store(settings)
    found = [
        one.assessment
        for one in assess_and_record(bundle, files, store, policy=policy, settings=settings)
    ]
    store.close()
    figures = evaluate(bundle, data, policy=policy, settings=settings).figures
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    st.cache_resource.clear()
    page = AppTest.from_file(APP, default_timeout=60)
    page.session_state["pack"] = pack.name
    page.run()
    st.cache_resource.clear()
    shown = " ".join(str(one.proto.body) for one in page.get("html"))

    assert len(found) == 16
    assert pack.wording[Disposition.POSITIVE] in {one.wording for one in found}
    assert {one.wording for one in found} <= set(pack.wording.values())
    assert not {f.reason for one in found for f in one.verdict.findings} & NEVER
    assert policy.escape.certified
    assert figures["auroc"] > 0.8
    assert figures["n"] == 16
    assert not page.exception
    offered = " ".join(button.label for button in page.button)
    assert (pack.wording[Disposition.POSITIVE] in offered) == (not pack.has_own_review)
    assert (f"{pack.name.capitalize()} is reviewed on a page of its own." in shown) == (
        pack.has_own_review
    )
