"""Where a mosaic lies (C-7): the same place by whatever coordinate system, or a refusal."""

import math

import numpy as np
import pytest
import rasterio
import tifffile
from pyproj import CRS, Transformer
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.transform import Affine
from rasterio.warp import transform as gdal_transform
from shapely.geometry import Point, Polygon

from core.errors import UnreadableImage
from domains.crops.survey.outlines import cut
from tests.domains.crops.survey.mosaics import AT_UTM, UTM, describe, filled, from_origin, write

# Of the tests' own writing: a file is open before it has a place.
pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

PICTURE = filled((128, 192))


def placed(tmp_path, crs=UTM, transform=AT_UTM, tile_m=3.2, pixels=PICTURE, **creation):
    path = write(tmp_path / "m.tif", pixels, crs=crs, transform=transform, **creation)
    return describe(path, tile_m)


def test_corners_are_longitude_and_latitude_in_this_order(tmp_path):
    record, lon, lat = placed(tmp_path)

    assert record["tile"] == [64, 64]
    assert lon.shape == lat.shape == (3, 4)
    eastings, northings = np.meshgrid(500_000 + 3.2 * np.arange(4), 5_800_000 - 3.2 * np.arange(3))
    by_gdal = gdal_transform(UTM, "OGC:CRS84", eastings.ravel(), northings.ravel())
    by_proj = Transformer.from_crs(UTM, 4326, always_xy=True).transform(eastings, northings)
    for found, one, other in zip((lon, lat), by_gdal, by_proj, strict=True):
        assert np.allclose(found.ravel(), one, rtol=0, atol=1e-10)
        assert np.allclose(found, other, rtol=0, atol=1e-12)
    assert 14.9 < lon.mean() < 15.1
    assert 52.2 < lat.mean() < 52.5


def test_a_last_tile_that_is_smaller_ends_with_the_mosaic(tmp_path):
    _, lon, lat = placed(tmp_path, pixels=filled((100, 150)))

    by_proj = Transformer.from_crs(UTM, 4326, always_xy=True)
    assert lon.shape == (3, 4)
    assert (lon[-1, -1], lat[-1, -1]) == pytest.approx(
        by_proj.transform(500_000 + 150 * 0.05, 5_800_000 - 100 * 0.05), abs=1e-12
    )


@pytest.mark.parametrize(
    ("crs", "unit"), [("EPSG:2264", 1200 / 3937), ("EPSG:2222", 0.3048)], ids=["US survey", "foot"]
)
def test_feet_are_feet_on_the_map_and_metres_in_sizes(tmp_path, crs, unit):
    in_metres = CRS(crs).to_json_dict()
    for axis in in_metres["coordinate_system"]["axis"]:
        axis["unit"] = "metre"
    del in_metres["id"]
    metric = CRS.from_json_dict(in_metres).to_wkt()
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(
        *((-79.0, 35.5) if "2264" in crs else (-110.2, 33.0))
    )

    feet = placed(tmp_path, crs, from_origin(x, y, 0.2, 0.2))
    metres = placed(tmp_path, metric, from_origin(x * unit, y * unit, 0.2 * unit, 0.2 * unit))

    assert np.allclose(feet[1], metres[1], rtol=0, atol=1e-9)
    assert np.allclose(feet[2], metres[2], rtol=0, atol=1e-9)
    assert feet[0]["pixel_m"] == pytest.approx([0.2 * unit] * 2, rel=2e-4)
    assert feet[0]["pixel_area_m2"] == pytest.approx((0.2 * unit) ** 2, rel=4e-4)


def test_web_mercator_is_measured_on_the_ground(tmp_path):
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(24.9, 60.0)

    record, _, _ = placed(tmp_path, "EPSG:3857", from_origin(x, y, 0.1, 0.1))

    assert record["pixel_m"] == pytest.approx([0.05, 0.05], rel=5e-3)
    assert record["tile"] == [64, 64]


def test_degrees_are_measured_on_the_ground(tmp_path):
    record, _, _ = placed(tmp_path, "EPSG:4326", from_origin(9.0, 60.0, 9e-7, 4.5e-7))

    assert record["pixel_m"] == pytest.approx([0.05, 0.05], rel=6e-3)


