"""A labelled data set judged by a bundle, and the report about it."""

import base64
import csv
import gc
import re
import shutil
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.decision.ood import conformal_p
from core.errors import ConfigError, DataError
from core.evaluation import ood_scores
from core.labelled import read_labelled
from core.model.estimators.stated_changes import StatedChange, StatedShift
from core.service.assessment.paths import assess_paths
from core.service.evaluation import report
from core.service.evaluation.evaluate import _assess_rows, _slim, evaluate
from core.service.evaluation.learning_curve import SHARES, grow
from core.service.evaluation.report import refuse_unwritable, write_report
from core.service.progress import silent
from core.service.summaries import summarise_evaluation


@pytest.fixture(scope="module")
def opened(tiny_product):
    return tiny_product.opened()


@pytest.fixture(scope="module")
def found(opened, tiny_product):
    bundle, policy = opened
    return evaluate(bundle, tiny_product.data, policy=policy, settings=tiny_product.settings)


@pytest.fixture
def data(tiny_product, tmp_path):
    """A copy of the data set whose manifest a test may change."""
    return shutil.copytree(tiny_product.data, tmp_path / "plates")


def rewrite(data, change):
    table = data / "manifest.csv"
    with table.open(newline="") as file:
        rows = [change(row) for row in csv.DictReader(file)]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def format_labels(found, opened, path, settings, **more):
    bundle, policy = opened
    write_report(found, path, bundle=bundle, policy=policy, settings=settings, **more)
    return path.read_text(encoding="utf-8")


def test_the_test_split_is_judged_unless_another_is_named(found, opened, tiny_product, data):
    bundle, policy = opened
    assert (found.split, found.figures["split"]) == ("test", "test")
    rewrite(data, lambda row: {**row, "split": row["split"].replace("test", "ext_test")})
    settings = tiny_product.settings
    other = evaluate(bundle, data, policy=policy, settings=settings, split="ext_test")
    assert other.figures["read"]["counts"]["ext_test"] == {"good": 16, "scratched": 16}
    assert {**other.figures, "read": {}} == {**found.figures, "read": {}, "split": "ext_test"}
    with pytest.raises(DataError, match=r"No row has split 'test'; .* names cal, ext_test, train"):
        evaluate(bundle, data, policy=policy, settings=settings)


CHANGES = {
    "jpeg": lambda p: p,
    "smaller": lambda p: cv2.resize(p, (72, 72), interpolation=cv2.INTER_AREA),
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: np.rot90(p),
}


@pytest.fixture
def mixed(tiny_product, tmp_path):
    """Eight copies of pictures of train and cal, none with its bytes, among 32 new pictures."""
    folder = tmp_path / "mixed"
    for label in ("good", "scratched"):
        (folder / label).mkdir(parents=True)
        for file in tiny_product.pictures("test", label):
            shutil.copy(file, folder / label)
    met = [*tiny_product.pictures("train")[:4], *tiny_product.pictures("cal")[:4]]
    for number, (file, name) in enumerate(zip(met, [*CHANGES] * 2, strict=True)):
        changed = np.ascontiguousarray(CHANGES[name](cv2.imread(str(file))))
        cv2.imwrite(str(folder / "good" / f"{name}-{number}.jpg"), changed)
    return folder


def test_copies_of_training_pictures_are_refused_as_the_pictures_themselves_are(
    opened, tiny_product, mixed
):
    bundle, policy = opened
    with pytest.raises(DataError, match=r"8 of 40 pictures were .*\(8 a copy: .*jpeg-0\.jpg"):
        evaluate(bundle, mixed, policy=policy, settings=tiny_product.settings)


