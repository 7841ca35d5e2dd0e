"""Data sets of which nothing can be used are refused by name, before anything is learned."""

import cv2
import numpy as np
import pytest

from core.errors import DataError
from core.service.training.train import TrainSpec, train


def test_a_data_set_none_of_which_reads_is_refused_with_the_reason(tmp_path, tiny_product):
    for label in ("bad", "good"):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(8):
            picture = np.full((6, 6), 10 * number + len(label), np.uint8)
            cv2.imwrite(str(tmp_path / "data" / label / f"{number}.png"), picture)
    with pytest.raises(DataError, match=r"16 of 16 pictures do not read: .*at least 8 pixels"):
        train(TrainSpec("parts", tmp_path / "data", tmp_path / "out"), tiny_product.settings)
    assert not (tmp_path / "out").exists()
