"""Files of single bands become captures: by their metadata, or not at all (C-10)."""

import math
import re

import numpy as np
import pytest
import tifffile

from core.errors import DataError
from core.settings import Settings
from domains.crops.survey.captures import ReadBand, group, panel_factors, read_captures

CAMERA = {"NIR": (840, 0.41), "Red": (668, 0.69), "Green": (560, 0.77), "Blue": (475, 0.96)}
SPACES = (
    'xmlns:Camera="http://pix4d.com/camera/1.0/" xmlns:DLS="http://micasense.com/DLS/1.0/" '
    'xmlns:M="http://micasense.com/MicaSense/1.0/"'
)


def packet(band, nm, capture="C1", light="0.9", calibration="0.0002,0,0", more=""):
    of_light = f"<DLS:SpectralIrradiance>{light}</DLS:SpectralIrradiance>" if light else ""
    items = "".join(f"<r:li>{one}</r:li>" for one in calibration.split(",") if calibration)
    figures = (
        f"<M:RadiometricCalibration><r:Seq>{items}</r:Seq></M:RadiometricCalibration>"
        if calibration
        else ""
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF '
        'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f"<r:Description {SPACES}><Camera:BandName>{band}</Camera:BandName>"
        f"<Camera:CentralWavelength>{nm}</Camera:CentralWavelength>"
        f"<M:CaptureId>{capture}</M:CaptureId>{of_light}{figures}{more}"
        "</r:Description></r:RDF></x:xmpmeta>"
    ).encode()


def a_band(path, xmp, level=20_000, model="Test", make="MicaSense", black=4800, spread=0):
    """Write a file of one band as a camera does; EXIF beside, exposure 1/500 s at ISO 100."""
    pixels = np.full((40, 60), level, np.uint16)
    pixels[:, ::2] += spread
    tags = [
        (271, "s", 0, make, True),
        (272, "s", 0, model, True),
        (700, "B", len(xmp), xmp, True),
        (50714, "H", 1, black, True),
    ]
    tifffile.imwrite(path, pixels, photometric="minisblack", extratags=tags, metadata=None)
    data = bytearray(path.read_bytes())
    # The directory of the camera's settings, at the end: exposure time and ISO speed.
    at = len(data)
    settings = [(33434, 5, 1, at + 2 + 24 + 4), (34855, 3, 1, 100)]
    block = len(settings).to_bytes(2, "little")
    for tag, kind, count, value in settings:
        block += b"".join(
            n.to_bytes(s, "little")
            for n, s in zip((tag, kind, count, value), (2, 2, 4, 4), strict=True)
        )
    block += bytes(4) + (1).to_bytes(4, "little") + (500).to_bytes(4, "little")
    return (path.name, bytes(_with_pointer(data, at) + block))


def _with_pointer(data, exif_at):
    """Let a tag that is of no use, 305 Software, point to the camera's settings instead."""
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    entry = b"".join(
        n.to_bytes(s, "little") for n, s in zip((34665, 4, 1, exif_at), (2, 2, 4, 4), strict=True)
    )
    entries = [bytes(data[start + 2 + 12 * i : start + 14 + 12 * i]) for i in range(count)]
    kept = [one for one in entries if int.from_bytes(one[:2], "little") not in (282, 283, 296, 305)]
    kept = sorted([*kept, entry], key=lambda one: int.from_bytes(one[:2], "little"))
    assert len(kept) <= count
    block = len(kept).to_bytes(2, "little") + b"".join(kept) + bytes(4)
    data[start : start + len(block)] = block
    return data


def captures(tmp_path, *bands, **kwargs):
    return read_captures(bands, Settings(), **kwargs)


def test_bands_are_put_together_by_their_capture_and_named_by_their_metadata(tmp_path):
    files = [
        a_band(tmp_path / f"{number}.tif", packet(name, nm, light=light), 20_000 + 1000 * number)
        for number, (name, (nm, light)) in enumerate(CAMERA.items())
    ]

    (capture,) = captures(tmp_path, *reversed(files))

    def reflectance(level, irradiance):
        return 0.0002 * (level - 4800) / 65536 / (1 / 500) * math.pi / irradiance

    nir, red = reflectance(20_000, 0.41), reflectance(21_000, 0.69)
    green, blue = reflectance(22_000, 0.77), reflectance(23_000, 0.96)
    assert capture.problem == ""
    assert capture.reflectance == pytest.approx(
        {"near infrared": nir, "red": red, "green": green, "blue": blue}, rel=1e-12
    )
    assert capture.indices == {
        "exg": round((2 * green - red - blue) / (red + green + blue), 6),
        "vari": round((green - red) / (green + red - blue), 6),
        "ndvi": round((nir - red) / (nir + red), 6),
        "gndvi": round((nir - green) / (nir + green), 6),
    }
    assert capture.refused == {"ndre": "There is no red edge band."}


@pytest.mark.parametrize(
    ("xmp", "problem"),
    [
        (packet("", ""), "do not say which band it is: nothing"),
        (packet("NIR", 668), "do not say which band it is: NIR 668 nm"),
        (packet("NIR", 840, light=""), "no panel was given: its values are no reflectances"),
        (packet("NIR", 840, calibration=""), "no panel was given: its values are no reflect"),
        (packet("NIR", 840, light="0"), "light sensor measured 0"),
        (packet("NIR", 840, light="0.001"), "100.0% of its reflectances are below 0 or above 1"),
        (b'<!DOCTYPE x [<!ENTITY a "NIR">]>' + packet("&a;", 840), "which band it is: nothing"),
    ],
    ids=["no name", "two names", "no light", "no figures", "dark", "clipped", "entities"],
)
def test_what_is_no_reflectance_gives_no_index_and_its_reason(tmp_path, xmp, problem):
    (capture,) = captures(tmp_path, a_band(tmp_path / "a.tif", xmp))

    assert problem in capture.problem
    assert capture.problem.startswith("a.tif: ")
    assert capture.indices == {} == capture.reflectance