def test_a_training_picture_cropped_or_turned_a_little_is_refused_among_new_ones(
    opened, tiny_product, tmp_path
):
    bundle, policy = opened
    for label in ("good", "scratched"):
        (tmp_path / label).mkdir()
        for file in tiny_product.pictures("test", label):
            shutil.copy(file, tmp_path / label)
    first, second = (cv2.imread(str(one)) for one in tiny_product.pictures("train")[5:7])
    height, width = first.shape[:2]
    cv2.imwrite(str(tmp_path / "good" / "cut.png"), first[height // 10 :, : -width // 10])
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 3.0, 1.0)
    turned = cv2.warpAffine(second, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    cv2.imwrite(str(tmp_path / "good" / "turned.png"), turned)
    with pytest.raises(DataError, match=r"2 of 34 pictures .*2 a copy: .*cut\.png, turned\.png"):
        evaluate(bundle, tmp_path, policy=policy, settings=tiny_product.settings)


def test_what_was_met_can_be_left_out_and_is_named(found, opened, tiny_product, mixed, tmp_path):
    bundle, policy = opened
    settings = tiny_product.settings
    left = evaluate(bundle, mixed, policy=policy, settings=settings, leave_out_copies=True)
    assert left.figures["left_out"] == sorted(
        f"{name}-{i}.jpg" for i, name in enumerate([*CHANGES] * 2)
    )
    assert left.figures["n"] == found.figures["n"] == 32
    assert left.figures["auroc"] == found.figures["auroc"]
    assert "8 pictures are left out" in " ".join(summarise_evaluation(bundle, left.figures))
    page = format_labels(left, opened, tmp_path / "r.html", settings)
    assert "and 3 more" in page
    for file in sorted(mixed.rglob("test-*")):
        file.unlink()
    with pytest.raises(DataError, match="has met all 8 pictures"):
        evaluate(bundle, mixed, policy=policy, settings=settings, leave_out_copies=True)


def test_copies_within_the_test_set_count_as_one_group(opened, tiny_product, tmp_path):
    bundle, policy = opened
    settings, folder = tiny_product.settings, tmp_path / "folder"
    for label in ("good", "scratched"):
        (folder / label).mkdir(parents=True)
        for file in tiny_product.pictures("test", label):
            shutil.copy(file, folder / label)
    alone = evaluate(bundle, folder, policy=policy, settings=settings).figures
    for file in tiny_product.pictures("test", "scratched"):
        picture = cv2.imread(str(file))
        for name in ("mirrored", "turned"):
            again = np.ascontiguousarray(CHANGES[name](picture))
            cv2.imwrite(str(folder / "scratched" / f"{name}-{file.name}"), again)
    many = evaluate(bundle, folder, policy=policy, settings=settings).figures
    assert many["n"] == alone["n"] + 32
    assert many["escape"]["n"] == alone["escape"]["n"]


def test_labels_that_the_bundle_does_not_know_are_refused(opened, tiny_product, data):
    bundle, policy = opened
    rewrite(data, lambda row: {**row, "label": row["label"].replace("scratched", "dented")})
    with pytest.raises(DataError, match="does not know the labels dented"):
        evaluate(bundle, data, policy=policy, settings=tiny_product.settings)


def test_features_are_dropped_as_soon_as_a_picture_is_judged(opened, tiny_product):
    bundle, policy = opened
    files = tiny_product.pictures("test")[:3]
    judged = list(assess_paths(bundle, files, policy=policy, settings=tiny_product.settings))
    for whole, slim in zip(judged, _slim(judged), strict=True):
        assert whole.evidence.features.size > 0 == slim.evidence.features.size
        assert slim.evidence.ood_score == whole.evidence.ood_score
        assert (slim.prediction, slim.verdict) == (whole.prediction, whole.verdict)


def test_the_scores_that_are_drawn_are_those_that_pictures_were_decided_on(
    opened, tiny_product, tmp_path
):
    bundle, policy = opened
    reference = bundle.model.gate.reference
    nothing = np.zeros((0, 0), np.float32)
    shift = StatedShift("compressed", 100.0, 90.0, nothing, nothing)
    lower = StatedChange(shift, (0.0, 50.0), (0.0, 1.0), 0.0, 1.0)
    gate = replace(bundle.model.gate, stated=(lower,))
    known = replace(bundle, model=replace(bundle.model, gate=gate))
    rng = np.random.default_rng(3)
    for number in range(4):
        noise = cv2.resize(rng.integers(0, 256, (40, 40, 3)).astype(np.uint8), (240, 240))
        cv2.imwrite(str(tmp_path / f"{number}.png"), noise)
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), noise, [cv2.IMWRITE_JPEG_QUALITY, 60])
    settings = tiny_product.settings
    judged = list(assess_paths(known, [tmp_path], policy=policy, settings=settings))

    limit = report._ood_limit(reference, 0.1)
    beyond = [bool(score > limit) for score in ood_scores(judged)]
    assert beyond == [one.prediction.ood_p <= 0.1 for one in judged]
    assert beyond == [one.sample_id.endswith(".png") for one in judged]


