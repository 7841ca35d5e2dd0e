"""A real product from real pictures: magnetic tiles, and everything that is not one."""

import csv

import numpy as np
import pytest
from scipy.stats import binom

from core.evaluation import is_novel
from core.labelled import read_labelled
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import open_bundle
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Disposition, Targets
from tests.ceilings import certify_above

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def settings(network_home):
    return Settings(home=network_home)


@pytest.fixture(scope="module")
def tiles(shared_data, settings, tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "tiles"
    train(TrainSpec("parts", shared_data / "parts" / "magnetic_tile", out), settings)
    bundle = open_bundle(out, settings)
    return bundle, certify_above(bundle, Targets(escape=0.3, overkill=0.3, ood_alpha=0.01))


def flagged(tiles, settings, paths):
    bundle, policy = tiles
    return [is_novel(a) for a in assess_paths(bundle, paths, policy=policy, settings=settings)]


@pytest.mark.parametrize("name", ["ood/near", "ood/far", "toy_figure/good", "screw_block/good"])
def test_ood_pictures_are_flagged(tiles, settings, shared_data, name):
    assert np.mean(flagged(tiles, settings, [shared_data / "parts" / name])) >= 0.97


def test_its_own_held_out_tiles_are_rarely_flagged(tiles, settings, shared_data):
    """Counted over tiles, since the six exposures of one tile are flagged together."""
    rows = read_labelled(shared_data / "parts" / "magnetic_tile").rows
    test = [row for row in rows if row.split == "test"]
    novel = flagged(tiles, settings, [row.file for row in test])
    groups = {row.group for row, flag in zip(test, novel, strict=True) if flag}
    tested = len({row.group for row in test})
    # At least one of about six exposures at 1 % each: a tile is flagged in at most 6 % of cases.
    assert len(groups) <= binom.ppf(0.999, tested, 0.06)


def test_the_bundle_says_what_the_pictures_are_and_rests_on_separate_tiles(tiles, shared_data):
    bundle, _ = tiles
    assert "Magnetic-tile" in bundle.metadata["data"]["attribution"]
    with (shared_data / "parts/magnetic_tile/manifest.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    cal = {row["group"] for row in rows if row["split"] == "cal"}
    assert len(set(bundle.cal.group.tolist())) == len(cal)


def test_a_certified_rule_keeps_its_rates_on_the_held_out_tiles_within_chance(
    tiles, settings, shared_data
):
    bundle, policy = tiles
    rows = read_labelled(shared_data / "parts" / "magnetic_tile").rows
    bad = [row for row in rows if row.split == "test" and row.label == "defective"]
    answers = assess_paths(bundle, [r.file for r in bad], policy=policy, settings=settings)
    passed = {
        row.group
        for row, one in zip(bad, answers, strict=True)
        if one.verdict.disposition is Disposition.NEGATIVE
    }
    tested = len({row.group for row in bad})
    assert len(passed) <= binom.ppf(0.999, tested, policy.targets.escape)
