"""Centres of clusters, for whatever is to be compared with a few instead of with all."""

from __future__ import annotations

import warnings

import numpy as np

from core.types import F32

_ROUNDS = 10  # Lloyd's: centres need to lie where points are, not to be the best there are


def cluster_centres(points: F32, count: int, seed: int) -> F32:
    """Return the centres ``count d`` of clusters of points ``n d`` (k-means).

    Where fewer points differ, some centres are alike.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    found = KMeans(count, init="random", n_init=1, max_iter=_ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that fewer points differ
        return np.asarray(found.fit(points).cluster_centers_, np.float32)
