from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.checking import certain_copies
from core.checking.certain_copies import find_certain_copies
from core.checking.fingerprints import CERTAIN, Fingerprints
from core.checking.known_copies import match_copies


def surface(rng):
    grain = cv2.resize(rng.normal(0, 40, (40, 40)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + grain, 0, 255).astype(np.uint8)


def sister(picture, rng, own=10):
    """Another part that shares its crystals with the first: alike, but no copy."""
    grain = cv2.resize(rng.normal(0, own, (40, 40)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def detail(picture):
    picture = np.ascontiguousarray(picture)
    return cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)


def details(pictures):
    return np.stack([detail(one) for one in pictures])


def saved(picture, quality):
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def known(pictures, same=None, origin=None):
    numbers = np.arange(len(pictures))
    return Fingerprints.of(
        details(pictures),
        numbers if same is None else np.array(same),
        numbers if origin is None else np.array(origin),
    )


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(4)
    return [surface(rng) for _ in range(60)]


@pytest.fixture(scope="module")
def known_line(line):
    return known(line)


@pytest.fixture(scope="module")
def pairs(line):
    """Each picture of the line and a sister of it, one after the other."""
    rng = np.random.default_rng(6)
    return [one for picture in line for one in (picture, sister(picture, rng))]


@pytest.fixture(scope="module")
def known_pairs(pairs):
    return known(pairs)


@pytest.mark.parametrize(
    "again",
    [
        lambda p: saved(p, 60),
        lambda p: cv2.resize(p, (140, 140), interpolation=cv2.INTER_AREA),
        lambda p: cv2.resize(p, (400, 400), interpolation=cv2.INTER_CUBIC),
        lambda p: p[:, ::-1],
        lambda p: np.rot90(p),
        lambda p: saved(cv2.resize(p[::-1], (180, 180), interpolation=cv2.INTER_AREA), 80),
        lambda p: p[6:-6, 6:-6],
        lambda p: p[13:, 13:],
        lambda p: np.clip(p * 1.1, 0, 255).astype(np.uint8),
        lambda p: cv2.GaussianBlur(p, (0, 0), 1.5),
        lambda p: cv2.warpAffine(
            p, cv2.getRotationMatrix2D((128, 128), 3, 1.0), (256, 256), borderMode=2
        ),
    ],
)
def test_a_picture_that_was_changed_is_known_again_and_which_it_was(line, known_line, again):
    found = match_copies(known_line, details([again(line[7]), again(line[31])]))
    assert found.tolist() == [7, 31]


def test_other_pictures_of_the_kind_are_no_copies(known_line):
    rng = np.random.default_rng(5)
    found = match_copies(known_line, details([surface(rng) for _ in range(60)]))
    assert (found == -1).all()


def test_parts_that_share_much_are_no_copies_and_copies_of_them_are(
    line, known_line, pairs, known_pairs
):
    rng = np.random.default_rng(5)
    assert known_pairs.limits[0] < known_line.limits[0]
    third = [sister(picture, rng) for picture in line]
    assert (match_copies(known_pairs, details(third)) == -1).all()
    again = match_copies(known_pairs, details([saved(one, 90) for one in pairs[10:14]]))
    assert again.tolist() == [10, 11, 12, 13]


def test_many_copies_in_a_set_are_known_by_weaker_signs_than_one(pairs, known_pairs):
    rng = np.random.default_rng(7)

    def noisy(picture):
        return np.clip(picture + rng.normal(0, 14, picture.shape), 0, 255).astype(np.uint8)

    worn = [noisy(one) for one in pairs[:20]]
    alone = match_copies(known_pairs, details([worn[0], *[surface(rng) for _ in range(40)]]))
    assert alone[0] == -1
    plain = [saved(one, 90) for one in pairs[20:40]]
    found = match_copies(known_pairs, details([*worn, *plain]))
    assert np.mean(found[:20] == np.arange(20)) >= 0.8


def test_a_picture_that_is_there_many_times_is_still_known_again(line):
    rng = np.random.default_rng(8)
    copies = [np.clip(line[0] + rng.normal(0, 3, line[0].shape), 0, 255).astype(np.uint8)] * 5
    origin = [*range(60), *[0] * 5]
    found = match_copies(known([*line, *copies], origin, origin), details([saved(line[0], 80)]))
    assert origin[found[0]] == 0


def test_flat_pictures_are_known_by_nothing(line):
    black = np.zeros((256, 256), np.uint8)
    fingerprints = known([*line, black])
    assert match_copies(fingerprints, details([black, black + 9])).tolist() == [-1, -1]
    assert match_copies(known([black] * 4), details([black, line[0]])).tolist() == [-1, -1]


def test_nothing_is_known_again_among_two_or_none(line):
    assert match_copies(known(line[:2]), details(line[:1])).tolist() == [-1]
    empty = Fingerprints.of(np.zeros((0, 128, 128), np.uint8), np.zeros(0, int), np.zeros(0, int))
    assert match_copies(empty, details(line[:1])).tolist() == [-1]


def test_what_is_kept_does_not_say_how_a_picture_lies(line, known_line):
    """The phases are gone: a picture and its mirror image leave the same numbers."""
    one, other = known_line.strengths, known([p[:, ::-1] for p in line]).strengths
    np.testing.assert_allclose(one, other, atol=0.02)
    assert one.dtype == np.float16
    assert one[0].nbytes == 816


def test_fingerprints_come_back_from_arrays_and_join_those_of_another_place(line):
    here, there = known(line[:30]), known(line[30:], origin=[0] * 2 + list(range(28)))
    back = Fingerprints.from_arrays(here.to_arrays())
    np.testing.assert_array_equal(back.strengths, here.strengths)
    both = back.with_those_of(there)
    assert match_copies(both, details([saved(line[3], 80), saved(line[50], 80)])).tolist() == [
        3,
        50,
    ]
    assert len(set(both.origin.tolist())) == 30 + 28
    assert (both.limits <= here.limits).all()
    assert both.limits[0] >= np.float32(CERTAIN)


def test_where_no_parts_look_alike_every_near_copy_is_beyond_doubt(line):
    pictures = [*line, saved(line[2], 85), line[5][8:-8, 8:-8]]
    sets, group = [[2, 60], [5, 61]], np.arange(62)
    found = find_certain_copies(details(pictures), sets, group)
    assert sorted(found) == [[2, 60], [5, 61], [60, 2], [61, 5]]
    group[61] = group[5]
    assert sorted(find_certain_copies(details(pictures), sets, group)) == [[2, 60], [60, 2]]
    assert find_certain_copies(details(pictures), [], group) == []


def test_where_parts_look_alike_only_what_they_never_share_is_beyond_doubt(line):
    rng = np.random.default_rng(9)
    sisters = [sister(line[at], rng, own=8 + 2 * at) for at in range(20)]
    pictures = [*line, *sisters, saved(line[50], 85)]
    sets = [*([at, 60 + at] for at in range(20)), [50, 80]]
    found = find_certain_copies(details(pictures), sets, np.arange(81))
    assert sorted(found) == [[50, 80], [80, 50]]


def test_among_many_pictures_a_draw_stands_for_all_that_are_in_no_set(line, monkeypatch):
    rng = np.random.default_rng(9)
    sisters = [sister(line[at], rng, own=8 + 2 * at) for at in range(20)]
    others = [surface(rng) for _ in range(60)]
    again = [saved(line[at], 85) for at in range(40, 60)]
    made = details([*line, *sisters, *others, *again])
    sets = [*([at, 60 + at] for at in range(20)), *([at, 100 + at] for at in range(40, 60))]
    whole = find_certain_copies(made, sets, np.arange(160))
    sizes, single = [], certain_copies._find_certain_copies

    def counted(details, sets, group):
        sizes.append(len(details))
        return single(details, sets, group)

    monkeypatch.setattr(certain_copies, "_COMPARED", 50)
    monkeypatch.setattr(certain_copies, "SAMPLE", 40)
    monkeypatch.setattr(certain_copies, "_find_certain_copies", counted)
    assert sorted(find_certain_copies(made, sets, np.arange(160))) == sorted(whole)
    assert len(whole) >= 40
    assert sizes == [90, 90]
