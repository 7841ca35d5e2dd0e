from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.checking.exposures import SIDE
from core.checking.fine_detail import POINTS, WIDTH, FineDetail, sample_detail
from core.checking.fingerprints import Fingerprints
from core.checking.kept_keypoints import KeptKeypoints, KeypointSearch
from core.checking.keypoints import detect
from core.checking.known_copies import match_copies
from tests.core.checking.scenes import SAME, keypoints_of, part, square


def sister(scene, rng):
    """Another part cut beside it: what is coarse is the same, a part of the fine grain its own."""
    own = cv2.resize(rng.normal(0, 6, (90, 90)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return scene + own


def photograph(scene, rng):
    return np.clip(scene + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)


def turned(picture, degrees):
    matrix = cv2.getRotationMatrix2D((128, 128), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (256, 256), borderMode=cv2.BORDER_REFLECT)


def details_of(pictures):
    return np.stack([square(square(one), 128) for one in pictures])


def fingerprints(pictures):
    numbers = np.arange(len(pictures))
    fine = np.stack([sample_detail(square(one)) for one in pictures])
    details = details_of(pictures)
    kept = KeptKeypoints.of(keypoints_of(details), fine)
    return Fingerprints.of(details, numbers, numbers, kept)


def match(known, pictures):
    details = details_of(pictures)
    found = match_copies(
        known, details, keypoints_of(details), lambda at: [square(pictures[i]) for i in at]
    )
    return found.tolist()


@pytest.fixture(scope="module")
def line():
    """Thirty pairs of parts that were cut side by side, so that spectra tell no copy of them."""
    rng = np.random.default_rng(0)
    scenes = [part(rng) for _ in range(30)]
    return [photograph(one, rng) for scene in scenes for one in (scene, sister(scene, rng))]


@pytest.fixture(scope="module")
def known(line):
    return fingerprints(line)


AGAIN = [
    lambda p: p[25:, 13:-12],
    lambda p: p[13:-13, 13:-13],
    lambda p: p[9:-4, 3:-10][:, ::-1],
    lambda p: turned(p, 3),
    lambda p: turned(p, -8),
    lambda p: np.rot90(turned(p, 4))[6:-7, 8:-5],
    lambda p: np.clip(p[5:-20, 20:-5] * 1.15, 0, 255).astype(np.uint8),
]


@pytest.mark.parametrize("again", AGAIN)
def test_a_copy_is_known_among_sisters_wherever_it_was_cut_out_and_however_turned(
    line, known, again
):
    assert match(known, [again(line[6]), again(line[41])]) == [6, 41]


def test_without_the_pictures_themselves_some_of_these_copies_are_missed(line, known):
    copies = [again(line[6]) for again in AGAIN]
    assert (match_copies(known, details_of(copies)) == 6).sum() < len(AGAIN)


def test_sisters_and_other_parts_are_no_copies(line, known):
    rng = np.random.default_rng(1)
    sisters = [photograph(sister(one.astype(float), rng), rng) for one in line[:20]]
    others = [photograph(part(rng), rng) for _ in range(20)]
    assert match(known, sisters + others) == [-1] * 40


def test_what_cannot_be_read_again_is_no_copy_by_its_keypoints(line, known):
    crop = [AGAIN[0](line[6])]
    keypoints = keypoints_of(details_of(crop))
    blind = match_copies(known, details_of(crop), keypoints, lambda at: [None for _ in at])
    assert blind.tolist() == match_copies(known, details_of(crop)).tolist()


def test_keypoints_come_back_from_arrays_and_join_those_of_another_place(line, known):
    back = Fingerprints.from_arrays(known.to_arrays())
    for name, array in known.to_arrays().items():
        np.testing.assert_array_equal(back.to_arrays()[name], array)
    both = fingerprints(line[:30]).with_those_of(fingerprints(line[30:]))
    copies = [AGAIN[0](line[6]), AGAIN[0](line[41])]
    assert match(both, copies) == [6, 41]
    first, *others = (fingerprints(line[at : at + 15]) for at in (0, 15, 30, 45))
    at_once, in_turn = first.with_those_of(*others), first
    for one in others:
        in_turn = in_turn.with_those_of(one)
    for name, array in at_once.to_arrays().items():
        assert np.array_equal(array, in_turn.to_arrays()[name]), name


def test_a_bundle_that_kept_no_keypoints_still_knows_what_it_knew(line, known):
    bare = {name: a for name, a in known.to_arrays().items() if not name.startswith("keypoint")}
    old = Fingerprints.from_arrays(bare)
    copies = [line[6][:, ::-1], AGAIN[0](line[6])]
    assert match(old, copies) == match_copies(known, details_of(copies)).tolist()
    joined = replace(old, keypoints=old.keypoints.with_those_of(fingerprints(line[:4]).keypoints))
    assert len(joined.keypoints.counts) == 64
    (laid,) = KeypointSearch(joined.keypoints).overlay([detect(details_of(line)[2])])
    assert laid[0].known == 62


def test_pictures_without_keypoints_are_kept_and_looked_for_without_any():
    black = np.zeros((3, 128, 128), np.uint8)
    kept = KeptKeypoints.of(keypoints_of(black), np.zeros((3, WIDTH), np.uint8))
    assert KeypointSearch(kept).overlay([detect(black[0])]) == [[]]


def test_pictures_that_ask_together_get_the_answers_of_each_alone(line, known):
    search = KeypointSearch(known.keypoints)
    black = np.zeros((128, 128), np.uint8)
    asked = [detect(one) for one in [*details_of(AGAIN[0](one) for one in line[:9]), black]]
    together = search.overlay(asked)
    for one, laid in zip(asked, together, strict=True):
        (alone,) = search.overlay([one])
        assert [(a.known, a.is_mirrored) for a in laid] == [(a.known, a.is_mirrored) for a in alone]
        np.testing.assert_allclose([a.onto for a in laid], [a.onto for a in alone], atol=1e-3)
    for number, laid in enumerate(together[:-1]):
        assert laid[0].known // 2 == number // 2  # itself or its sister
        assert number in {one.known for one in laid}
    assert together[-1] == []


def test_under_five_kilobytes_are_kept_of_a_picture(line, known):
    assert sum(a.nbytes for a in known.keypoints.to_arrays().values()) / len(line) < 5000


def test_detail_is_laid_over_a_guess_that_is_a_pixel_off(line):
    grey, kept = square(line[3]), sample_detail(square(line[3]))
    assert FineDetail.of(grey).agree_with(kept, SAME).found > 0.99
    moved = cv2.warpAffine(grey, np.array([[1, 0.01, 0.6], [0, 1.02, -1.8]]), (SIDE, SIDE))
    found = FineDetail.of(moved).agree_with(kept, SAME)
    assert found.found > 0.95
    assert found.is_one_origin


def test_the_agreement_is_that_of_the_whole_pictures_fine_detail(line):
    """Read off at few points, two noisy photographs correlate as they do at all pixels."""
    rng = np.random.default_rng(3)
    first, second = square(line[8]), square(photograph(line[8].astype(float), rng))
    found = FineDetail.of(second).agree_with(sample_detail(first), SAME).found
    band = [
        cv2.GaussianBlur(one.astype(np.float32), (0, 0), 0.7)
        - cv2.GaussianBlur(one.astype(np.float32), (0, 0), 3.0)
        for one in (first, second)
    ]
    assert found == pytest.approx(np.corrcoef(band[0].ravel(), band[1].ravel())[0, 1], abs=0.02)


def test_a_ground_without_detail_says_nothing(line):
    """Clipped to white, most of a picture agrees with any other; what is left decides."""
    one, other = np.full((2, SIDE, SIDE), 255, np.uint8)
    one[60:160, 60:160] = square(line[0])[60:160, 60:160]
    other[60:160, 60:160] = square(line[9])[60:160, 60:160]
    assert FineDetail.of(one).agree_with(sample_detail(one), SAME).is_one_origin
    assert not FineDetail.of(other).agree_with(sample_detail(one), SAME).is_one_origin
    white = np.full((SIDE, SIDE), 255, np.uint8)
    assert FineDetail.of(white).agree_with(sample_detail(white), SAME).found == 0.0


def test_of_a_picture_one_pixel_in_twenty_five_is_kept(line):
    assert len(sample_detail(square(line[0]))) == WIDTH
    assert pytest.approx(1 / 25, abs=0.002) == POINTS / SIDE**2
