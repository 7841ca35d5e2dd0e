"""A damaged mosaic: what cannot be read is named, and what lies beside it is as it was."""

from collections import Counter

import numpy as np
import pytest
import rasterio
import tifffile

from core.settings import Settings
from domains.crops.survey.index_maps import write_index_maps
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import survey_mosaic
from domains.crops.survey.values import TileStatus
from tests.domains.crops.survey.mosaics import filled, write
from tests.domains.crops.survey.test_index_maps import expected

ROWS, COLUMNS = 3, 3


@pytest.fixture(params=[(0, 0), (1, 1), (2, 0)], ids=lambda place: f"{place[0]},{place[1]}")
def damaged(request, tmp_path):
    """A mosaic of 3 x 3 blocks of 64 pixels, which of them is damaged, and what was there."""
    pixels = filled((64 * ROWS, 64 * COLUMNS))
    pixels = pixels - np.random.default_rng(5).integers(0, 9, pixels.shape, np.uint8)
    path = write(tmp_path / "m.tif", pixels, compress="deflate")
    row, column = request.param
    with rasterio.open(path) as file:
        at = int(file.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1))
    data = bytearray(path.read_bytes())
    data[at : at + 4000] = bytes(4000)
    path.write_bytes(data)
    return path, request.param, pixels


def test_of_the_tiles_the_damaged_one_alone_is_lost(damaged, tmp_path):
    path, place, _ = damaged
    survey = survey_mosaic(
        SurveySpec(path, tmp_path / "out", tile_m=3.2, is_measured_only=True), Settings()
    )
    assert len(survey.tiles) == ROWS * COLUMNS
    for tile in survey.tiles:
        is_lost = (tile.row, tile.column) == place
        assert tile.status == (TileStatus.UNREADABLE if is_lost else TileStatus.MEASURED)
        assert ("damaged or missing" in tile.detail) is is_lost


def test_of_an_index_map_the_damaged_block_alone_has_no_value_and_is_counted(damaged, tmp_path):
    path, (row, column), pixels = damaged
    made = write_index_maps(path, tmp_path / "out", Settings())
    assert made.unread == 1 / (ROWS * COLUMNS)
    whole = expected(*pixels.astype("f8"))["exg"]
    whole[64 * row : 64 * (row + 1), 64 * column : 64 * (column + 1)] = np.nan
    with rasterio.open(tmp_path / "out" / "exg.tif") as file:
        np.testing.assert_array_equal(file.read(1), whole)


def test_a_truncated_mosaic_gives_the_tiles_that_are_there_and_names_the_others(tmp_path):
    # Its directory stands before its pixels, unlike in GDAL's files, so that it opens.
    path, keys = tmp_path / "m.tif", (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
    placed = [
        (33550, "d", 3, (0.05, 0.05, 0.0), True),
        (33922, "d", 6, (0, 0, 0, 500_000.0, 5_800_000.0, 0), True),
        (34735, "H", len(keys), keys, True),
    ]
    pixels = np.moveaxis(filled((640, 640)), 0, 2)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(64, 64), extratags=placed)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    spec = SurveySpec(path, tmp_path / "out", tile_m=3.2, is_measured_only=True)

    survey = survey_mosaic(spec, Settings())

    status = Counter(tile.status for tile in survey.tiles)
    assert status == {TileStatus.MEASURED: 59, TileStatus.UNREADABLE: 41}
    for tile in survey.tiles[59:]:
        assert tile.verdict is None
        assert "damaged or missing" in tile.detail
        assert tile.indices == {}
