import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.imaging import square
from core.labelled import read_labelled
from core.service.data.labels import flag_positive
from core.types import Finding, Frame, Reason, Tile
from domains.crops import pack
from domains.crops.photos.reasons import TEXTS, PhotoReason
from domains.crops.reader import prepare

GREY = np.random.default_rng(0).integers(60, 200, (240, 320, 1), np.uint8).repeat(3, axis=2)


def a_frame(pixels: np.ndarray) -> Frame:
    return Frame(pixels, 8, "ab" * 32, pixels.shape[:2])


def a_leaf(colour: tuple[int, int, int], radius: int, ground: np.ndarray = GREY) -> np.ndarray:
    return cv2.circle(ground.copy(), (160, 120), radius, colour, -1)


@pytest.mark.parametrize(
    "colour",
    [(60, 140, 40), (190, 190, 40), (110, 70, 30), (150, 30, 40), (120, 20, 70)],
    ids=["green", "yellow", "brown", "red", "purple"],
)
def test_a_leaf_of_any_colour_that_leaves_have_is_a_plant(colour):
    assert prepare(a_frame(a_leaf(colour, 40)), 224).findings == ()


@pytest.mark.parametrize("ground", [0, 255], ids=["black", "white"])
def test_a_leaf_cut_out_on_black_or_white_is_a_plant(ground):
    ready = prepare(a_frame(a_leaf((60, 140, 40), 40, np.full_like(GREY, ground))), 224)

    assert ready.findings == ()


@pytest.mark.parametrize(
    "picture",
    [GREY, GREY[:, :, :1], a_leaf((20, 60, 220), 110), a_leaf((60, 140, 40), 12)],
    ids=["grey stored as colour", "grey", "blue", "a speck of green"],
)
def test_a_picture_without_the_colours_of_a_plant_is_no_plant(picture):
    (finding,) = prepare(a_frame(picture), 224).findings

    assert finding.reason is Reason.WRONG_INPUT
    assert finding.detail.startswith("no plant: expected green, yellow, brown or red on at least")


def a_photo(seed: int = 0) -> np.ndarray:
    """Return a leaf with veins on a plain ground, as sharp as a camera makes it."""
    leaf = a_leaf((60, 140, 40), 90, np.full((240, 320, 3), 170, np.uint8))
    grain = np.random.default_rng(seed).integers(-25, 26, leaf.shape[:2])
    return np.clip(leaf + grain[:, :, None], 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda photo: photo, None),
        (lambda photo: cv2.GaussianBlur(photo, (0, 0), 4), PhotoReason.BLURRED),
        (lambda photo: photo // 5, PhotoReason.TOO_DARK),
    ],
    ids=["sharp", "blurred", "dark"],
)
def test_a_poor_photo_is_named_in_words_that_help_whoever_took_it(spoil, code):
    findings = prepare(a_frame(spoil(a_photo())), 224).findings

    wanted = [] if code is None else [Finding(Reason.POOR_QUALITY, TEXTS[code], code.value)]
    assert list(findings) == wanted


def test_a_tile_of_a_mosaic_is_not_measured_as_a_photo():
    blurred = a_frame(cv2.GaussianBlur(a_photo(), (0, 0), 4))

    assert prepare(replace(blurred, tile=Tile("ab" * 32, 0, 0)), 224).findings == ()


def test_a_photograph_of_any_size_and_shape_measures_alike():
    leaf = a_leaf((60, 140, 40), 40, np.full_like(GREY, 200))
    big = cv2.resize(leaf, (2560, 1920), interpolation=cv2.INTER_NEAREST)

    one, other = prepare(a_frame(leaf), 160).measures, prepare(a_frame(big), 160).measures

    assert not set(one) & set(square.SHAPE)
    assert other == pytest.approx(one, rel=0.05, abs=0.02)


def test_every_label_that_ends_in_healthy_means_nothing_wrong():
    labels = ("maize_healthy", "Tomato___healthy", "Healthy", "rice_nitrogen_adequate")
    sick = ("unhealthy", "maize_rust", "rice_nitrogen_deficient")

    flags = flag_positive((*labels, *sick), pack.negative_labels)

    assert flags == (False,) * 4 + (True,) * 3


@pytest.mark.shared
def test_the_shared_labels_roll_up_to_the_health_that_their_table_states(shared_data):
    rows = read_labelled(shared_data / "crops", pack.group_columns).rows
    health = {row.label: row.columns["health"] for row in rows}
    classes = tuple(sorted(health))

    flags = flag_positive(classes, pack.negative_labels)

    assert len(classes) == 34
    assert flags == tuple(health[name] != "healthy" for name in classes)


@pytest.mark.shared
def test_no_leaf_of_the_shared_train_and_cal_pictures_is_taken_for_no_plant(shared_data):
    root = shared_data / "crops"
    with (root / "manifest.csv").open(newline="") as file:
        files = [r["file"] for r in csv.DictReader(file) if r["split"] in ("train", "cal")]

    kept = [name for name in files if found(root / name)]
    grey = [path for path in sorted((root / "ood" / "far").iterdir()) if found(path)]

    assert len(files) == 2734
    assert kept == []
    assert len(grey) >= 10


def found(path) -> bool:
    findings = prepare(pack.read(path.read_bytes(), 10**8, 224), 224).findings
    return any(finding.reason is Reason.WRONG_INPUT for finding in findings)
