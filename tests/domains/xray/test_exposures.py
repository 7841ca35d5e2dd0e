"""Patients with several exposures in class folders: what their files state makes the groups."""

import shutil

import cv2
import numpy as np
import pytest

from core.errors import DataError
from core.service.bundles.open import open_bundle
from core.service.evaluation.evaluate import evaluate
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from tests.ceilings import certify_above
from tests.domains.xray.radiographs import a_chest, an_object, part10

PATIENTS, EXPOSURES = 10, 3


def exposure(label, patient, number):
    """Draw a chest with vessels of its own: nothing but the header says whose it is."""
    rng = np.random.default_rng([label == "abnormal", patient, number])
    chest = a_chest(int(rng.integers(10**6))).astype(np.float32)
    vessels = cv2.GaussianBlur(rng.normal(size=chest.shape), (0, 0), 2.5)
    chest = np.clip(chest + 150 * vessels / vessels.std(), 0, 4095).astype(np.float32)
    if label == "abnormal":
        cv2.circle(chest, (80, 120), 18, 3500, -1)
    # Every second patient comes back for each exposure: then only the PatientID joins them.
    visit = number if patient % 2 else 0
    study = f"1.2.3.{1 + (label == 'abnormal')}.{patient}.{visit}"
    return part10(
        an_object(
            chest.astype(np.uint16),
            PatientID=f"{label}-{patient}",
            StudyInstanceUID=study,
            SOPInstanceUID=f"{study}.{number}",
        )
    )


def draw(root, patients):
    for label in ("normal", "abnormal"):
        (root / label).mkdir(parents=True)
        for patient in patients:
            for number in range(EXPOSURES):
                name = f"{label}-{patient}-{number}.dcm"
                (root / label / name).write_bytes(exposure(label, patient, number))


@pytest.fixture(scope="module")
def trained(tmp_path_factory, network_home):
    root, settings = tmp_path_factory.mktemp("exposures"), Settings(home=network_home)
    draw(root / "data", range(PATIENTS))
    out = train(TrainSpec("xray", root / "data", root / "bundle"), settings)
    bundle = open_bundle(out, settings)
    return bundle, settings, root / "data"


def test_a_certificate_counts_patients_and_none_lies_on_both_sides(trained):
    bundle, _, _ = trained
    policy = certify_above(bundle, Targets(escape=0.3, overkill=0.3))
    held_out = round(0.4 * PATIENTS)
    assert policy.escape.n + policy.escape.excluded == held_out
    assert bundle.cal.positive.sum() == held_out * EXPOSURES
    assert np.unique(bundle.oof.group[bundle.oof.positive]).size == PATIENTS - held_out
    assert bundle.metadata["check"]["groups"] == 2 * PATIENTS


def test_new_exposures_of_patients_it_was_trained_on_are_refused_by_what_files_state(
    trained, tmp_path
):
    bundle, settings, _ = trained
    policy = certify_above(bundle, Targets(escape=0.3, overkill=0.3))
    draw(tmp_path / "new", range(PATIENTS, PATIENTS + 3))
    found = evaluate(bundle, tmp_path / "new", policy=policy, settings=settings)
    assert found.figures["n"] == 6 * EXPOSURES
    assert np.unique(found.cases.group).size == 6
    for number in (7, 8):
        (tmp_path / "new" / "normal" / f"back-{number}.dcm").write_bytes(
            exposure("normal", 3, number)
        )
    with pytest.raises(DataError, match=r"2 of 20 pictures .*\(2 of a patient, study or part"):
        evaluate(bundle, tmp_path / "new", policy=policy, settings=settings)
    shutil.rmtree(tmp_path / "new" / "abnormal")
    left = evaluate(
        bundle, tmp_path / "new", policy=policy, settings=settings, leave_out_copies=True
    )
    assert left.figures["left_out"] == ["back-7.dcm", "back-8.dcm"]
