"""Which pixels of a tile count, and what their values mean (C-7)."""

import csv

import cv2
import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from core.errors import UnreadableImage
from domains.crops.survey.pixels import LEAST_CROP, crop_share, read_pixels
from tests.domains.crops.survey.mosaics import COLOURS, GREEN, describe, filled, read, write

SOIL = (134, 112, 88)
RGBA = (*COLOURS, ColorInterp.alpha)


def rimmed(rows, rim, colour=GREEN):
    """Give a tile whose first rows are a rim."""
    pixels = filled((64, 64), colour)
    pixels[:, :rows] = np.array(rim, np.uint8)[:, None, None]
    return pixels


def test_means_are_of_the_valid_pixels_alone(tmp_path):
    path = write(tmp_path / "m.tif", rimmed(20, (0, 0, 0)), nodata=0)

    record = read(path).record

    assert record["valid"] == 44 / 64
    assert record["means"] == {"red": 60.0, "green": 140.0, "blue": 40.0}
    assert record["crop"] == 1.0


def test_the_network_sees_no_rim(tmp_path):
    plain = read(write(tmp_path / "plain.tif", filled((64, 64))))
    path = write(tmp_path / "rim.tif", rimmed(20, (0, 0, 0)), nodata=0)

    assert np.array_equal(read(path).arrays["pixels"], plain.arrays["pixels"])


@pytest.mark.parametrize(("rows", "status"), [(25, "measured"), (26, "little valid")])
def test_a_tile_with_less_than_sixty_percent_valid_is_not_judged(tmp_path, rows, status):
    read_tile = read(write(tmp_path / "m.tif", rimmed(rows, (0, 0, 0)), nodata=0))

    assert read_tile.record["status"] == status
    assert ("pixels" in read_tile.arrays) == (status == "measured")


def test_a_pixel_counts_only_where_alpha_mask_and_every_band_have_a_value(tmp_path):
    pixels = np.concatenate([filled((64, 64)), np.full((1, 64, 64), 255, np.uint8)])
    pixels[3, :8] = 0  # transparent
    pixels[3, 8:16] = 1  # hardly opaque counts
    pixels[2, 16:24] = 9  # one band without data
    path = write(tmp_path / "m.tif", pixels, colours=RGBA, nodata=9)

    assert read(path).record["valid"] == 48 / 64

    path = write(tmp_path / "mask.tif", filled((64, 64)), nodata=9)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "r+") as file,
    ):
        inside = np.full((64, 64), 255, np.uint8)
        inside[:, :16] = 0
        file.write_mask(inside)
    assert read(path).record["valid"] == 48 / 64


def test_each_band_may_have_its_own_value_for_no_data(tmp_path):
    pixels = filled((64, 64), (60, 140, 40))
    pixels[0, :8], pixels[1, 8:16], pixels[2, 16:32] = 1, 2, 1
    write(tmp_path / "m.tif", pixels)
    text = "\n".join(
        f'<VRTRasterBand dataType="Byte" band="{band}"><NoDataValue>{nodata}</NoDataValue>'
        f'<SimpleSource><SourceFilename relativeToVRT="1">m.tif</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band, nodata in ((1, 1), (2, 2), (3, 3))
    )
    place = "<GeoTransform>500000, 0.05, 0, 5800000, 0, -0.05</GeoTransform>"
    whole = f'<VRTDataset rasterXSize="64" rasterYSize="64">{place}{text}</VRTDataset>'
    (tmp_path / "m.vrt").write_text(whole)

    with rasterio.open(tmp_path / "m.vrt") as source:
        read_tile = read_pixels(source, Window(0, 0, 64, 64), ("red", "green", "blue"))

    assert read_tile.valid.mean() == 48 / 64
    assert not read_tile.valid[:16].any()


def test_bare_soil_is_no_crop_and_no_network_looks_at_it(tmp_path):
    pixels = filled((64, 64), SOIL)
    pixels[:, :3] = np.array(GREEN, np.uint8)[:, None, None]
    soil = read(write(tmp_path / "m.tif", pixels))
    pixels[:, :4] = np.array(GREEN, np.uint8)[:, None, None]
    crop = read(write(tmp_path / "m.tif", pixels))

    assert (soil.record["status"], crop.record["status"]) == ("no crop", "measured")
    assert (soil.record["crop"], crop.record["crop"]) == (3 / 64, 4 / 64)
    assert soil.arrays == {}


