"""Shares of training pictures for a learning curve."""

import numpy as np
import pytest

from core.service.evaluation.learning_curve import SHARES, _Sample, _share


@pytest.mark.parametrize("share", SHARES)
def test_many_rare_kinds_leave_either_side_its_share(share):
    labels = np.array([0] * 40 + [1 + i // 2 for i in range(60)])
    sample = _Sample(
        np.zeros((100, 2), np.float32), labels, np.array([f"g{i}" for i in range(100)])
    )

    kept = _share(sample, labels > 0, np.ones(100, np.bool_), share, seed=0)

    assert kept[labels == 0].sum() == pytest.approx(40 * share, abs=1)
    assert kept[labels > 0].sum() == pytest.approx(60 * share, abs=1)
