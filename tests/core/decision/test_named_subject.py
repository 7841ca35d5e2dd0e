"""A named subject restricts the labels and is checked; it never moves the certified number."""

from dataclasses import replace

import numpy as np
import pytest

from core.decision.label_sets import LabelReference
from core.decision.named_subject import NamedSubject, restrict_to_subject
from core.types import Prediction, Reason

POSITIVE = (False, True, False, True, True)
SUBJECTS = ("oak", "oak", "elm", "elm", "ash")
REFERENCE = LabelReference(
    ("well", "ill", "well", "ill", "ill"), SUBJECTS, {}, np.sort(np.linspace(0.0, 0.6, 400))
)


def predicted(*p):
    p = np.array(p)
    return Prediction(p, float(p[np.array(POSITIVE)].sum()), 0.5)


def restricted(prediction, name):
    return restrict_to_subject(prediction, REFERENCE, POSITIVE, NamedSubject(name, "tree"))


def test_the_labels_of_the_subject_share_the_probability_and_the_verdicts_number_stays():
    before = predicted(0.1, 0.1, 0.2, 0.6, 0.0)
    after = restricted(before, "elm")

    assert after.probabilities == pytest.approx([0, 0, 0.25, 0.75, 0])
    assert after.positive_probability == before.positive_probability
    assert after.findings == ()


def test_a_picture_of_another_subject_is_held_back_and_what_it_looks_like_is_named():
    (finding,) = restricted(predicted(0.05, 0.9, 0.02, 0.03, 0.0), "elm").findings

    assert (finding.reason, finding.check) == (Reason.WRONG_INPUT, "subject")
    assert finding.detail == (
        "tree elm: the picture does not look like it (p-value 0.0025, limit 0.01), rather like oak."
    )


def test_a_subject_that_the_model_does_not_know_is_held_back():
    before = predicted(0.9, 0.1, 0.0, 0.0, 0.0)
    after = restricted(before, "beech")

    assert after.findings[0].detail == "tree beech: the model knows only ash, elm, oak."
    assert np.array_equal(after.probabilities, before.probabilities)


def test_nothing_healthy_is_called_of_a_subject_that_was_never_met_healthy():
    before = predicted(0.2, 0.0, 0.2, 0.0, 0.6)
    leaning = replace(before, positive_probability=0.3)
    details = [one.detail for one in restricted(leaning, "ash").findings]

    assert restricted(before, "ash").findings == ()
    assert details == ["tree ash: the model never met one without something wrong."]


def test_scores_that_are_no_numbers_stay_as_they_are():
    broken = Prediction(np.full(5, np.nan), float("nan"), 0.5)

    assert restricted(broken, "elm") is broken


@pytest.mark.parametrize(("groups", "findings"), [(10, 0), (40, 1)])
def test_with_few_held_out_groups_only_what_lies_beyond_all_of_them_is_doubted(groups, findings):
    few = replace(REFERENCE, subject_scores=REFERENCE.subject_scores[:groups])
    odd = predicted(0.05, 0.9, 0.02, 0.03, 0.0)
    found = restrict_to_subject(odd, few, POSITIVE, NamedSubject("elm", "tree")).findings

    assert len(found) == findings
