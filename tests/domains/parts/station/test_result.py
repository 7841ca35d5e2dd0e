"""A result follows from its reasons, and PASS from none alone."""

from __future__ import annotations

import pytest

from domains.parts.station.result import LineReason, LineResult, LineVerdict


def test_a_stop_among_the_reasons_stops_the_line_and_stands_first():
    verdict = LineVerdict.because(LineReason.DEFECT, LineReason.CAMERA_LOST, LineReason.NOVEL)
    assert verdict.result is LineResult.STOP
    assert [reason.name for reason in verdict.reasons] == ["CAMERA_LOST", "DEFECT", "NOVEL"]
    assert verdict.number == 50


@pytest.mark.parametrize("reason", LineReason)
def test_no_reason_lets_a_part_pass(reason):
    assert LineVerdict.because(reason).result in {LineResult.FAIL, LineResult.STOP}
    with pytest.raises(ValueError, match="PASS for the reasons"):
        LineVerdict(LineResult.PASS, (reason,))


def test_nothing_fails_or_passes_by_default():
    with pytest.raises(ValueError, match="expected a reason"):
        LineVerdict.because()
    with pytest.raises(ValueError, match="FAIL for the reasons"):
        LineVerdict(LineResult.FAIL, ())
    with pytest.raises(TypeError):
        LineVerdict()


def test_the_numbers_of_the_register_table_are_used_once_and_never_zero():
    numbers = [reason.number for reason in LineReason]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) > 0
    assert LineVerdict.passed().number == 0
