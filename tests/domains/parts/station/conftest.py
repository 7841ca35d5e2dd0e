"""A product certified well enough for a line, deployed in a home folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.people import Person
from core.records.deployment import Stage
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from tests.conftest import Product, draw_plates
from tests.made_once import make_once

PLATES = {"train": 36, "cal": 60, "test": 40}


@pytest.fixture(scope="session")
def plates(shared_folder: Path, network_home: Path) -> Product:
    """Plates with 30 scratched ones in cal, so that a line may pass parts by itself."""
    settings = Settings(home=network_home)

    def make(root: Path) -> None:
        draw_plates(root / "plates", counts=PLATES)
        out = train(TrainSpec("parts", root / "plates", root / "bundle"), settings)
        certify_bundle(open_bundle(out, settings), Targets(escape=0.15, overkill=0.3))

    root = make_once(shared_folder / "line", make)
    return Product(root / "plates", root / "bundle", settings)


@pytest.fixture
def line_settings(plates: Product, tmp_path: Path) -> Settings:
    """A home folder in which the plates' bundle is deployed for the product ``plates``."""
    settings = plates.settings_at(tmp_path / "home")
    store = open_store(settings)
    deploy_bundle(
        plates.bundle,
        store,
        settings,
        product="plates",
        signed=Signed(Person.alone("Test")),
        stage=Stage.AUDIT,
    )
    store.close()
    return settings