def test_the_report_holds_the_figures_and_the_worst_pictures(found, opened, tiny_product, tmp_path):
    command = "assay evaluate <plates> --report r.html"
    page = format_labels(found, opened, tmp_path / "r.html", tiny_product.settings, command=command)
    assert f"AUROC {found.figures['auroc']:.3f}" in page
    assert "assay evaluate &lt;plates&gt; --report r.html" in page
    assert opened[0].sha256 in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)" alt="([^:]+):', page)
    assert 6 <= len(pictures) <= 24
    jpeg, name = pictures[-1]
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_GRAYSCALE)
    own = cv2.imread(str(tiny_product.data / "images" / name), cv2.IMREAD_GRAYSCALE)
    own = cv2.resize(own, shown.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(shown.ravel(), own.ravel())[0, 1] > 0.9


def test_the_same_evaluation_gives_the_same_bytes_but_for_the_date(
    found, opened, tiny_product, tmp_path
):
    settings = tiny_product.settings
    first = format_labels(found, opened, tmp_path / "a.html", settings, made="Monday")
    again = format_labels(found, opened, tmp_path / "b.html", settings, made="Tuesday")
    assert first == again.replace("Tuesday", "Monday")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_pictures_are_read_again_and_one_that_changed_is_not_shown(
    opened, tiny_product, data, tmp_path
):
    bundle, policy = opened
    found = evaluate(bundle, data, policy=policy, settings=tiny_product.settings)
    for path in (data / "images").glob("test-*"):
        path.write_bytes(b"\x89PNG\r\n\x1a\n torn")
    page = format_labels(found, opened, tmp_path / "r.html", tiny_product.settings)
    assert "data:image/jpeg" not in page
    assert page.count("not shown") >= 6


def test_a_report_that_cannot_be_written_is_refused_beforehand(tmp_path):
    with pytest.raises(ConfigError, match="cannot be written"):
        refuse_unwritable(tmp_path / "missing" / "r.html")
    with pytest.raises(ConfigError, match="is a folder; expected a file"):
        refuse_unwritable(tmp_path)
    refuse_unwritable(tmp_path / "r.html")


@pytest.mark.parametrize("alpha", [0.0, 0.001, 0.01, 0.05, 0.5, 1.0])
def test_the_drawn_limit_of_the_gate_parts_what_the_gate_parts(alpha):
    rng = np.random.default_rng(0)
    reference = rng.random(199)
    scores = np.concatenate([rng.random(500) * 1.2, reference])
    limit = report._ood_limit(reference, alpha)
    flagged = conformal_p(scores, reference) <= alpha
    np.testing.assert_array_equal(scores > limit, flagged)


def test_too_few_groups_give_no_learning_curve_but_a_reason(opened):
    bundle, _ = opened
    few = grow(bundle, silent)
    assert few.steps == ()
    assert "needs 30 groups of either side" in few.note


def test_a_learning_curve_is_fitted_on_growing_shares(opened):
    bundle, _ = opened
    reported = []
    grown = grow(bundle, lambda step, done, total: reported.append((done, total)), fewest=10)
    again = grow(bundle, silent, fewest=10)
    pictures = [step.pictures for step in grown.steps]
    assert pictures == sorted(pictures)
    assert pictures[-1] == len(bundle.known.labels) * 2 // 3
    assert reported[-1] == (len(SHARES) * 3, len(SHARES) * 3)
    assert "thirds by group" in grown.note
    assert grown.steps[-1].auroc.mean() >= grown.steps[0].auroc.mean()
    for one, other in zip(grown.steps, again.steps, strict=True):
        np.testing.assert_array_equal(one.nll, other.nll)


def test_a_judged_picture_keeps_few_bytes_until_all_are_judged(opened, tiny_product):
    bundle, policy = opened
    rows = read_labelled(tiny_product.data).rows

    def kept(count):
        pictures = []
        tracemalloc.start()
        try:
            judged = _assess_rows(
                bundle, rows[:count], pictures, policy, tiny_product.settings, silent
            )
            found = list(_slim(judged))
            gc.collect()
            return len(found), tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    kept(20)
    (few, before), (many, after) = kept(40), kept(120)
    # Its shrunk pixels are 19 KB, and what the network and the traits gave several more.
    per_picture = (after - before) / (many - few)
    assert per_picture < 1500, per_picture
