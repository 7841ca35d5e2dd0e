"""What a network gives for a picture does not depend on what other threads ask of it."""

import numpy as np
import pytest

from core.model.network.backbone import Files, describe
from core.model.network.runtime import RUNTIMES, export_network, open_network
from core.ordered_map import ordered_map

pytestmark = pytest.mark.slow

PICTURES = 100
THREADS = 4


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(7)
    return list(rng.integers(0, 256, (PICTURES, 96, 96, 3), np.uint8))


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    return tmp_path_factory.mktemp("exports")


def by_threads(work, pictures, count):
    def stalled(_picture, exc):
        raise exc

    return list(ordered_map(work, pictures, workers=count, timeout_s=120, stalled=stalled))


def as_bytes(output):
    return b"".join(np.ascontiguousarray(part).tobytes() for part in output)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_many_threads_give_what_one_gives_to_the_last_bit(runtime, pictures, exports):
    network = open_network(describe(size=96), runtime=runtime, cache=exports)

    def looked(picture):
        output = network.extract(picture)
        return as_bytes([output.pooled, output.patches, output.asymmetry])

    def mapped(picture):
        return as_bytes(network.maps(picture))

    alone = [looked(picture) for picture in pictures]
    assert len(set(alone)) == PICTURES
    assert by_threads(looked, pictures, THREADS) == alone

    some = pictures[:24]
    assert by_threads(mapped, some, THREADS) == [mapped(picture) for picture in some]


def test_threads_that_need_the_same_export_at_once_make_it_once(tmp_path):
    backbone = describe(size=64)

    def made(_number):
        return export_network(backbone, tmp_path, Files())

    paths = by_threads(made, range(THREADS), THREADS)

    assert [path.name for path in tmp_path.iterdir()] == [paths[0].name]
