"""Pictures for a sandbox, and what it gives for them."""

import numpy as np
import psutil

from core.imaging.files import Incoming, wrap_bytes
from core.settings import MEBI, Settings
from core.types import Unreadable
from tests.core.imaging.pictures import encoded, smooth

HOSTILE = "tests.core.imaging.hostile_packs:pack"
SIZE = 64
GOOD = [encoded(smooth(80, 100, seed), "JPEG") for seed in range(5)]
LIMITS = Settings(decode_timeout_s=30.0, max_bytes=4 * MEBI)
HASTY = Settings(decode_timeout_s=1.5, max_bytes=4 * MEBI)


def a_run(count: int) -> list[Incoming]:
    return [wrap_bytes(f"picture {i}", GOOD[i % 5], group=f"part {i // 2}") for i in range(count)]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def assert_same(samples, expected):
    assert [s.id for s in samples] == [e.id for e in expected]
    for sample, other in zip(samples, expected, strict=True):
        assert sample.group == other.group
        assert type(sample.frame) is type(other.frame)
        if isinstance(sample.frame, Unreadable):
            assert sample.frame == other.frame
            continue
        assert sample.frame.pixels.tobytes() == other.frame.pixels.tobytes()
        assert sample.frame.sha256 == other.frame.sha256
        assert sample.frame.source_size == other.frame.source_size
        assert sample.frame.findings == other.frame.findings
        measures, others = sample.frame.measures, other.frame.measures
        assert list(measures) == list(others)
        np.testing.assert_array_equal(list(measures.values()), list(others.values()))
