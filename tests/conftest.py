"""A small product that every test may use: drawn pictures, a bundle trained on them, a policy."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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
from tests.made_once import list_files, make_once, run_folder
from tests.needed import skip_without

SIDE = 96
PLATES = {"train": 36, "cal": 36, "test": 16}
LONGEST_FIRST = ({"browser"}, {"slow"}, {"trained", "service", "shared"})


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    # Before -m chooses by marks; the order is given to what it chose.
    for item in items:
        if "network_home" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trained)
    yield
    if "PYTEST_XDIST_WORKER" in os.environ:
        _begin_with_the_longest(items)


def _begin_with_the_longest(items: list[pytest.Item]) -> None:
    """Sort files by how long they take, so that in the end no process is left alone with one."""
    ranks: dict[Path, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        rank = next((at for at, some in enumerate(LONGEST_FIRST) if marks & some), 9)
        ranks[item.path] = min(rank, ranks.get(item.path, 9))
    items.sort(key=lambda item: ranks[item.path])


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
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, which all its processes share."""
    return run_folder(tmp_path_factory) / "shared"


@pytest.fixture(scope="session")
def network_home(shared_folder: Path) -> Path:
    """A home folder whose ``cache`` all processes of one test run share."""
    (shared_folder / "networks/cache").mkdir(parents=True, exist_ok=True)
    return shared_folder / "networks"


@pytest.fixture(scope="session")
def tiny_product(shared_folder: Path, network_home: Path) -> Iterator[Product]:
    settings = Settings(home=network_home)

    def make(root: Path) -> None:
        draw_plates(root / "plates")
        out = train(TrainSpec("parts", root / "plates", root / "plates-bundle"), settings)
        certify_bundle(open_bundle(out, settings), Targets(escape=0.2, overkill=0.2))

    root = make_once(shared_folder / "product", make)
    before = list_files(root)
    yield Product(root / "plates", root / "plates-bundle", settings)
    assert list_files(root) == before, "A test changed what all share: it is to take a copy."


@pytest.fixture(scope="session")
def _rig_home(shared_folder: Path, network_home: Path) -> Path:
    from domains.parts.station.faults.rig import make_product

    def make(home: Path) -> None:
        (home / "cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
        make_product(Settings(home=home))

    return make_once(shared_folder / "rig", make)


@pytest.fixture
def rig_home(_rig_home: Path, tmp_path: Path) -> Path:
    """A home folder with a certified bundle of drawn plates deployed, for a station's rig."""
    return Path(shutil.copytree(_rig_home, tmp_path / "rig", symlinks=True))


@pytest.fixture(scope="session")
def _assessed(tiny_product: Product, shared_folder: Path) -> Path:
    return make_once(shared_folder / "assessed", partial(_assess, tiny_product))


def _assess(product: Product, home: Path) -> None:
    settings = product.settings_at(home)
    bundle, policy = product.opened()
    keep(bundle, policy, settings)
    store = open_store(settings)
    # The first scratched plate is one case of two views, all others are cases of one.
    scratched = product.pictures("test", "scratched")
    files = [
        *(open_file(path, settings.max_bytes, "plate-of-two") for path in scratched[:2]),
        *(open_file(path, settings.max_bytes, path.stem) for path in scratched[2:14]),
        *(open_file(p, settings.max_bytes) for p in product.pictures("test", "good")[:6]),
        wrap_bytes("torn <b>file.png", b"not a picture", "torn"),
    ]
    list(assess_and_record(bundle, files, store, policy=policy, settings=settings))
    store.close()


@pytest.fixture
def assessed_home(_assessed: Path, tmp_path: Path) -> Path:
    """A home folder of its own for each test: 20 cases, 14 of them waiting at the least."""
    return Path(shutil.copytree(_assessed, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="session")
def _department(shared_folder: Path, network_home: Path) -> Path:
    from tests.xray_worklist import make_department  # pydicom is only needed here

    root = make_once(
        shared_folder / "department",
        lambda root: make_department(root, Settings(home=network_home)),
    )
    return root / "home"


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
