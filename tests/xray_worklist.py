"""A small radiology department: computed radiographs, a bundle trained on them, open cases."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

from pydicom import dcmread

from core.imaging.files import wrap_bytes
from core.imaging.sandbox import Sandbox
from core.model.bundle.bundle import Bundle
from core.packs import entry_of
from core.pipeline import assess
from core.records import blobs
from core.records.case_list import ListedCase
from core.records.connection import Store
from core.records.store import NewDecision, new_decision, record
from core.records.values import now
from core.records.worklist import case_detail
from core.service.bundles.archive import keep
from core.service.bundles.open import open_bundle
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Assessment, Policy, Reason, Targets
from tests.ceilings import certify_above
from tests.xray_phantom import phantom_dx

PATIENTS = {"train": 32, "cal": 40}
SITE = "North Hospital"
OPEN = [
    ("", "ROUTINE"), ("effusion", "ROUTINE"), ("", "STAT"), ("opacity", "ROUTINE"),
    ("", "ROUTINE"), ("effusion", "ROUTINE"),
]  # fmt: skip
FIRST_OPEN = 73
OLD_STUDY = "1.2.3"


def make_department(root: Path, settings: Settings) -> Path:
    """Train on computed chests, then assess the open cases; gives the home folder.

    The first open patient has two images in the study and a prior study.
    """
    _learn(root, settings)
    bundle = open_bundle(root / "bundle", settings)
    policy = certify_above(bundle, Targets(escape=0.2, overkill=0.2))
    home = Settings.model_validate({"home": root / "home"})
    home.home.mkdir()
    home.cache.symlink_to(settings.cache.resolve(), target_is_directory=True)
    keep(bundle, policy, home)
    _receive(home, bundle, policy)
    return home.home


def _receive(home: Settings, bundle: Bundle, policy: Policy) -> None:
    """Assess the open cases, ten minutes between one and the next."""
    incoming = [wrap_bytes(name, data) for name, data in _open_files().items()]
    came = now() - timedelta(minutes=10 * len(OPEN))
    store = open_store(home)
    with Sandbox(entry_of("xray"), bundle.backbone.size, home) as sandbox:
        made = assess(
            sandbox.samples(incoming), bundle=bundle, policy=policy, workers=1, timeout_s=60.0
        )
        for one in made:
            number = int(one.sample_id.split("-")[0])
            at = came + timedelta(minutes=10 * (number - FIRST_OPEN))
            new = new_decision(_undrawn(one), pack="xray", name=one.sample_id)
            record(store, [new], at=at)
    blobs.put_many(store.blobs, [one.data for one in incoming])
    store.close()


def _undrawn(one: Assessment) -> Assessment:
    # Which negatives are drawn for the audit changes with every byte of the pictures.
    kept = tuple(f for f in one.verdict.findings if f.reason is not Reason.AUDIT)
    return replace(one, verdict=replace(one.verdict, findings=kept))


def _open_files() -> dict[str, bytes]:
    files = {}
    for number, (finding, priority) in enumerate(OPEN, FIRST_OPEN):
        files[f"{number}-0.dcm"] = a_radiograph(number, finding, priority)
    first = OPEN[0]
    files[f"{FIRST_OPEN}-1.dcm"] = a_radiograph(FIRST_OPEN, *first, image=2)
    earlier = {"StudyInstanceUID": OLD_STUDY, "StudyDate": "20240203"}
    files[f"{FIRST_OPEN}-2.dcm"] = a_radiograph(FIRST_OPEN, *first, **earlier)
    return files


def open_again(store: Store, case: ListedCase, key: str, **tags: str) -> None:
    """Record a case once more as another study whose header says some things otherwise.

    Its images are on record without their files.
    """
    rows = []
    for place, image in enumerate(case_detail(store, case.item.case_id).images):
        assert image.decision is not None
        content = hashlib.sha256(f"{key}/{place}".encode()).hexdigest()
        meta = {**image.meta, "study_uid": key, "sop_uid": f"{key}.{place}", **tags}
        made = replace(image.decision, content_key=content)
        rows.append(NewDecision(key, f"{key}.{place}", f"{key}.{place}", made, meta))
    record(store, rows)


def a_radiograph(
    number: int, finding: str = "", priority: str = "ROUTINE", image: int = 1, **tags: str
) -> bytes:
    """A computed chest of a patient at the site, as a DX object with some tags changed."""
    dataset = dcmread(BytesIO(phantom_dx(number, finding, image=image, seed=3, priority=priority)))
    today = f"{date.today():%Y%m%d}"
    for keyword, value in {"InstitutionName": SITE, "StudyDate": today, **tags}.items():
        setattr(dataset, keyword, value)
    if "StudyInstanceUID" in tags:
        dataset.SOPInstanceUID = f"{tags['StudyInstanceUID']}.1"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def _learn(root: Path, settings: Settings) -> None:
    folder = root / "chests"
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "patient"])
        for split, patients in PATIENTS.items():
            for place in range(patients):
                number = place + 1 + (PATIENTS["train"] if split == "cal" else 0)
                finding = ("", "effusion", "", "opacity")[place % 4]
                name = f"{split}-{place:02}.dcm"
                (folder / name).write_bytes(phantom_dx(number, finding, seed=1))
                table.writerow(
                    [name, "abnormal" if finding else "normal", split, f"{split}-{place}"]
                )
    train(TrainSpec("xray", folder, root / "bundle"), settings)
