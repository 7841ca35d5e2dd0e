"""What the monitor's tests make of single pictures."""

from __future__ import annotations

import numpy as np

from core.decision.martingales import log_alarm
from core.records.monitored import WatchedPicture
from core.service.monitoring.signals import DELTAS
from core.service.monitoring.state import OOD, OOD_PLACES, MonitorState, ood_place
from core.service.monitoring.state import _chance as chance

ALARM = log_alarm(DELTAS[OOD])
HELD_OUT = 36
UNLUCKY = sorted(
    (f"decision-{number}" for number in range(20_000)), key=lambda id_: chance(id_, OOD)
)


def taken_in(ids, ood_p):
    """Return the state after pictures of one p-value; few certified ones have a larger score."""
    counts = [0] * OOD_PLACES
    for number in range(HELD_OUT):
        counts[ood_place(0.2 + 0.8 * number / HELD_OUT)] += 1
    state = MonitorState(ood_counts=(tuple(counts), (0,) * OOD_PLACES))
    return state.after(
        WatchedPicture(
            number, id_, id_, ood_p, 0.1, frozenset(), "", {}, "2026-01-01T00:00:00+00:00"
        )
        for number, id_ in enumerate(ids, 1)
    )


def test_the_number_drawn_beside_a_picture_raises_no_alarm_by_itself():
    assert chance(UNLUCKY[1], OOD) < 0.0005
    assert taken_in(UNLUCKY[:2], 0.135).ood.peak < ALARM


def test_pictures_that_are_all_less_like_the_certified_ones_raise_it_after_some():
    ids = [f"picture-{number}" for number in range(12)]
    assert taken_in(ids[:2], 0.135).ood.peak < ALARM <= taken_in(ids, 0.135).ood.peak


def test_another_share_of_defects_is_no_change_of_the_pictures():
    rng = np.random.default_rng(3)

    def counts(values):
        return tuple(np.bincount([ood_place(p) for p in values], minlength=OOD_PLACES).tolist())

    # Of the certificate one half is positive and looks more ordinary; what comes now is all good.
    certified = (counts(rng.uniform(0.0, 0.4, 300)), counts(rng.uniform(0.6, 1.0, 300)))
    now = [
        WatchedPicture(number, f"good-{number}", str(number), p, 0.1, frozenset(), "", {}, "")
        for number, p in enumerate(rng.uniform(0.0, 0.4, 300), 1)
    ]
    assert MonitorState(ood_counts=certified).after(now).ood.peak < ALARM
    together = np.add(*certified), (0,) * OOD_PLACES
    assert MonitorState(ood_counts=together).after(now).ood.peak > ALARM
