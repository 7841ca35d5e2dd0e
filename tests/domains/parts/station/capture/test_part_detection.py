"""Every part that comes to stand in view is announced once, whatever light and noise do."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from domains.parts.station.capture.part_detection import (
    WIDTH,
    DetectionLimits,
    ViewState,
    look,
    shrink,
)

HEIGHT = 90
LIMITS = DetectionLimits()


class View:
    """Draws a belt with parts on it, in changing light, with a camera's noise."""

    def __init__(self, seed=0, noise=2.5, drift=0.0, flicker=0.0):
        self.rng = np.random.default_rng(seed)
        self.noise, self.drift, self.flicker = noise, drift, flicker
        self.belt = 90 + self.rng.integers(-12, 12, (HEIGHT, WIDTH)).astype(float)
        self.texture = self.rng.integers(-20, 20, (60, 60)).astype(float)
        self.time = 0

    def draw(self, *parts):
        """Draw parts given as (left, top, width, height, brightness)."""
        frame = self.belt.copy()
        for left, top, width, height, level in parts:
            part = level + self.texture[:height, :width]
            first, last = max(left, 0), min(left + width, WIDTH)
            if first < last:
                frame[top : top + height, first:last] = part[:, first - left : last - left]
        self.time += 1
        light = 1 + self.drift * np.sin(self.time / 150) + self.flicker * self.rng.normal()
        noise = self.rng.normal(0, self.noise, frame.shape)
        return np.clip(frame * light + noise, 0, 255).astype(np.uint8)

    def passage(self, stands=6, level=160, speed=18, at=60, size=40):
        """Yield the frames of one part that enters, stands and leaves, and whether it stands."""
        lefts = [*range(-size, at, speed), *[at] * (stands + 1), *range(at + speed, WIDTH, speed)]
        for number, left in enumerate(lefts):
            yield self.draw((left, 20, size, 44, level)), left == at and lefts[number - 1] == at


def watch(frames, state=None, limits=LIMITS):
    """Return the numbers of frames with an announcement, with how many are new and in view."""
    state = ViewState() if state is None else state
    announced = []
    for number, frame in enumerate(frames):
        state, standing = look(state, frame, limits)
        announced += [(number, standing.new, standing.in_view)] if standing.new else []
    return announced, state


def at_rest(view):
    return watch(view.draw() for _ in range(15))[1]


@pytest.mark.parametrize(
    ("noise", "drift", "flicker"),
    [(0.5, 0, 0), (6, 0.25, 0.004), (2.5, 0, 0.01)],
)
@pytest.mark.parametrize("level", [40, 160])
def test_each_of_fifteen_parts_is_announced_once_while_it_stands(noise, drift, flicker, level):
    view = View(1, noise, drift, flicker)
    state = at_rest(view)
    for _ in range(15):
        passage = list(view.passage(level=level))
        announced, state = watch((frame for frame, _ in passage), state)
        assert [(new, observed) for _, new, observed in announced] == [(1, 1)]
        assert passage[announced[0][0]][1]
        _, state = watch((view.draw() for _ in range(5)), state)
        assert state.parts == ()


@pytest.mark.parametrize("seed", range(2))
def test_light_and_noise_alone_are_no_part(seed):
    view = View(seed, noise=6, drift=0.3, flicker=0.01)
    assert watch((view.draw() for _ in range(600)), at_rest(view))[0] == []


def test_a_part_that_is_nudged_or_stands_for_long_is_announced_once():
    view = View(2, drift=0.2)
    state = at_rest(view)
    places = [60] * 8 + [62, 66, 71] + [71] * 8 + [60] * 400
    announced, state = watch((view.draw((x, 20, 40, 44, 170)) for x in places), state)
    assert len(announced) == 1


def test_a_part_that_runs_through_without_standing_is_not_announced():
    view = View(3)
    announced, _ = watch((f for f, _ in view.passage(stands=0, speed=9)), at_rest(view))
    assert announced == []


def test_parts_that_follow_each_other_closely_are_announced_each():
    """The next one enters the view while the one before leaves it."""
    view = View(4)
    state = at_rest(view)
    pitch, at, size = 120, 60, 40
    announced = []
    for index in range(10):
        moves = [*range(0, pitch, 12), *[pitch] * 7]
        frames = (
            view.draw((at - pitch + move, 20, size, 44, 160), (at + move, 20, size, 44, 200))
            if index
            else view.draw((at - pitch + move, 20, size, 44, 160))
            for move in moves
        )
        found, state = watch(frames, state)
        announced += found
    assert len(announced) == 10
    assert {new for _, new, _ in announced} == {1}


def test_two_parts_in_view_are_said_to_be_two():
    view = View(5)
    state = at_rest(view)
    one, two = (20, 20, 40, 44, 170), (95, 25, 40, 44, 60)
    frames = [view.draw(one)] * 2 + [view.draw(one, two) for _ in range(8)]
    announced, state = watch(frames, state)
    assert Counter((new, observed) for _, new, observed in announced) in (
        Counter({(1, 2): 2}),
        Counter({(2, 2): 1}),
        Counter({(1, 1): 1, (1, 2): 1}),
    )
    assert sum(new for _, new, _ in announced) == 2
    assert announced[-1][2] == 2


def test_a_second_part_beside_one_that_was_announced_is_said_to_be_the_second():
    view = View(5)
    one, two = (20, 20, 40, 44, 170), (95, 25, 40, 44, 60)
    frames = [view.draw(one) for _ in range(8)] + [view.draw(one, two) for _ in range(8)]
    announced, _ = watch(frames, at_rest(view))
    assert [(new, observed) for _, new, observed in announced] == [(1, 1), (1, 2)]


def test_a_light_that_goes_out_is_no_part_and_parts_are_seen_again_after_it():
    view = View(6)
    state = at_rest(view)
    dark = [np.zeros((HEIGHT, WIDTH), np.uint8)] * 30
    announced, state = watch([*dark, *(view.draw() for _ in range(60))], state)
    assert announced == []
    announced, _ = watch((frame for frame, _ in view.passage()), state)
    assert len(announced) == 1


def test_the_empty_view_is_learned_only_while_nothing_moves():
    view = View(7)
    frames = [frame for frame, _ in view.passage(stands=2)]
    _, state = watch(frames)
    assert state.learned_frames < 10
    _, state = watch((view.draw() for _ in range(25)), state)
    assert state.learned_frames == 10
    smooth = cv2.medianBlur(view.belt.astype(np.uint8), 3)
    assert np.abs(state.background - smooth).mean() < 3


def test_what_is_smaller_than_a_part_is_none():
    view = View(8)
    tiny = [(70, 40, 8, 8, 220)]  # 0.4 % of the view
    assert watch((view.draw(*tiny) for _ in range(20)), at_rest(view))[0] == []


def test_frames_are_shrunk_to_grey_by_averaging():
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 320:] = (255, 255, 255)
    small = shrink(frame)
    assert small.shape == (120, WIDTH)
    assert small.dtype == np.uint8
    assert [int(small[60, column]) for column in (10, 150)] == [0, 255]
    assert shrink(frame[:, :, 0]).shape == (120, WIDTH)
