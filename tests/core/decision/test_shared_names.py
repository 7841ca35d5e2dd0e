"""Groups of cases that share names, against scipy's connected components."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from core.decision.shared_names import join_by_name


def test_cases_join_through_others_and_those_without_a_name_stay_alone():
    assert join_by_name([["a"], ["b"], [], ["a", "b"], [], ["c"]]) == [0, 0, 2, 0, 4, 5]


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_the_connected_components_called_by_their_first(seed):
    rng = np.random.default_rng(seed)
    names = [
        {f"name {one}" for one in rng.integers(0, 80, rng.integers(0, 3)).tolist()}
        for _ in range(60)
    ]
    pairs = [(i, j) for i in range(60) for j in range(60) if names[i] & names[j]]
    ends = np.array(pairs).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(60, 60))
    member = connected_components(graph, directed=False)[1].tolist()
    assert join_by_name(names) == [member.index(one) for one in member]
