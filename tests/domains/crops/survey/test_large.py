"""A mosaic of 2 GB is read in under 1 GB of memory."""

import subprocess
import sys

import pytest
import tifffile

from tests.domains.crops.survey.mosaics import describe

pytestmark = pytest.mark.slow

SIDE = 26_880
KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
SURVEY = """
import json, resource, sys
from itertools import islice
from pathlib import Path
from core.settings import Settings
from domains.crops.survey.mosaic import Mosaic
with Mosaic(Path(sys.argv[1]), Settings(), tile_m=40.96, size=224) as mosaic:
    tiles = sum(part.tile.valid == 1.0 for part in islice(mosaic.parts(), 330))
# Not ru_maxrss of this process: that counts what its parent held when it was forked off.
status = Path("/proc/self/status").read_text()
own = int(status.partition("VmHWM:")[2].split()[0])
print(json.dumps([tiles, own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss]))
"""


@pytest.fixture
def large(tmp_path):
    """Write 2.17 GB of red, green and blue in strips; all of it is a hole on the disk."""
    path = tmp_path / "large.tif"
    tifffile.memmap(
        path,
        shape=(SIDE, SIDE, 3),
        dtype="uint8",
        photometric="rgb",
        bigtiff=True,
        extratags=[
            (33550, "d", 3, (0.05, 0.05, 0.0), True),
            (33922, "d", 6, (0, 0, 0, 500_000.0, 5_800_000.0, 0), True),
            (34735, "H", len(KEYS), KEYS, True),
        ],
    )
    return path


def test_two_gigabytes_are_read_in_parts_in_less_than_one_of_memory(large):
    assert large.stat().st_size > 2 * 1024**3
    assert describe(large, 40.96)[0]["tile"] == [819, 819]

    done = subprocess.run(
        [sys.executable, "-c", SURVEY, large], capture_output=True, text=True, timeout=600
    )

    assert done.returncode == 0, done.stderr
    tiles, parent, child = map(int, done.stdout.strip("[]\n").split(","))
    assert tiles == 320
    assert parent + child < 1_000_000, f"{parent} and {child} KiB"
