"""A small product of drawn chests, cases judged by it, and a PACS of somebody else's making."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.service.bundles.open import open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.xray.answers import send_job
from tests.ceilings import certify_above
from tests.domains.xray.answers.pacs import ORTHANC, PLUGIN, Orthanc
from tests.domains.xray.answers.ward import Ward, a_radiograph
from tests.needed import skip_without


@pytest.fixture(scope="session")
def chest_bundle(tmp_path_factory: pytest.TempPathFactory, network_home: Path) -> Path:
    """A certified bundle of drawn chests; abnormal is a bright spot in the left lung field."""
    root = tmp_path_factory.mktemp("chests")
    rows = ["file,label,split,group"]
    for split, chests in (("train", 16), ("cal", 24)):
        for number in range(chests):
            name = f"{split}-{number}"
            (root / f"{name}.dcm").write_bytes(a_radiograph(name, spot=bool(number % 2)))
            rows.append(f"{name}.dcm,{('normal', 'abnormal')[number % 2]},{split},{name}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    settings = Settings(home=network_home)
    out = train(TrainSpec("xray", root, root / "bundle"), settings)
    certify_above(open_bundle(out, settings), Targets(escape=0.3, overkill=0.3))
    return out


@pytest.fixture(scope="session")
def ward(
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
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    is_there = ORTHANC.exists() and PLUGIN.exists()
    skip_without(is_there, "There is no Orthanc: apt-get install orthanc orthanc-dicomweb")
    server = Orthanc(tmp_path / "orthanc")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def dcmtk() -> None:
    is_there = bool(shutil.which("dsrdump") and shutil.which("storescp"))
    skip_without(is_there, "There is no DCMTK: apt-get install dcmtk")


@pytest.fixture
def collected() -> Iterator[None]:
    """Drop sockets that pynetdicom forgot to close here, not in the middle of another test."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _everybody_is_in_reach() -> Iterator[None]:
    """Forget which peers an earlier test left out of reach."""
    send_job._resting.clear()
    yield
    send_job._resting.clear()
