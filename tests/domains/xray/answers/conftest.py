"""A small product of drawn chests, cases judged by it, and a PACS of somebody else's making."""

from __future__ import annotations

import gc
import shutil
import socket
from collections.abc import Iterator
from copy import deepcopy
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from core.service.bundles.open import open_bundle
from core.service.delivery import deliver
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.xray.answers import delivery
from domains.xray.answers.capture import SECONDARY_CAPTURE
from domains.xray.answers.objects import encode
from domains.xray.answers.report_sr import report
from tests.ceilings import certify_above
from tests.domains.xray.answers.answers import NAMES, a_source, an_answer
from tests.domains.xray.answers.pacs import HOST, ORTHANC, PLUGIN, Orthanc
from tests.domains.xray.answers.receivers import CANARY
from tests.domains.xray.answers.ward import Ward, a_radiograph
from tests.made_once import make_once
from tests.needed import skip_without


@pytest.fixture(scope="session")
def chest_bundle(shared_folder: Path, network_home: Path) -> Path:
    """A certified bundle of drawn chests; abnormal is a bright spot in the left lung field."""
    settings = Settings(home=network_home)
    return make_once(shared_folder / "chests", partial(_learn, settings)) / "bundle"


def _learn(settings: Settings, root: Path) -> None:
    rows = ["file,label,split,group"]
    for split, chests in (("train", 16), ("cal", 24)):
        for number in range(chests):
            name = f"{split}-{number}"
            (root / f"{name}.dcm").write_bytes(a_radiograph(name, spot=bool(number % 2)))
            rows.append(f"{name}.dcm,{('normal', 'abnormal')[number % 2]},{split},{name}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    out = train(TrainSpec("xray", root, root / "bundle"), settings)
    certify_above(open_bundle(out, settings), Targets(escape=0.3, overkill=0.3))


@pytest.fixture(scope="session")
def opened_ward(
    chest_bundle: Path, network_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ward]:
    """One ward for all tests, for it is dear to open: each has studies and a site of its own."""
    home = tmp_path_factory.mktemp("ward") / "home"
    home.mkdir()
    (home / "cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
    opened = Ward(chest_bundle, Settings(home=home))
    yield opened
    opened.close()


@pytest.fixture
def ward(opened_ward: Ward) -> Ward:
    """The ward, in which nothing waits that an earlier test left there, and nobody gets results."""
    opened_ward.cancel_jobs()
    opened_ward.peers()
    return opened_ward


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    is_there = ORTHANC.exists() and PLUGIN.exists()
    skip_without(is_there, "There is no Orthanc: apt-get install orthanc orthanc-dicomweb")
    server = Orthanc(tmp_path / "orthanc")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def dcmtk() -> None:
    is_there = bool(shutil.which("dsrdump") and shutil.which("storescp"))
    skip_without(is_there, "There is no DCMTK: apt-get install dcmtk")


@pytest.fixture
def collected() -> Iterator[None]:
    """Drop sockets that pynetdicom forgot to close here, not in the middle of another test."""
    gc.freeze()  # what was there before the test need not be looked through
    yield
    gc.collect()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _everybody_is_in_reach() -> Iterator[None]:
    """Forget which peers an earlier test left out of reach."""
    deliver._resting.clear()
    yield
    deliver._resting.clear()


@pytest.fixture
def objects() -> list[Dataset]:
    written = encode(report(an_answer(study=a_source(PatientName=CANARY)), NAMES))
    return [dcmread(BytesIO(written))]


@pytest.fixture
def mixed(objects) -> list[Dataset]:
    """A report, two pictures, and the report once more."""
    captures = []
    for number in (1, 2):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = SECONDARY_CAPTURE, f"1.2.3.{number}"
        one.file_meta = deepcopy(objects[0].file_meta)
        one.file_meta.MediaStorageSOPClassUID = SECONDARY_CAPTURE
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        captures.append(one)
    return [objects[0], *captures, objects[0]]


@pytest.fixture
def silence(monkeypatch) -> Iterator[int]:
    """A port where calls are accepted and never answered, with a short timeout."""
    monkeypatch.setattr(delivery, "CONNECT_S", 0.5)
    monkeypatch.setattr(delivery, "ANSWER_S", 0.5)
    with socket.create_server((HOST, 0)) as silent:
        yield silent.getsockname()[1]
