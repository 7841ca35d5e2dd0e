"""Training that starts from a bundle of another place."""

import csv
import json
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from core.checking.split_membership import CaseNames, SplitMembership
from core.cli import train as cli_train
from core.cli.app import app
from core.errors import ConfigError, DataError
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.evaluation.evaluate import evaluate
from core.service.training.train import TrainSpec, train
from core.service.training.transfer import open_transfer_bundle
from core.types import Targets
from tests.conftest import a_plate

PLATES = {"train": 20, "cal": 8, "test": 6}


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Plates of another line, darker; their labels stand in a column of their own."""
    folder, rng = tmp_path_factory.mktemp("line2"), np.random.default_rng(23)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group", "kind"])
        for split, plates in PLATES.items():
            for number in range(plates):
                scratched = number % 2
                plate = cv2.convertScaleAbs(a_plate(rng, 0.6 * scratched), alpha=0.8)
                name = f"{split}-{number}.png"
                cv2.imwrite(str(folder / name), plate)
                label = ("fine", "marked")[scratched]
                table.writerow([name, "unsorted", split, f"{split}-{number}", label])
    return folder


def a_spec(local, out, start):
    return TrainSpec(
        "parts", local, out, frozenset({"fine"}), start_from=start, label_column="kind"
    )


@pytest.fixture(scope="module")
def started(tiny_product, local, tmp_path_factory):
    root = tmp_path_factory.mktemp("started")
    settings = tiny_product.settings_at(root / "home")
    train(a_spec(local, root / "line2", tiny_product.bundle), settings)
    return open_bundle(root / "line2", settings), settings


def test_what_is_certified_and_what_is_strange_comes_from_the_new_place_alone(started):
    bundle, _ = started
    assert len(bundle.cal.positive) == PLATES["cal"]
    assert len(bundle.oof.positive) == PLATES["train"]
    assert len(bundle.model.gate.reference) == PLATES["train"]
    assert len(bundle.known.labels) == PLATES["train"]


def test_the_choice_and_where_it_started_stand_in_the_card(started, tiny_product):
    bundle, _ = started
    before, _ = tiny_product.opened()
    start, fitted = bundle.metadata["transfer"], bundle.metadata["fit"]
    assert start["bundle"] == before.label
    assert start["pictures"] == len(before.known.labels)
    starts = {"start recalibrated", "start corrected", "start together"}
    own = fitted["nll"].keys() - starts
    assert starts < fitted["nll"].keys()
    best = fitted["nll"][fitted["head"]]
    assert best <= min(fitted["nll"][name] for name in own)
    assert f"Started from {before.label}" in start["summary"]


def test_too_few_pictures_certify_nothing_and_the_number_needed_is_said(started):
    bundle, _ = started
    policy = certify_bundle(bundle, Targets(escape=0.05, overkill=0.05))
    assert (policy.t_neg, policy.t_pos) == (None, None)
    assert (policy.escape.n, policy.escape.needed) == (4, 55)


def test_evaluation_reads_the_labels_from_the_column_that_was_trained_on(started, local):
    bundle, settings = started
    policy = certify_bundle(bundle, Targets())
    found = evaluate(bundle, local, policy=policy, settings=settings)
    assert found.figures["n"] == PLATES["test"]
    assert {row.label for row in found.rows} == {"fine", "marked"}


def test_a_bundle_has_met_what_its_start_has_met(started, tiny_product):
    bundle, _ = started
    before, _ = tiny_product.opened()
    pictures = bundle.metadata["hashes"]["pictures"]
    assert set(before.metadata["hashes"]["pictures"]) < set(pictures)
    assert len(bundle.fingerprints["origin"]) == len(pictures)
    membership = SplitMembership.from_arrays(bundle.membership)
    start = before.metadata["hashes"]["pictures"]
    assert {membership.assign(CaseNames((one,))).split for one in start} == {"train"}


@pytest.mark.parametrize("written", ["cal-3", "CAL-3"])
def test_groups_of_the_new_place_are_refused_beside_those_of_a_start(
    started, local, tmp_path, written
):
    bundle, settings = started
    policy = certify_bundle(bundle, Targets())
    folder = shutil.copytree(local, tmp_path / "again")
    table = folder / "manifest.csv"
    table.write_text(
        table.read_text().replace(",test-0,", f",{written},").replace("cal,", "set_aside,")
    )
    with pytest.raises(DataError, match=r"1 of 6 pictures were .*\(1 of a group in it\)"):
        evaluate(bundle, folder, policy=policy, settings=settings)


@pytest.mark.parametrize("same", [True, False])
def test_pictures_that_the_start_has_met_are_refused(tiny_product, local, tmp_path, same):
    folder = shutil.copytree(local, tmp_path / "mixed")
    picture = cv2.imread(str(tiny_product.pictures("cal")[0]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(folder / "train-0.png"), picture if same else picture[:, ::-1])
    settings = tiny_product.settings_at(tmp_path / "home")
    with pytest.raises(DataError, match=r"on 1 of the pictures given: train-0\.png"):
        train(a_spec(folder, tmp_path / "out", tiny_product.bundle), settings)
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_another_pack_or_of_several_labels_is_no_start(tiny_product, tmp_path):
    settings = tiny_product.settings_at(tmp_path / "home")
    known = frozenset({"good"})
    with pytest.raises(ConfigError, match="for the pack parts, not xray; pictures with several"):
        open_transfer_bundle(
            tiny_product.bundle, "xray", known, is_multilabel=True, settings=settings
        )


@pytest.mark.parametrize(
    ("classes", "negative", "scratched", "good"),
    [
        (("good", "scratched"), {"good"}, 1, 0),
        (("fine", "marked"), {"fine"}, 1, 0),
        (("bent", "good", "scratched"), {"good"}, 2, 1),
        (("bent", "dent", "fine"), {"fine"}, -1, 2),
        (("bent", "old", "young"), {"old", "young"}, 0, -1),
        (("bent", "dent", "scratched"), {"scratched"}, -1, 2),
    ],
)
def test_labels_of_a_start_are_their_namesakes_or_the_one_of_their_side(
    tiny_product, tmp_path, classes, negative, scratched, good
):
    settings = tiny_product.settings_at(tmp_path / "home")
    start = open_transfer_bundle(
        tiny_product.bundle, "parts", frozenset(negative), is_multilabel=False, settings=settings
    )
    source = start.source(classes)
    known = np.array(start.bundle.known.labels)
    assert set(source.labels[known == "scratched"]) == {scratched}
    assert set(source.labels[known == "good"]) == {good}
    assert np.array_equal(source.sides == 1, known == "scratched")


def test_the_command_says_where_it_started_and_what_is_missing(
    tiny_product, local, tmp_path, monkeypatch
):
    monkeypatch.setenv("ASSAY_HOME", str(tiny_product.settings.home))
    if "train" not in {one.callback.__name__ for one in app.registered_commands if one.callback}:
        cli_train.register(app)
    asked = ["train", "parts", str(local), "-o", str(tmp_path / "out"), "--negative", "fine"]
    asked += ["--start-from", str(tiny_product.bundle), "--label-column", "kind", "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout.splitlines()[-1])
    assert any(line.startswith("Started from plates-bundle@") for line in result["remarks"])
    assert any(
        "it has 20 training pictures to compare with and needs 99" in r for r in result["remarks"]
    )
    assert any("55 more without an escape" in line for line in result["summary"])
