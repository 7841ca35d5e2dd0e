"""How a picture's left differs from its right, as the network's graph says it."""

from dataclasses import replace

import numpy as np
import pytest

from core.model.network import backbone as backbones
from core.model.network.runtime import open_network

pytestmark = pytest.mark.slow

CELLS = 16


def by_hand(pixels):
    """The same in NumPy: cells in the middle, halves compared, in units of the cells' deviation."""
    side = pixels.shape[0] // CELLS
    edge = (pixels.shape[0] - CELLS * side) // 2
    grey = pixels.astype(np.float64).mean(axis=2)[edge : edge + CELLS * side, :]
    grey = grey[:, edge : edge + CELLS * side]
    cells = grey.reshape(CELLS, side, CELLS, side).mean(axis=(1, 3))
    apart = (cells - cells[:, ::-1]) / (2 * (cells.std() + 127.5 / 64))
    return apart[:, : CELLS // 2].ravel()


def a_picture(size, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
@pytest.mark.parametrize("size", [64, 100])
def test_it_is_that_of_an_independent_implementation(runtime, size, tmp_path):
    backbone = replace(backbones.describe(size=size), asymmetry=True)
    network = open_network(backbone, runtime=runtime, cache=tmp_path)
    picture = a_picture(size)
    output = network.extract(picture)
    np.testing.assert_allclose(output.asymmetry, by_hand(picture), atol=1e-4)
    mirrored = network.extract(np.ascontiguousarray(picture[:, ::-1]))
    np.testing.assert_allclose(mirrored.asymmetry, -output.asymmetry, atol=1e-5)
    assert not network.extract(np.full((size, size, 3), 90, np.uint8)).asymmetry.any()


def test_it_is_that_of_the_picture_itself_however_many_views_there_are(tmp_path):
    plain = replace(backbones.describe(size=64), asymmetry=True)
    both = replace(plain, views=("identity", "mirror"))
    picture = a_picture(64, 1)
    outputs = [
        open_network(b, runtime="torch", cache=tmp_path).extract(picture) for b in (plain, both)
    ]
    np.testing.assert_array_equal(outputs[0].asymmetry, outputs[1].asymmetry)


def test_nobody_is_told_who_does_not_ask(tmp_path):
    network = open_network(backbones.describe(size=64), runtime="torch", cache=tmp_path)
    assert network.extract(a_picture(64)).asymmetry.size == 0