def read(band, capture="C1", model="RedEdge"):
    return ReadBand("MicaSense", model, capture, band, band, "", 0.2, 0.0)


def test_a_capture_without_all_its_bands_is_skipped_and_says_so():
    bands = ("blue", "green", "red", "near infrared", "red edge")
    whole = [(f"1_{band}", read(band)) for band in bands]
    lacking = [(f"2_{band}", read(band, "C2")) for band in bands[:4]]
    twice = [(f"3_{band}", read(band, "C3")) for band in (*bands[:4], "red")]

    found = group([*whole, *lacking, *twice])

    assert [one.problem for one in found] == [
        "",
        "It has 4 bands; expected 5.",
        "Two of its files are of one band.",
    ]
    assert [len(one.indices) for one in found] == [5, 0, 0]


def test_of_an_unknown_camera_the_fullest_capture_says_how_many_bands_there_are():
    pair = [("a", read("red", "C1", "New")), ("b", read("green", "C1", "New"))]
    single = [("c", read("red", "C2", "New"))]

    assert [one.problem for one in group([*pair, *single])] == ["", "It has 1 bands; expected 2."]


def test_a_panel_makes_reflectance_for_a_camera_without_a_light_sensor(tmp_path):
    xmp = packet("Red", 668, light="", calibration="")
    panel = a_band(tmp_path / "panel.tif", xmp, 30_000)

    factors = panel_factors([panel], {"red": 0.5}, Settings())
    (capture,) = captures(tmp_path, a_band(tmp_path / "a.tif", xmp, 17_400), factors=factors)

    assert capture.reflectance["red"] == pytest.approx(0.5 * (17_400 - 4800) / (30_000 - 4800))
    with pytest.raises(DataError, match="No reflectance of the panel is given for red"):
        panel_factors([panel], {"green": 0.5}, Settings())
    uneven = a_band(tmp_path / "uneven.tif", xmp, 20_000, spread=9000)
    with pytest.raises(DataError, match=r"uneven.tif: The middle of the picture is no panel"):
        panel_factors([uneven], {"red": 0.5}, Settings())


def of_shared(shared_data, name):
    folder = shared_data / "crops" / "drone" / "multispectral" / name
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


@pytest.mark.shared
def test_the_shared_capture_of_a_rededge_gives_indices_of_its_own_formulas(shared_data):
    files = of_shared(shared_data, "rededge_0001")

    (capture,) = read_captures(files, Settings())

    means = {}
    for (name, data), band in zip(
        files, ("blue", "green", "red", "near infrared", "red edge"), strict=True
    ):
        text = data[data.find(b"<x:xmpmeta") :].decode("utf-8", "replace")

        def numbers(tag, text=text):
            inner = re.search(rf":{tag}>(.*?)</\w+:{tag}>", text, re.DOTALL)[1]
            return [
                float(x)
                for x in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", re.sub("<.*?>", " ", inner))
            ]

        with tifffile.TiffFile(next((shared_data / "crops").rglob(name))) as file:
            raw, exif = file.pages[0].asarray(), file.pages[0].tags[34665].value
            black = np.mean(file.pages[0].tags[50714].value)
        exposure = exif["ExposureTime"][0] / exif["ExposureTime"][1]
        gain = exif["ISOSpeed"] / 100
        a1, a2, a3 = numbers("RadiometricCalibration")
        y, x = np.indices(raw.shape)
        cx, cy = numbers("VignettingCenter")
        r = np.sqrt((x - cx) ** 2 + (y - cy) ** 2)
        fall_off = np.polyval([*reversed(numbers("VignettingPolynomial")), 1.0], r)
        light = (raw / 65536 - black / 65536) / fall_off * a1 / gain
        light /= exposure + a2 * y - a3 * exposure * y
        rho = np.pi * light / numbers("SpectralIrradiance")[0]
        means[band] = rho[(rho >= 0) & (rho <= 1)].mean()
    assert capture.reflectance == pytest.approx(means, rel=1e-9)
    nir, red = means["near infrared"], means["red"]
    assert capture.indices["ndvi"] == round((nir - red) / (nir + red), 6)
    assert capture.indices["ndre"] == round(
        (nir - means["red edge"]) / (nir + means["red edge"]), 6
    )
    assert 0.5 < capture.indices["ndvi"] < 0.65, "vineyard and orchard rows"
    assert max(capture.clipped.values()) < 0.002


@pytest.mark.shared
def test_the_shared_capture_of_a_sequoia_needs_a_panel_and_its_bands_are_known(shared_data):
    files = of_shared(shared_data, "sequoia_0126")

    (refused,) = read_captures(files, Settings())
    factors = dict.fromkeys(("green", "red", "red edge", "near infrared"), 1e-4)
    (capture,) = read_captures(files, Settings(), factors)

    assert "no panel was given" in refused.problem
    assert set(capture.reflectance) == set(factors)
    assert set(capture.indices) == {"ndvi", "ndre", "gndvi"}
