"""Cases that are kept: whole groups, the same ones again, and no more than asked for."""

import numpy as np

from core.decision.cases import Cases, subsample_groups


def cases(n, each=3):
    return Cases(
        positive_probability=np.linspace(0, 1, n),
        ood_p=np.linspace(1, 0, n),
        gates_passed=np.ones(n, np.bool_),
        positive=np.arange(n) % 2 == 0,
        group=np.array([f"part {i // each}" for i in range(n)]),
    )


def test_few_cases_are_kept_as_they_are():
    few = cases(30)
    assert subsample_groups(few, 30) is few


def test_of_many_cases_whole_groups_are_kept_with_all_that_belongs_to_them():
    many = cases(300)
    kept = subsample_groups(many, 100)
    assert kept.group.size == 99
    assert (np.unique(kept.group, return_counts=True)[1] == 3).all()
    rows = np.isin(many.group, kept.group)
    for name in ("positive_probability", "ood_p", "gates_passed", "positive"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(many, name)[rows])


def test_a_group_that_is_added_moves_only_those_at_the_edge():
    before, after = (set(subsample_groups(cases(n), 90).group) for n in (300, 303))
    assert len(before - after) <= 1
