from __future__ import annotations

import pytest

from core.decision.rate import Rate
from core.decision.reader_quality import check_reader, median_time, positives_needed


def test_as_many_known_positives_are_needed_as_a_faultless_reader_takes():
    for target in (0.5, 0.8, 0.9, 0.95):
        n = positives_needed(target)
        assert Rate.independent(n, n).low >= target
        assert Rate.independent(n - 1, n - 1).low < target
    assert positives_needed(0.9) == 36
    with pytest.raises(ValueError, match="target"):
        positives_needed(1.0)


@pytest.mark.parametrize(
    ("k", "n", "alarm", "missing"),
    [
        (0, 0, False, 36),
        (10, 10, False, 26),  # not enough to show anything: no alarm yet
        (4, 10, True, 26),  # but this is below 90 % whatever comes
        (36, 36, False, 0),
        (33, 36, True, 0),
        (97, 100, False, 0),
        (95, 100, True, 0),
    ],
)
def test_the_lower_bound_has_to_reach_the_sensitivity_asked_for(k, n, alarm, missing):
    found = check_reader(Rate.independent(k, n), 0.9, [])
    assert (found.is_insensitive, found.more_needed) == (alarm, missing)


def test_fifty_cases_of_less_than_400_ms_are_an_alarm_and_forty_nine_are_none():
    good = Rate.independent(50, 50)
    assert check_reader(good, 0.9, [390.0] * 50 + [9000.0] * 90).is_too_fast
    assert not check_reader(good, 0.9, [390.0] * 49).is_too_fast
    assert not check_reader(good, 0.9, [410.0] * 26 + [100.0] * 24).is_too_fast
    assert median_time([1.0] * 49) is None
