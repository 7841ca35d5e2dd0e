from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from domains.xray.demo.ct.detector import WHITE
from domains.xray.demo.ct.studies import FAULTS, FINDINGS, draw, radiographs
from tests.xray_phantom import SMALL, phantom_chest, phantom_dx, phantom_pixels, phantom_study


def test_the_same_seed_gives_the_same_studies_and_the_same_bytes():
    assert draw(5, 12, FINDINGS, FAULTS) == draw(5, 12, FINDINGS, FAULTS)
    assert draw(5, 12, FINDINGS, FAULTS) != draw(6, 12, FINDINGS, FAULTS)
    assert phantom_dx(3, "opacity", seed=2) == phantom_dx(3, "opacity", seed=2)
    assert phantom_dx(3, "opacity", seed=2) != phantom_dx(3, "opacity", seed=3)


def test_every_finding_and_fault_asked_for_is_drawn_once():
    studies = draw(1, 10, [*FINDINGS, "opacity"], FAULTS)
    assert Counter(s.finding for s in studies) == {
        "": 6, "opacity": 2, "effusion": 1, "large heart": 1
    }  # fmt: skip
    assert Counter(s.fault for s in studies) == {"": 6} | dict.fromkeys(FAULTS, 1)
    assert [s.number for s in studies] == list(range(1, 11))
    assert not any(s.finding and s.fault for s in studies)


def test_more_findings_than_studies_are_refused():
    with pytest.raises(ValueError, match="at least 3"):
        draw(1, 2, FINDINGS)


def test_many_at_once_are_those_one_by_one():
    studies = draw(4, 6, FINDINGS, FAULTS[:1])
    together = radiographs(phantom_chest(), studies, SMALL)
    for study, picture in zip(studies, together, strict=True):
        assert np.array_equal(picture, phantom_pixels(study))


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_is_brighter_than_the_same_chest_without_it(finding):
    sick = replace(phantom_study(7, finding), severity=1.0)
    plain = phantom_pixels(replace(sick, finding="")).astype(int)
    difference = phantom_pixels(sick) - plain
    changed = np.percentile(difference, 98)
    assert changed > 0.05 * WHITE
    assert changed > 2 * -np.percentile(difference, 2)


def test_a_picture_taken_wrongly_is_the_right_one_changed():
    right = phantom_pixels(phantom_study(2))
    assert np.array_equal(phantom_pixels(phantom_study(2, fault="inverted")), WHITE - right)
    lying = phantom_pixels(phantom_study(2, fault="on its side"))
    assert np.array_equal(np.rot90(lying, -1), right)
    lateral = phantom_pixels(phantom_study(2, fault="lateral"))
    assert np.corrcoef(lateral.ravel(), right.ravel())[0, 1] < 0.8


def test_the_lungs_lie_in_the_picture_whatever_the_size_and_pose():
    for study in draw(9, 8):
        grey = phantom_pixels(study) / WHITE
        rows, columns = (n // 2 for n in grey.shape)
        lungs = grey[rows - 30 : rows + 30]
        beside = [lungs[:, columns + d - 12 : columns + d + 12].mean() for d in (-55, 60)]
        assert max(beside) < grey[rows - 30 : rows + 30, columns - 6 : columns + 6].mean() - 0.15