def test_a_mosaic_from_the_south_is_turned_over(tmp_path):
    pixels = filled((64, 64))
    pixels[:, :32] = np.array((200, 190, 60), np.uint8)[:, None, None]
    north = read(write(tmp_path / "n.tif", pixels))
    south_up = rasterio.Affine(0.05, 0, 500_000, 0, 0.05, 5_800_000)

    south = read(write(tmp_path / "s.tif", pixels[:, ::-1], transform=south_up))

    assert np.array_equal(north.arrays["pixels"], south.arrays["pixels"])


def test_sixteen_bits_are_scaled_by_the_tag_that_says_what_is_white(tmp_path):
    eight = read(write(tmp_path / "8.tif", filled((64, 64), (51, 153, 51))))
    twelve = filled((64, 64), (819, 2457, 819), np.uint16)

    by_bits = read(write(tmp_path / "bits.tif", twelve, nbits=12))
    by_value = read(write(tmp_path / "value.tif", twelve, tags={"TIFFTAG_MAXSAMPLEVALUE": "4095"}))

    assert np.array_equal(by_bits.arrays["pixels"], eight.arrays["pixels"])
    assert np.array_equal(by_value.arrays["pixels"], eight.arrays["pixels"])
    assert by_bits.record["means"]["green"] == 2457.0


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (np.uint16, "uint16 values, and no tag says which value is white"),
        (np.int16, "int16 values, and no tag"),
        (np.complex64, "complex64 values"),
    ],
)
def test_values_of_an_unknown_scale_are_refused_with_the_way_out(tmp_path, kind, message):
    path = write(tmp_path / "m.tif", filled((64, 64), GREEN, kind))

    with pytest.raises(UnreadableImage, match=message) as caught:
        describe(path)
    assert "gdal_translate" in str(caught.value)


def test_reflectances_are_scaled_by_their_tag_and_not_believed_outside_of_0_to_1(tmp_path):
    pixels = filled((64, 64), (2000, 4000, 1000), np.uint16)
    pixels[:, 0, :] = 20000
    path = write(tmp_path / "m.tif", pixels)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (1e-4,) * 3, (0.01, 0.0, 0.0)

    found = read(path).record
    assert describe(path)[0]["is_reflectance"]
    assert found["status"] == "measured"
    assert found["means"]["red"] == ((2000 * 63 + 20000) / 64) * 1e-4 + 0.01
    pixels[:, :4, :] = 20000
    with rasterio.open(path, "r+") as file:
        file.write(pixels)
    found = read(path).record
    assert found["status"] == "unreadable"
    assert found["detail"].startswith("6.2%")
    assert found["means"] == {}


def test_a_value_that_is_no_number_is_not_valid(tmp_path):
    pixels = filled((64, 64), (0.1, 0.5, 0.1), np.float32)
    pixels[1, :16] = np.nan

    record = read(write(tmp_path / "m.tif", pixels)).record

    assert record["valid"] == 0.75
    assert record["means"]["green"] == 0.5


@pytest.mark.shared
def test_bare_lanes_are_no_crop_and_hardly_any_field_photograph_of_a_sick_plant(shared_data):
    crops = shared_data / "crops"
    with rasterio.open(crops / "drone" / "geotiff" / "orthosmall.tif") as file:
        mosaic = np.moveaxis(file.read(), 0, 2)
    lanes = [
        crop_share(mosaic[top : top + 46, left:right], np.ones((46, right - left), bool))
        for left, right in ((88, 126), (836, 866), (1160, 1184))
        for top in range(0, 611, 46)
    ]
    with (crops / "manifest.csv").open(newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["site"] == "field" and row["split"] in ("train", "cal")
        ]
    bare = {"healthy": 0, "diseased": 0}
    for row in rows:
        photo = cv2.cvtColor(cv2.imread(str(crops / row["file"])), cv2.COLOR_BGR2RGB)
        share = crop_share(photo, np.ones(photo.shape[:2], bool))
        bare[row["health"]] += share < LEAST_CROP

    assert sum(share < LEAST_CROP for share in lanes) == 39
    assert len(lanes) == 42
    assert bare == {"healthy": 0, "diseased": 4}
    assert len(rows) == 938 + 308
