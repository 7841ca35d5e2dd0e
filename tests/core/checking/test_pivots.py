from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from core.checking import pivots
from core.checking.pivots import Pivots


@pytest.fixture
def descriptors():
    """Points in clouds of unlike size, as descriptors lie: 3,000 drawn and 2,000 queries."""
    rng = np.random.default_rng(3)
    clouds = rng.normal(0, 1, (60, 32))
    whose = rng.choice(60, 5000, p=rng.dirichlet(np.ones(60)))
    points = (clouds[whose] + rng.normal(0, 0.4, (5000, 32))).astype(np.float32)
    return points[:3000], points[3000:]


def nearest(points, queries, count):
    return cKDTree(points).query(queries, count)[1].reshape(len(queries), count)


@pytest.mark.parametrize("count", [1, 4])
def test_few_points_are_found_exactly(descriptors, count):
    points, queries = descriptors[0][: pivots.FEW], descriptors[1]
    found = Pivots.over(points).nearest(queries, count)
    np.testing.assert_array_equal(
        np.sort(found, axis=1), np.sort(nearest(points, queries, count), axis=1)
    )


@pytest.mark.parametrize("count", [1, 4])
def test_of_many_points_hardly_any_of_the_nearest_is_missed(descriptors, count):
    points, queries = descriptors
    index = Pivots.over(points)
    assert len(index.groups) == 54
    np.testing.assert_array_equal(np.sort(np.concatenate(index.groups)), np.arange(3000))
    found = index.nearest(queries, count)
    assert all(len(set(row)) == count for row in found.tolist())
    exact = nearest(points, queries, count)
    hit = np.mean([len(set(a) & set(b)) / count for a, b in zip(found, exact, strict=True)])
    assert hit > 0.98


def test_the_work_grows_with_the_square_root_of_the_points(descriptors, monkeypatch):
    compared = []
    apart = pivots._apart
    monkeypatch.setattr(
        pivots, "_apart", lambda q, p: compared.append(len(q) * len(p)) or apart(q, p)
    )
    rng = np.random.default_rng(4)
    queries = descriptors[1]
    work = []
    for number in (4000, 16_000):
        index = Pivots.over(rng.normal(0, 1, (number, 32)).astype(np.float32))
        compared.clear()
        index.nearest(queries, 4)
        work.append(sum(compared))
    assert work[1] < 2.6 * work[0]


def test_points_that_are_all_the_same_are_found(monkeypatch):
    monkeypatch.setattr(pivots, "FEW", 10)
    points = np.ones((50, 4), np.float32)
    points[30:] = 3.0
    found = Pivots.over(points).nearest(np.full((5, 4), 2.9, np.float32), 4)
    assert (found >= 30).all()


def test_where_every_group_is_asked_all_the_nearest_are_found(descriptors, monkeypatch):
    monkeypatch.setattr(pivots, "_GROUPS_OF_A_QUERY", 54)
    points, queries = descriptors
    found = Pivots.over(points).nearest(queries, 4)
    np.testing.assert_array_equal(
        np.sort(found, axis=1), np.sort(nearest(points, queries, 4), axis=1)
    )
