from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import pytest

from core.checking.exposures import agreement, find_exposures
from core.checking.keypoint_votes import vote
from core.checking.keypoints import KeypointRows, detect
from tests.core.checking.scenes import SAME, described, keypoints_of, part, square


def photograph(scene, rng):
    """A part as a camera takes it, with noise of its own."""
    return np.clip(scene + rng.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


def sister(scene, rng):
    """Another part cut beside it: what is coarse is the same, a part of the fine grain its own."""
    own = cv2.resize(rng.normal(0, 5, (90, 90)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return scene + own


def turned(picture, degrees):
    matrix = cv2.getRotationMatrix2D((128, 128), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (256, 256), borderMode=cv2.BORDER_REFLECT)


def pairs_of(pictures):
    fine = [square(one) for one in pictures]
    details = np.stack([square(one, 128) for one in fine])
    return find_exposures(
        details, keypoints_of(details), lambda numbers: [fine[number] for number in numbers]
    )


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(0)
    scenes = [part(rng) for _ in range(24)]
    return scenes, [photograph(one, rng) for one in scenes]


@pytest.mark.parametrize(
    "again",
    [
        lambda p: turned(p, 2),
        lambda p: turned(p, -5),
        lambda p: turned(p, 9),
        lambda p: p[9:-4, 3:-10],
        lambda p: p[25:, 12:-13],
        lambda p: p[5:-8, 2:-11][:, ::-1],
        lambda p: np.rot90(turned(p, 4))[6:-7, 8:-5],
    ],
)
def test_a_picture_turned_cropped_or_mirrored_is_found_among_parts_that_look_alike(line, again):
    _, pictures = line
    assert pairs_of([*pictures, again(pictures[7]), again(pictures[18])]) == [(7, 24), (18, 25)]


def equalised(picture):
    return cv2.equalizeHist(np.ascontiguousarray(picture))


def sharpened(picture):
    blurred = cv2.GaussianBlur(picture, (0, 0), 1.5).astype(np.float32)
    return np.clip(2.5 * picture - 1.5 * blurred, 0, 255).astype(np.uint8)


def aslant(picture):
    corners = np.array([[0, 0], [255, 0], [255, 255], [0, 255]], np.float32)
    moved = corners + np.array([[14, 8], [-6, 17], [-15, -3], [9, -16]], np.float32)
    onto = cv2.getPerspectiveTransform(corners, moved)
    return cv2.warpPerspective(picture, onto, (256, 256), borderMode=cv2.BORDER_REPLICATE)


def framed(picture, value):
    return cv2.copyMakeBorder(picture, *(26,) * 4, cv2.BORDER_CONSTANT, value=value)


@pytest.mark.parametrize(
    ("again", "least"),
    [
        (equalised, 4),
        (sharpened, 14),
        (aslant, 14),
        (partial(framed, value=0), 14),
        (partial(framed, value=255), 14),
    ],
)
def test_a_picture_of_other_tones_seen_aslant_or_framed_is_found(line, again, least):
    _, pictures = line
    copies = [again(one) for one in pictures[4:20]]
    found = set(pairs_of([*pictures, *copies]))
    assert found <= {(at, 20 + at) for at in range(4, 20)}
    assert len(found) >= least


@pytest.mark.parametrize("again", [equalised, sharpened, aslant])
def test_sisters_of_other_tones_or_seen_aslant_are_told_apart(line, again):
    scenes, pictures = line
    rng = np.random.default_rng(1)
    sisters = [again(photograph(sister(one, rng), rng)) for one in scenes]
    assert pairs_of([*pictures, *sisters]) == []


def test_sisters_that_agree_in_all_that_is_coarse_are_told_from_a_second_photograph(line):
    scenes, pictures = line
    rng = np.random.default_rng(1)
    sisters = [photograph(sister(one, rng), rng) for one in scenes[:6]]
    assert all(
        agreement(square(a), square(b), SAME).found > 0.7
        for a, b in zip(pictures[:6], sisters, strict=True)
    )
    assert pairs_of([*pictures, *sisters, photograph(scenes[9], rng)]) == [(9, 30)]


def test_other_parts_before_one_background_are_not_of_one_origin(line):
    scenes, _ = line
    rng = np.random.default_rng(5)
    fixed = []
    for one in scenes[:8]:
        scene = scenes[20].copy()
        scene[100:150, 90:140] = one[100:150, 90:140]
        fixed.append(photograph(scene, rng))
    assert pairs_of(fixed) == []


def test_agreement_is_compared_with_what_independent_noise_lets_two_pictures_have(line):
    scenes, pictures = line
    rng = np.random.default_rng(2)
    first, second = square(pictures[3]), square(photograph(scenes[3], rng))
    third = square(photograph(sister(scenes[3], rng), rng))
    again, itself, beside = (agreement(first, one, SAME) for one in (second, first, third))
    assert itself.found == pytest.approx(1.0)
    assert itself.short < again.short < 0.0  # noise is measured where it is least
    assert again.is_one_origin
    assert beside.found > 0.9
    assert beside.short > 0.02
    assert not beside.is_one_origin
    assert agreement(first, square(pictures[4]), SAME).found < 0.2


def test_pictures_that_hardly_overlap_are_not_compared(line):
    _, pictures = line
    away = np.array([[1, 0, 190], [0, 1, 0]], np.float32)
    found = agreement(square(pictures[0]), square(pictures[0]), away)
    assert (found.found, found.is_one_origin) == (0.0, False)


def test_what_cannot_be_read_again_is_no_copy(line):
    _, pictures = line
    details = np.stack([square(one, 128) for one in [*pictures, turned(pictures[7], 5)]])
    found = find_exposures(details, keypoints_of(details), lambda numbers: [None for _ in numbers])
    assert found == []


def test_keypoints_of_a_mirrored_picture_are_the_mirrored_keypoints(line):
    _, pictures = line
    grey = square(pictures[0], 128)
    expected = detect(np.ascontiguousarray(grey[:, ::-1]))
    found = detect(grey).mirrored(128)
    apart = np.linalg.norm(found.places[:, None] - expected.places[None], axis=2)
    near = apart.min(axis=1) < 0.5
    assert near.mean() > 0.9  # the few others are where one of two equal peaks was taken
    change = found.descriptors[near].astype(int) - expected.descriptors[apart.argmin(axis=1)[near]]
    assert np.median(np.abs(change)) <= 2


def test_votes_join_a_picture_with_its_copy_and_name_the_mirrored_one(line):
    _, pictures = line
    given = [*pictures, pictures[2][:, ::-1]]
    found = vote(keypoints_of([square(one, 128) for one in given]))
    assert (2, 24, True) in found
    assert vote(keypoints_of([])) == []
    assert vote(keypoints_of([np.full((128, 128), 9, np.uint8)] * 3)) == []


def test_a_picture_without_detail_has_no_relatives_and_hides_none():
    rng = np.random.default_rng(2)
    one = rng.integers(0, 255, (60, 128), np.uint8)
    blank = np.zeros((0, 128), np.uint8)
    assert {(a, b) for a, b, _ in vote(KeypointRows(described(blank, one, blank, one)))} == {(1, 3)}
    assert vote(KeypointRows(described(blank, blank))) == []