def test_heights_beside_the_map_change_nothing(tmp_path):
    plain = placed(tmp_path, "EPSG:25832", from_origin(600_000, 5_400_000, 0.05, 0.05))

    compound = placed(tmp_path, "EPSG:25832+5783", from_origin(600_000, 5_400_000, 0.05, 0.05))

    assert np.array_equal(plain[1], compound[1])
    assert np.array_equal(plain[2], compound[2])
    assert not CRS.from_wkt(compound[0]["crs"]).is_compound


def test_a_coordinate_system_without_a_number_is_kept_in_words(tmp_path):
    own = CRS.from_proj4("+proj=tmerc +lat_0=48 +lon_0=11.3 +x_0=5000 +y_0=9000 +ellps=WGS84")
    record, lon, lat = placed(tmp_path, own.to_wkt(), from_origin(5000, 9000, 0.05, 0.05))

    assert "11.3" in record["crs"]
    assert record["crs"].startswith("PROJCRS[")
    assert (lon[0, 0], lat[0, 0]) == pytest.approx((11.3, 48.0), abs=1e-9)


def test_the_place_of_a_pixel_is_its_middle_where_the_file_says_so(tmp_path):
    keys = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 2, 3072, 0, 1, 32633)
    tifffile.imwrite(
        tmp_path / "point.tif",
        np.moveaxis(PICTURE, 0, 2),
        photometric="rgb",
        extratags=[
            (33550, "d", 3, (0.05, 0.05, 0.0), True),
            (33922, "d", 6, (0, 0, 0, 500_000.0, 5_800_000.0, 0), True),
            (34735, "H", len(keys), keys, True),
        ],
    )

    _, lon, lat = describe(tmp_path / "point.tif")

    corner = Transformer.from_crs(UTM, 4326, always_xy=True).transform(499_999.975, 5_800_000.025)
    assert (lon[0, 0], lat[0, 0]) == pytest.approx(corner, abs=1e-12)


def test_a_first_row_in_the_south_and_slanted_rows_lie_where_they_lie(tmp_path):
    by_proj = Transformer.from_crs(UTM, 4326, always_xy=True)
    south_up = Affine(0.05, 0, 500_000, 0, 0.05, 5_800_000)
    across, down = 0.05 * math.cos(0.5), 0.05 * math.sin(0.5)
    turned = Affine(across, down, 500_000, down, -across, 5_800_000)

    for affine in (south_up, turned):
        record, lon, lat = placed(tmp_path, transform=affine)
        a, b, c, d, e, f = affine[:6]
        corner = by_proj.transform(192 * a + 128 * b + c, 192 * d + 128 * e + f)
        assert (lon[-1, -1], lat[-1, -1]) == pytest.approx(corner, abs=1e-12)
        assert record["pixel_area_m2"] == pytest.approx(0.0025, rel=1e-3)
        assert record["tile"] == [64, 64]


def test_tiles_across_the_antimeridian_are_cut_there_and_none_goes_round_the_world(tmp_path):
    x, y = Transformer.from_crs(4326, 32760, always_xy=True).transform(180.0, -17.0)

    _, lon, lat = placed(tmp_path, "EPSG:32760", from_origin(x - 4.0, y, 0.05, 0.05))

    corners = [(0, 1), (1, 1), (1, 2), (0, 2)]
    ring = [(lon[at], lat[at]) for at in corners]
    parts = sorted(part.bounds for part in cut(Polygon(ring)).geoms)
    assert [math.copysign(1, bounds[0]) for bounds in parts] == [-1, 1]
    assert parts[0][0] == -180
    assert parts[1][2] == 180
    lons = [x for x, _ in ring]
    width = max(lons) - min(lons)
    assert sum(bounds[2] - bounds[0] for bounds in parts) == pytest.approx(width, rel=1e-6)
    assert cut(Polygon(ring)).contains(Point(179.999995, lat[:2, 1:3].mean()))


