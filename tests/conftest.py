"""A small product that every test may use: drawn pictures, a bundle trained on them, a policy."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.imaging.files import open_file, wrap_bytes
from core.model.bundle.bundle import Bundle
from core.records.connection import Store
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Policy, Targets
from tests.needed import skip_without

SIDE = 96
PLATES = {"train": 36, "cal": 36, "test": 16}


@dataclass(frozen=True)
class Product:
    """A trained product.

    Attributes:
        data: Folder with ``manifest.csv`` (columns file, label, split, group) and pictures: 88
            plates in two views each, every second one scratched; labels good and scratched.
        bundle: Folder of the certified bundle.
        settings: Where it was trained; ``settings.cache`` holds the exported network.
    """

    data: Path
    bundle: Path
    settings: Settings

    def opened(self) -> tuple[Bundle, Policy]:
        """Open the bundle and its current policy."""
        bundle = open_bundle(self.bundle, self.settings)
        return bundle, policy_of(bundle)

    def settings_at(self, home: Path, **changed: object) -> Settings:
        """Give settings for another home folder that shares the exported networks."""
        home.mkdir(parents=True, exist_ok=True)
        cache = home / "cache"
        if not cache.exists():
            cache.symlink_to(self.settings.cache.resolve(), target_is_directory=True)
        return Settings.model_validate({"home": home, **changed})

    def pictures(self, split: str, label: str | None = None) -> list[Path]:
        """List the pictures of a split, in the order of the manifest."""
        with (self.data / "manifest.csv").open(newline="") as file:
            return [
                self.data / row["file"]
                for row in csv.DictReader(file)
                if row["split"] == split and label in (None, row["label"])
            ]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "network_home" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trained)


def _database_of_its_own() -> None:
    """Give each of several test processes a database beside the one named: tests empty theirs."""
    url, worker = os.environ.get("ASSAY_TEST_POSTGRES", ""), os.environ.get("PYTEST_XDIST_WORKER")
    if not url or not worker or url.endswith(worker):
        return
    import psycopg
    import psycopg.sql

    own = f"{url}_{worker}"
    name = own.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as server:
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            server.execute(
                psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name))
            )
    os.environ["ASSAY_TEST_POSTGRES"] = own


_database_of_its_own()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Where a test's store and pictures lie; a folder or a file of tests may say otherwise."""
    return Settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store of ``settings``."""
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def network_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder whose ``cache`` all processes of one test run share."""
    base = tmp_path_factory.getbasetemp()
    # Under xdist every worker has a folder of its own below the run's.
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "networks"


@pytest.fixture(scope="session")
def tiny_product(tmp_path_factory: pytest.TempPathFactory, network_home: Path) -> Product:
    root = tmp_path_factory.mktemp("product")
    draw_plates(root / "plates")
    settings = Settings(home=network_home)
    out = train(TrainSpec("parts", root / "plates", root / "plates-bundle"), settings)
    certify_bundle(open_bundle(out, settings), Targets(escape=0.2, overkill=0.2))
    return Product(root / "plates", out, settings)


@pytest.fixture(scope="session")
def _rig_home(network_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from domains.parts.station.faults.rig import make_product

    home = tmp_path_factory.mktemp("rig")
    (network_home / "cache").mkdir(parents=True, exist_ok=True)
    (home / "cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
    make_product(Settings(home=home))
    return home


@pytest.fixture
def rig_home(_rig_home: Path, tmp_path: Path) -> Path:
    """A home folder with a certified bundle of drawn plates deployed, for a station's rig."""
    return Path(shutil.copytree(_rig_home, tmp_path / "rig", symlinks=True))


@pytest.fixture(scope="session")
def _assessed(tiny_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("assessed") / "home"
    settings = tiny_product.settings_at(home)
    bundle, policy = tiny_product.opened()
    keep(bundle, policy, settings)
    store = open_store(settings)
    # The first scratched plate is one case of two views, all others are cases of one.
    scratched = tiny_product.pictures("test", "scratched")
    files = [
        *(open_file(path, settings.max_bytes, "plate-of-two") for path in scratched[:2]),
        *(open_file(path, settings.max_bytes, path.stem) for path in scratched[2:14]),
        *(open_file(p, settings.max_bytes) for p in tiny_product.pictures("test", "good")[:6]),
        wrap_bytes("torn <b>file.png", b"not a picture", "torn"),
    ]
    list(assess_and_record(bundle, files, store, policy=policy, settings=settings))
    store.close()
    return home


@pytest.fixture
def assessed_home(_assessed: Path, tmp_path: Path) -> Path:
    """A home folder of its own for each test: 20 cases, 14 of them waiting at the least."""
    return Path(shutil.copytree(_assessed, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="session")
def _department(network_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.xray_worklist import make_department  # pydicom is only needed here

    return make_department(tmp_path_factory.mktemp("department"), Settings(home=network_home))


@pytest.fixture
def department_home(_department: Path, tmp_path: Path) -> Path:
    """A radiology department's home folder of its own for each test: 7 open cases at one site."""
    return Path(shutil.copytree(_department, tmp_path / "department", symlinks=True))


def draw_plates(folder: Path, seed: int = 7, counts: Mapping[str, int] = PLATES) -> None:
    """Write two views each of good and scratched plates, with a manifest; counts are by split."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group"])
        for split, plates in counts.items():
            for number in range(plates):
                label = ("good", "scratched")[number % 2]
                depth = rng.uniform(0.1, 0.7) if label == "scratched" else 0.0
                for view in "ab":
                    name = f"images/{split}-{number:02}{view}.png"
                    cv2.imwrite(str(folder / name), a_plate(rng, depth))
                    table.writerow([name, label, split, f"{split}-{number:02}"])


def a_plate(rng: np.random.Generator, scratch: float) -> np.ndarray:
    """Draw a brushed plate, uint8 ``SIDE SIDE``; ``scratch`` from 0 (none) to 1 (plain to see)."""
    from domains.parts.station.faults.plates import draw_plate

    return draw_plate(rng, scratch)[:, :, 0]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Find the labelled pictures that a user's machine does not have and CI must have."""
    folder = Settings().shared_data
    skip_without(folder.is_dir(), f"No labelled pictures at {folder}; set ASSAY_SHARED_DATA.")
    return folder
