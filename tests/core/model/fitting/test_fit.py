"""Fitting on data sets that are too small to learn from."""

import numpy as np
import pytest

from core.errors import DataError
from core.model.fitting.fit import fit
from core.model.fitting.table import FeatureTable


@pytest.mark.parametrize(
    ("sound", "groups"), [([True] * 6, "belong to 1 group"), ([False] * 6, "belong to 0 group")]
)
def test_pictures_of_one_group_or_none_are_too_few_to_learn_from(sound, groups):
    table = FeatureTable(
        pooled=np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32),
        labels=np.array([0, 1] * 3),
        groups=np.array(["plate"] * 6),
        measures={},
        sound=np.array(sound),
        gated=4,
    )

    with pytest.raises(DataError, match=groups):
        fit(table, ("good", "scratched"), (False, True))
