"""Index maps beside what rasterio and plain numpy make of the same file, to the last digit."""

import json

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from core.errors import ConfigError, DataError
from core.settings import Settings
from domains.crops.survey import index_maps
from domains.crops.survey.index_maps import write_index_maps
from domains.crops.survey.index_picture import draw_index
from domains.crops.survey.indices import INDICES
from tests.commands import run_assay
from tests.domains.crops.survey.mosaics import AT_UTM, UTM, Affine, filled, write

BANDS = ("red", "green", "blue", "nir", "red edge")
OTHER = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, *(ColorInterp.undefined,) * 2)


def expected(red, green, blue, nir=None, edge=None):
    """Compute the indices by hand, float64, then rounded once to float32."""
    with np.errstate(all="ignore"):
        found = {
            "exg": (2 * green - red - blue) / (red + green + blue),
            "vari": (green - red) / (green + red - blue),
        }
        if nir is not None:
            found |= {"ndvi": (nir - red) / (nir + red), "gndvi": (nir - green) / (nir + green)}
        if edge is not None:
            found |= {"ndre": (nir - edge) / (nir + edge)}
    return {
        name: np.where(np.isfinite(one), one, np.nan).astype("f4") for name, one in found.items()
    }


def assert_maps(out, found, crs, transform):
    for name, values in found.items():
        with rasterio.open(out / f"{name}.tif") as made:
            assert (made.dtypes, made.crs, made.transform) == (("float32",), crs, transform)
            assert np.isnan(made.nodata)
            np.testing.assert_array_equal(made.read(1), values)


@pytest.mark.shared
def test_a_drones_mosaic_has_the_values_that_numpy_gives(shared_data, tmp_path):
    source = shared_data / "crops" / "drone" / "geotiff" / "orthosmall.tif"
    made = write_index_maps(source, tmp_path / "out", Settings())
    with rasterio.open(source) as file:
        bands = file.read().astype(np.float64)
        bands[:, (bands == file.nodata).any(0)] = np.nan
        assert_maps(tmp_path / "out", found := expected(*bands), file.crs, file.transform)
    assert set(made.refused) == {"ndvi", "ndre", "gndvi"}
    assert {one.name for one in made.files} == {f"{n}.{s}" for n in found for s in ("tif", "png")}
    for name, share in made.valid.items():
        assert share == np.isfinite(found[name]).mean()
        assert share > 0.9


@pytest.mark.shared
def test_reflectances_of_a_real_scene_give_ndvi(shared_data, tmp_path):
    with rasterio.open(
        shared_data / "crops" / "drone" / "geotiff" / "m_4709963_se_14_1_20160816.tif"
    ) as f:
        levels, crs, transform = f.read(), f.crs, f.transform
    path = write(
        tmp_path / "naip.tif", (levels / 255).astype("f4"), crs=crs, transform=transform,
        colours=None, nodata=0.0,
    )  # fmt: skip
    made = write_index_maps(path, tmp_path / "out", Settings(), bands=BANDS[:4])
    bands = (levels / 255).astype("f4").astype("f8")
    bands[:, (bands == 0).any(0)] = np.nan
    assert_maps(tmp_path / "out", expected(*bands), crs, transform)
    assert set(made.refused) == {"ndre"}


@pytest.mark.parametrize(
    "transform",
    [
        AT_UTM,
        Affine(0.05, 0.0, 500_000.0, 0.0, 0.05, 5_800_000.0),
        AT_UTM @ Affine.rotation(20.0),
    ],
    ids=["north up", "south up", "rotated"],
)
def test_scaled_values_over_many_windows_stay_where_they_are(tmp_path, monkeypatch, transform):
    monkeypatch.setattr(index_maps, "_ROWS", 64)
    monkeypatch.setattr(index_maps, "_COLUMNS", 96)
    rng = np.random.default_rng(5)
    raw = rng.integers(0, 9000, (5, 150, 200), np.uint16)
    raw[:, 10:20, 30:40] = 65535
    path = write(
        tmp_path / "m.tif", raw, transform=transform, colours=OTHER, nodata=65535,
    )  # fmt: skip
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (1e-4,) * 5, (0.001,) * 5
        file.descriptions = BANDS
    made = write_index_maps(path, tmp_path / "out", Settings())
    bands = raw.astype("f8") * 1e-4 + 0.001
    bands[:, (raw == 65535).any(0)] = np.nan
    assert_maps(tmp_path / "out", expected(*bands), rasterio.CRS.from_string(UTM), transform)
    assert made.refused == {}
    assert made.unread == 0


def test_what_a_mosaic_does_not_give_is_refused_and_nothing_is_written(tmp_path):
    path = write(tmp_path / "m.tif", filled((64, 64)))
    with pytest.raises(DataError, match="no ndvi: There is no near infrared band"):
        write_index_maps(path, tmp_path / "out", Settings(), wanted=("ndvi",))
    with pytest.raises(ConfigError, match="No index is called evi"):
        write_index_maps(path, tmp_path / "out", Settings(), wanted=("evi",))
    assert not (tmp_path / "out").exists()


def test_a_sparse_file_of_any_size_is_refused_before_anything_is_written(tmp_path):
    path = tmp_path / "sparse.tif"
    creation = {"tiled": True, "SPARSE_OK": "TRUE", "BIGTIFF": "YES"}
    with rasterio.open(
        path, "w", driver="GTiff", height=100_000, width=100_000, count=3, dtype="uint8",
        crs=UTM, transform=Affine(0.01, 0, 500_000, 0, -0.01, 5_800_000), **creation,
    ):  # fmt: skip
        pass
    with pytest.raises(DataError, match="100,000 x 100,000 pixels"):
        write_index_maps(path, tmp_path / "out", Settings())
    assert not (tmp_path / "out").exists()


def test_a_picture_has_the_legends_colours_and_white_where_nothing_is_known():
    ndvi = next(one for one in INDICES if one.name == "ndvi")
    values = np.array([[0.0, 1.0, np.nan, 2.0]], "f4").repeat(4, 0)
    picture = cv2.imdecode(np.frombuffer(draw_index(values, ndvi), np.uint8), cv2.IMREAD_COLOR)
    low, high, unknown, above = picture[0, :4].tolist()
    legend = picture[4 + 10]
    assert (low, high) == (legend[0].tolist(), legend[-1].tolist())
    assert above == high
    assert unknown == [255, 255, 255]


def test_the_command_writes_the_maps_and_says_what_is_refused(tmp_path):
    path = write(tmp_path / "m.tif", filled((64, 64)))
    words = ("crops", "index", path, "-o", tmp_path / "out")
    shown = run_assay(*words, "--index", "exg", home=tmp_path)
    assert "exg: 100.0% of the pixels have a value." in shown.stdout
    assert "No ndvi: There is no near infrared band." in shown.stdout
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["exg.png", "exg.tif"]
    printed = json.loads(run_assay(*words, "--json", home=tmp_path).stdout)
    assert set(printed["valid"]) == {"exg", "vari"}
