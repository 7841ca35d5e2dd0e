"""`--effort best` from files to a bundle: what was fine-tuned is used, carried and reported."""

import csv
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.decision import candidates, fusion
from core.labelled import read_labelled
from core.model.estimators import heads
from core.model.network import backbone as backbones
from core.model.network.backbone import Files
from core.packs import pack_named
from core.service.bundles.open import open_bundle
from core.service.data.pictures import PictureFeatures, extract_features
from core.service.summaries import list_remarks
from core.service.training import finetune
from core.service.training.features import LearningTask
from core.service.training.precision import TrainingContext
from core.service.training.selection import ALL_VIEWS, MARKS, OTHER_LAYERS, TUNED, select
from core.service.training.train import BEST, TrainSpec, train
from core.settings import Settings
from tests.conftest import a_plate

pytestmark = pytest.mark.slow


def draw_faint_plates(folder, train=64, cal=12):
    folder.mkdir()
    rng = np.random.default_rng(5)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split"])
        for number in range(train + cal):
            label = ("good", "scratched")[number % 2]
            depth = rng.uniform(0.1, 0.4) if label == "scratched" else 0.0
            cv2.imwrite(str(folder / f"{number}.png"), a_plate(rng, depth))
            table.writerow([f"{number}.png", label, "train" if number < train else "cal"])


def keep_everything(patch):
    for name in ("can_be_improved", "is_undecided", "is_better"):
        patch.setattr(candidates, name, lambda *_: True)


@pytest.fixture(scope="module")
def default(tiny_product, tmp_path_factory):
    """Train with best effort where the default predicts almost everything."""
    root, result = tmp_path_factory.mktemp("default"), []
    settings = tiny_product.settings_at(root / "home")
    spec = TrainSpec("parts", tiny_product.data, root / "plates", effort=BEST)
    train(spec, settings, say=result.append)
    return open_bundle(root / "plates", settings), result


@pytest.fixture(scope="module")
def best(tiny_product, tmp_path_factory):
    """Train with best effort on faint scratches, where everything tried is kept."""
    root, result = tmp_path_factory.mktemp("best"), []
    settings = tiny_product.settings_at(root / "home")
    draw_faint_plates(root / "faint")
    spec = TrainSpec("parts", root / "faint", root / "plates", effort=BEST, size=96)
    with pytest.MonkeyPatch.context() as patch:
        keep_everything(patch)
        train(spec, settings, say=result.append)
    return open_bundle(root / "plates", settings), settings, result


def test_where_nothing_is_clearly_better_the_bundle_is_the_default_bit_for_bit(
    default, tiny_product
):
    bundle, result = default
    quick = tiny_product.opened()[0]
    for name in ("weights.safetensors", "known.safetensors"):
        assert (bundle.path / name).read_bytes() == (quick.path / name).read_bytes()
    mine, its = dict(bundle.metadata), dict(quick.metadata)
    assert [words.pop("effort") for words in (mine, its)] == ["best", "quick"]
    reported, nothing = mine.pop("finetuning"), its.pop("finetuning")
    assert nothing == {}
    assert reported["summary"] in list_remarks(bundle)
    assert {k: v for k, v in mine.items() if k != "name"} == {
        k: v for k, v in its.items() if k != "name"
    }
    assert "so the default is kept" in result[-1]
    assert (
        "fine-tuned: not tried, since even a perfect one would not be clearly better" in result[-1]
    )


def test_the_stages_are_heard_beside_the_head(best):
    bundle, settings, _ = best
    faint = read_labelled(bundle.path.parent / "faint").rows
    rows = [row for row in faint if row.split == "cal"][:6]
    looked = extract_features(
        rows,
        pack="parts",
        size=bundle.backbone.size,
        network=bundle.network,
        settings=settings,
        progress=lambda *_: None,
    )
    assert bundle.backbone.tail
    assert bundle.model.expert_weights[1] > 0.0
    for one in looked:
        assert isinstance(one, PictureFeatures)
        evidence = bundle.model.evidence(one.output, one.prepared)
        head = heads.logits(bundle.model.head, evidence.features)
        both = np.stack([head, one.output.tail.astype(np.float64)])
        np.testing.assert_allclose(
            evidence.logits, fusion.fuse(both, bundle.model.expert_weights), rtol=1e-6
        )


def test_every_trial_and_every_epoch_is_said_and_kept_with_the_bundle(best):
    bundle, _, result = best
    words = bundle.metadata["finetuning"]
    trials, folds = words["trials"], words["folds"]
    assert [trial["name"] for trial in trials] == [ALL_VIEWS, TUNED]
    assert [trial["groups"] for trial in trials] == [64, 64]
    assert trials[1]["than"] == trials[0]["nll"]
    assert f"NLL {trials[0]['than']:.3f} → {trials[0]['nll']:.3f} on 64 groups" in result[1]
    assert words["summary"] in result[-1]
    assert words["summary"] in list_remarks(bundle)
    assert len(folds) == 3
    assert len(result) == 1 + len(trials) + 1 + sum(len(fold["history"]) - 1 for fold in folds)
    for fold in folds:
        losses = [epoch["loss"] for epoch in fold["history"]]
        assert losses[fold["chosen"]] == min(losses)
        assert np.array(fold["confusion"]).sum() > 0
    assert "precision" in result[2]


