"""Drawn leaves of three crops through training, assessing, exporting: what the pack declares."""

import csv

import cv2
import numpy as np
import pytest

from core.imaging.files import open_file
from core.service.assessment.assessor import Assessor
from core.service.assessment.paths import assess_paths
from core.service.assessment.recording import assess_and_record
from core.service.assessment.replay import replay
from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.export.export import export_bundle
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.types import Disposition, Targets

GREENS = {"oat": (60, 150, 50), "flax": (110, 170, 70), "hop": (40, 110, 60)}
SHAPES = {"oat": (70, 14), "flax": (60, 34), "hop": (52, 50)}
SOIL = (90, 60, 50)
EACH = 8


def draw_leaf(crop, is_sick, seed, ground=(236, 234, 230)):
    rng = np.random.default_rng(seed)
    picture = np.full((128, 160, 3), ground, np.uint8)
    colour = tuple(int(c + rng.integers(-10, 11)) for c in GREENS[crop])
    centre = (80 + int(rng.integers(-6, 7)), 64 + int(rng.integers(-6, 7)))
    cv2.ellipse(picture, centre, SHAPES[crop], rng.integers(-15, 16), 0, 360, colour, -1)
    for _ in range(12 if is_sick else 0):
        x, y = centre[0] + int(rng.integers(-40, 41)), centre[1] + int(rng.integers(-10, 11))
        cv2.circle(picture, (x, y), int(rng.integers(2, 5)), (120, 70, 30), -1)
    noisy = picture + rng.normal(0, 4, picture.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def write(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="module")
def leaves(tmp_path_factory, tiny_product):
    root = tmp_path_factory.mktemp("leaves")
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group"])
        for number, crop in enumerate(GREENS):
            for state in ("healthy", "spot"):
                for i in range(2 * EACH):
                    name = f"{crop}_{state}_{i}.png"
                    seed = 1000 * number + 10 * i + (state == "spot")
                    write(root / name, draw_leaf(crop, state == "spot", seed))
                    split = "train" if i < EACH else "cal"
                    table.writerow([name, f"{crop}_{state}", split, name])
    settings = tiny_product.settings_at(tmp_path_factory.mktemp("home"))
    bundle = open_bundle(train(TrainSpec("crops", root, root / "bundle"), settings), settings)
    return root, bundle, certify_bundle(bundle, Targets(escape=0.2, overkill=0.2)), settings


def test_the_bundle_knows_crops_superclasses_and_a_head_for_other_pictures(leaves):
    model = leaves[1].model

    assert model.label_reference.subjects == ("flax", "flax", "hop", "hop", "oat", "oat")
    assert set(model.label_reference.superclasses) == {"healthy", "diseased"}
    assert model.shift is not None
    assert leaves[1].backbone.foreground


def test_on_another_ground_leaves_are_flagged_and_still_sorted_rightly(leaves, tmp_path):
    _, bundle, policy, settings = leaves
    files = [
        write(tmp_path / f"{state}{i}.png", draw_leaf("hop", state == "sick", 9000 + i, SOIL))
        for state in ("sick", "well")
        for i in range(6)
    ]
    found = list(assess_paths(bundle, files, policy=policy, settings=settings))
    p = [one.prediction.positive_probability for one in found]

    assert all(one.verdict.disposition is Disposition.DEFER for one in found)
    assert np.mean(p[:6]) > np.mean(p[6:])


def test_a_crop_that_is_named_is_checked_recorded_and_replayed(leaves, tmp_path):
    root, bundle, policy, settings = leaves
    store = open_store(settings.model_copy(update={"home": settings.home}))
    keep(bundle, policy, settings)
    picture = open_file(root / "hop_spot_12.png", settings.max_bytes)
    as_oat, as_hop = (
        next(
            assess_and_record(
                bundle, [picture], store, policy=policy, settings=settings, product=product
            )
        )
        for product in ("oat", "Hop/north field")
    )

    assert "crop oat: the picture does not look like it" in as_oat.assessment.verdict.message
    assert set(as_oat.assessment.label_set) <= {"oat_healthy", "oat_spot"}
    assert as_hop.assessment.label_set == ("hop_spot",)
    assert "crop" not in as_hop.assessment.verdict.message
    assert as_oat.decision != as_hop.decision
    assert [replay(one.decision, store, settings) for one in (as_oat, as_hop)] == [[], []]
    store.close()


def test_the_same_bytes_give_the_same_answer_twice(leaves):
    root, bundle, policy, settings = leaves
    data = (root / "flax_spot_3.png").read_bytes()
    with Assessor(bundle, policy, settings) as assessor:
        one, other = assessor.one(data), assessor.one(data)

    assert one.verdict == other.verdict
    assert one.evidence.shifted == other.evidence.shifted
    assert np.array_equal(one.prediction.probabilities, other.prediction.probabilities)


def test_an_exported_graph_judges_pictures_from_elsewhere_alike(leaves, tmp_path):
    _, bundle, policy, settings = leaves
    for i in range(4):
        write(tmp_path / "odd" / f"{i}.png", draw_leaf("hop", i % 2 == 0, 500 + i, SOIL))
    agreement = export_bundle(
        bundle, policy, "onnx", tmp_path / "leaves.onnx", settings, tmp_path / "odd"
    )

    assert agreement.compared >= 4
    assert agreement.apart < 1e-3
