"""A rendered field, and a bundle that was trained on rendered plots of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.service.bundles.open import certify_bundle, open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Targets
from domains.crops.demo.field import Patch, write_mosaic, write_plots
from tests.made_once import make_once


@dataclass(frozen=True)
class Field:
    """A field and what judges it.

    Attributes:
        mosaic: GeoTIFF of 26 m by 26 m with a headland of 2 m, sick in the south-east.
        severity: How sick each of its pixels is; NaN on the headland.
        bundle: Folder of the bundle, certified for 20 %.
        settings: Where it was trained.
    """

    mosaic: Path
    severity: np.ndarray
    bundle: Path
    settings: Settings

    def settings_at(self, home: Path) -> Settings:
        """Give settings for another home folder that shares the exported networks."""
        home.mkdir(parents=True, exist_ok=True)
        if not (home / "cache").exists():
            (home / "cache").symlink_to(self.settings.cache.resolve(), target_is_directory=True)
        return Settings(home=home)


@pytest.fixture(scope="session")
def field(
    tmp_path_factory: pytest.TempPathFactory, shared_folder: Path, network_home: Path
) -> Field:
    settings = Settings(home=network_home)

    def make(root: Path) -> None:
        write_plots(root / "plots", each=40)
        bundle = train(TrainSpec("crops", root / "plots", root / "bundle"), settings)
        certify_bundle(open_bundle(bundle, settings), Targets(escape=0.2, overkill=0.2))

    bundle = make_once(shared_folder / "plots", make) / "bundle"
    mosaic = tmp_path_factory.mktemp("field") / "field.tif"
    severity = write_mosaic(mosaic, side_m=26.0, patches=[Patch(17.0, 18.0, 5.0)])
    return Field(mosaic, severity, bundle, settings)
