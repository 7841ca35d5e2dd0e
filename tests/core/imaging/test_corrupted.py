"""Corruptions and variations are done to the picture as it was taken, and only then prepared."""

import hashlib
import math

import cv2
import numpy as np
import pytest

from core.imaging.corrupted import (
    CORRUPT,
    CORRUPTIONS,
    NAMES,
    VARIATIONS,
    arguments_of,
    corrupt,
    pictures_of,
)
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.packs import entry_of, pack_named
from core.settings import Settings
from tests.core.imaging.test_corruptions import a_cloud, away

SIZE, MOST = 224, 10**8
ALL = {CORRUPTIONS: len(NAMES[CORRUPTIONS]), VARIATIONS: len(NAMES[VARIATIONS])}


def png(pixels):
    return cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1].tobytes()


def large(channels=3):
    """Fine grain, 1,400 x 1,000 pixels."""
    grain = np.random.default_rng(3).normal(0, 20, (1000, 1400, channels))
    soft = cv2.resize(a_cloud(channels), (1400, 1000), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft.reshape(grain.shape) + grain, 0, 255).astype(np.uint8)


def made_of(data, each=ALL, seed=0):
    arguments = arguments_of(SIZE, {}, seed, each)
    given = {**arguments, "entry": entry_of("parts"), "max_pixels": MOST}
    return pictures_of(corrupt(data, given), SIZE, hashlib.sha256(data).hexdigest())


def plain(data):
    pack = pack_named("parts")
    return pack.prepare(pack.read(data, MOST, SIZE), SIZE)


def test_every_kind_is_made_once_and_the_same_again_whatever_came_before():
    data = png(a_cloud())
    made, again = made_of(data), made_of(data)
    assert sorted((one.set, one.kind) for one in made) == sorted(
        (name, kind) for name in NAMES for kind in range(len(NAMES[name]))
    )
    for one, other in zip(made, again, strict=True):
        np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)
        assert one.strength == other.strength
    drawn = [[one.kind for one in made_of(data, {VARIATIONS: 2}, seed)] for seed in range(6)]
    assert all(len(set(kinds)) == 2 for kinds in drawn)
    assert len({tuple(kinds) for kinds in drawn}) > 1


def test_a_grey_picture_gets_as_many_kinds_and_none_of_colour():
    made = made_of(png(np.repeat(a_cloud(1), 3, axis=2)), {VARIATIONS: 10, CORRUPTIONS: 10})
    assert len({(one.set, one.kind) for one in made}) == len(made) == 20
    assert not {NAMES[one.set][one.kind] for one in made} & {"warmer", "cooler", "tinted"}


def test_a_variation_of_size_is_one_of_the_size_that_the_picture_was_taken_in():
    for seed in range(4):
        for one in made_of(png(large()), {VARIATIONS: ALL[VARIATIONS]}, seed):
            name = NAMES[VARIATIONS][one.kind]
            if name in ("smaller", "larger"):
                end = math.log(0.6) if name == "smaller" else math.log(1.5)
                gone = one.picture.measures["size"] - math.log(1000)
                assert gone == pytest.approx(one.strength * end, abs=0.002)
            assert 0 <= one.strength <= 1


def test_compressing_a_large_picture_shows_less_than_compressing_its_square():
    data = png(large())
    as_is = plain(data)
    at_source, at_square = [], []
    for seed in range(4):
        for source, found in ((data, at_source), (png(as_is.pixels), at_square)):
            (one,) = (
                one
                for one in made_of(source, {CORRUPTIONS: ALL[CORRUPTIONS]}, seed)
                if NAMES[CORRUPTIONS][one.kind] == "compressed hard"
            )
            found.append(away(one.picture.pixels, as_is.pixels))
    assert max(at_source) < min(at_square)


def test_nothing_is_made_of_a_picture_that_the_pack_refuses():
    assert made_of(png(np.full((64, 64, 3), 128, np.uint8))) == []


def test_it_runs_in_the_sandbox_bit_for_bit():
    data = png(a_cloud())
    with FunctionSandbox(
        CORRUPT,
        Settings(),
        unparsed,
        arguments=arguments_of(SIZE, {}, 0, ALL),
        entry=entry_of("parts"),
        outbox_bytes=sum(ALL.values()) * 3 * SIZE * SIZE,
        batch=1,
    ) as sandbox:
        output = sandbox.call(data)
    for one, here in zip(pictures_of(output, SIZE, "a"), made_of(data), strict=True):
        np.testing.assert_array_equal(one.picture.pixels, here.picture.pixels)
        assert one.picture.measures == here.picture.measures
        assert (one.set, one.kind, one.strength) == (here.set, here.kind, here.strength)


def broken(record, arrays=None):
    return Output(
        arrays if arrays is not None else {"0": np.zeros((SIZE, SIZE, 3), np.uint8)}, record
    )


@pytest.mark.parametrize(
    "output",
    [
        broken({}),
        broken({"made": 3}),
        broken({"made": [("variations", 99, 0.5, {})]}),
        broken({"made": [("variations", 0, 1.5, {})]}),
        broken({"made": [("others", 0, 0.5, {})]}),
        broken({"made": [("variations", 0, 0.5, {})]}),
        broken({"made": [("variations", 0, 0.5, {})]}, {}),
    ],
)
def test_an_answer_that_is_no_such_thing_is_refused(output):
    with pytest.raises(ValueError, match="no "):
        pictures_of(output, SIZE, "a")