def test_pictures_are_seen_from_all_sides_and_nothing_is_left_behind(best):
    bundle, settings, _ = best
    assert bundle.backbone.views == bundle.pack.views
    assert bundle.metadata["effort"] == BEST
    assert not any((settings.cache / "tuning").iterdir())


def test_where_stages_cannot_learn_the_cause_is_said_and_none_are_kept(
    tiny_product, tmp_path, monkeypatch
):
    keep_everything(monkeypatch)
    root = tmp_path / "three-groups"
    shutil.copytree(tiny_product.data / "images", root / "images")
    rows = [row for row in read_labelled(tiny_product.data).rows if row.split != "test"]
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "group", "split"])
        for place, row in enumerate(rows):
            group = f"{row.label}-{row.split}-{place // 4 % 3}"
            table.writerow([f"images/{row.file.name}", row.label, group, row.split])
    settings = tiny_product.settings_at(tmp_path / "home")
    work = TrainingContext(
        replace(backbones.describe(size=96), views=("identity",)),
        Files(),
        read_labelled(root).rows,
        pack_named("parts"),
        settings,
        lambda *_: None,
    )
    task = LearningTask(("good", "scratched"), (False, True), frozenset({"good"}), False, False, 0)
    result = []
    stages = select(work, task, result.append, sizes=False, tails=True)
    trial = stages.metadata["trials"][-1]
    assert trial["nll"] is None
    assert trial["why"].startswith("Fine-tuning needs more groups of every class, got 6 in all")
    assert trial["why"] in result[-1]
    assert not stages.oof_scores
    assert not stages.work.backbone.tail
    assert not (settings.cache / "tuning").exists() or not any(
        (settings.cache / "tuning").iterdir()
    )


def draw_specks(folder, pictures=80):
    """Textured plates; on every other one is a speck of two pixels in 224."""
    folder.mkdir()
    rng = np.random.default_rng(9)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split"])
        for number in range(pictures):
            pixels = cv2.GaussianBlur(rng.normal(0.0, 60.0, (224, 224)), (0, 0), 2) + 128.0
            if number % 2:
                x, y = rng.integers(20, 200, 2)
                pixels[y : y + 3, x : x + 2] -= 70.0
            cv2.imwrite(str(folder / f"{number}.png"), pixels.clip(0, 255).astype(np.uint8))
            table.writerow([f"{number}.png", ("good", "marked")[number % 2], "train"])


def test_small_marks_are_searched_for_where_that_finds_them(tiny_product, tmp_path):
    draw_specks(tmp_path / "specks")
    own = backbones.describe(size=112)
    work = TrainingContext(
        own,
        Files(),
        read_labelled(tmp_path / "specks").rows,
        pack_named("parts"),
        tiny_product.settings_at(tmp_path / "home").model_copy(update={"runtime": "torch"}),
        lambda *_: None,
    )
    task = LearningTask(("good", "marked"), (False, True), frozenset({"good"}), False, False, 0)
    stages = select(work, task, lambda _: None, sizes=True, tails=True)
    first, joined, *_, last = stages.metadata["trials"]
    assert first["name"] == MARKS
    assert first["kept"]
    assert first["nll"] < 0.85 * first["than"]
    assert not joined["kept"]
    assert stages.work.backbone.taps == backbones.with_marks(own).taps
    assert stages.work.backbone.size == 224
    assert (last["name"], last["why"]) == (TUNED, OTHER_LAYERS)


def test_how_sure_a_person_was_becomes_the_target(tmp_path):
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "probability"])
        for number, (label, chance) in enumerate([("bad", 0.9), ("good", 0.2), ("good", 0.0)]):
            (tmp_path / f"{number}.png").write_bytes(b"x")
            table.writerow([f"{number}.png", label, chance])
    rows = read_labelled(tmp_path).rows
    targets = finetune.targets_for(rows, ("bad", "good"), (True, False))
    np.testing.assert_allclose(targets, [[0.9, 0.1], [0.2, 0.8], [0.0, 1.0]], atol=1e-7)
    rows[1].columns["probability"] = "unsure"
    plain = finetune.targets_for(rows, ("bad", "good"), (True, False))
    np.testing.assert_array_equal(plain, [[1, 0], [0, 1], [0, 1]])


def test_few_defects_are_not_fine_tuned_and_that_is_said(tiny_product, tmp_path):
    root = tmp_path / "few"
    shutil.copytree(tiny_product.data / "images", root / "images")
    rows = read_labelled(tiny_product.data).rows
    kept = [r for r in rows if r.label == "good" and r.split != "test"][:24]
    kept += [r for r in rows if r.label == "scratched" and r.split == "train"][:2]
    with (root / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "group"])
        table.writerows((f"images/{r.file.name}", r.label, r.group) for r in kept)
    result = []
    settings = Settings(home=tiny_product.settings_at(tmp_path / "home").home)
    out = train(TrainSpec("parts", root, tmp_path / "b", effort=BEST), settings, say=result.append)
    assert "With few defects nothing is fine-tuned." in result
    assert "default is kept" in result[-1]
    assert json.loads((out / "bundle.json").read_text())["backbone"]["views"] == ["identity"]