def test_a_field_near_the_pole_has_its_place_and_one_round_it_has_none(tmp_path):
    _, lon, lat = placed(tmp_path, "EPSG:3413", from_origin(200_000, 3_000, 0.05, 0.05))
    by_proj = Transformer.from_crs(3413, 4326, always_xy=True)

    assert (lon[0, 0], lat[0, 0]) == pytest.approx(by_proj.transform(200_000, 3_000), abs=1e-9)
    assert lat.min() > 88
    with pytest.raises(UnreadableImage, match="goes round a pole"):
        placed(tmp_path, "EPSG:3413", from_origin(-4.1, 3.1, 0.05, 0.05))


def refusal(path, **asked):
    with pytest.raises(UnreadableImage) as caught:
        describe(path, **asked)
    return str(caught.value)


def test_no_place_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "m.tif"
    write(path, PICTURE, crs=None, transform=None)
    assert "no coordinate system" in refusal(path)

    write(path, PICTURE, crs=None)
    assert "no coordinate system" in refusal(path)

    write(path, PICTURE, crs=UTM, transform=None)
    assert "no place in it" in refusal(path)

    write(path, PICTURE, crs='LOCAL_CS["site",UNIT["metre",1]]')
    assert "nowhere on Earth" in refusal(path)


def test_control_points_and_a_cameras_model_are_no_map_coordinates(tmp_path):
    corners = ((0, 0, 15.0, 52.0), (0, 192, 15.1, 52.0), (128, 0, 15.0, 51.9))
    path = write(tmp_path / "m.tif", PICTURE, crs=None, transform=None)
    with rasterio.open(path, "r+") as file:
        points = [GroundControlPoint(row, col, x, y) for row, col, x, y in corners]
        file.gcps = (points, rasterio.CRS.from_epsg(4326))
    assert "only 3 ground control points" in refusal(path)
    assert "gdalwarp" in refusal(path)

    path = write(tmp_path / "r.tif", PICTURE, crs=None, transform=None)
    polynomial = [1.0] + [0.0] * 19
    with rasterio.open(path, "r+") as file:
        file.rpcs = RPC(
            height_off=0.0,
            height_scale=1.0,
            lat_off=52.0,
            lat_scale=1.0,
            line_den_coeff=polynomial,
            line_num_coeff=polynomial,
            line_off=0.0,
            line_scale=1.0,
            long_off=15.0,
            long_scale=1.0,
            samp_den_coeff=polynomial,
            samp_num_coeff=polynomial,
            samp_off=0.0,
            samp_scale=1.0,
        )
    assert "camera's model (RPC)" in refusal(path)


@pytest.mark.parametrize(
    ("crs", "transform", "message"),
    [
        (UTM, from_origin(15.2, 52.4, 5e-7, 5e-7), "far from where WGS 84 / UTM zone 33N is used"),
        ("EPSG:4326", from_origin(500_000, 5_800_000, 0.05, 0.05), "no position on Earth"),
        ("EPSG:4326", from_origin(0, 62, 0.3, 0.4), "a pixel is|A pixel is"),
        (UTM, Affine(0, 0, 500_000, 0, 0, 5_800_000), "no place in it"),
    ],
    ids=["degrees as metres", "metres as degrees", "a continent", "no size"],
)
def test_a_place_that_cannot_be_is_refused_and_never_drawn(tmp_path, crs, transform, message):
    path = write(tmp_path / "m.tif", PICTURE, crs=crs, transform=transform)

    with pytest.raises(UnreadableImage, match=message):
        describe(path, tile_m=3.2)


@pytest.mark.parametrize(
    ("tile_m", "message"),
    [
        (1.0, r"1 m has 20 x 20 pixels.*Give a tile of 1.6 to 2e\+02 m"),
        (900.0, "32 to 4096 a side"),
    ],
)
def test_tiles_too_small_or_large_for_the_pixels_are_refused_with_sizes_that_work(
    tmp_path, tile_m, message
):
    path = write(tmp_path / "m.tif", PICTURE)

    with pytest.raises(UnreadableImage, match=message):
        describe(path, tile_m)
