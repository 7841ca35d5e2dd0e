"""A mosaic of 10,000 x 10,000 pixels in tiles of 512: the survey against its halves alone.

Read-only is the process that cuts, measures and shrinks the tiles; network-only judges the same
tiles from memory. Passes alternate, and the ratio to the slower half is taken pass by pass. A
second mosaic of 2 GB is surveyed for its memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from core.service.assessment.assessor import Assessor
from core.service.bundles.open import open_bundle, policy_of
from core.settings import Settings
from core.types import Sample
from domains.crops.demo.field import render, severity_map
from domains.crops.survey.mosaic import Mosaic
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import survey_mosaic
from tests.benchmarks.sets import HOME

BUNDLE = Path("data/bundles/crops-leaves")
SIDE, LARGE_SIDE, PIXEL_M, TILE = 10_000, 26_880, 0.02, 512
PASSES = 5
_LARGE = """
import json, resource, sys
from pathlib import Path
from core.settings import Settings
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import survey_mosaic
spec = SurveySpec(Path(sys.argv[1]), Path("-"), tile_m=float(sys.argv[2]), bundle=Path(sys.argv[3]))
survey = survey_mosaic(spec, Settings(home=Path(sys.argv[4])))
whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print(json.dumps([len(survey.tiles), *(resource.getrusage(who).ru_maxrss for who in whose)]))
"""


def main() -> None:
    """Print tiles a second of the survey and of its halves, the ratio, and memory of 2 GB."""
    settings = Settings(home=HOME)
    bundle = open_bundle(BUNDLE, settings)
    policy = policy_of(bundle)
    path, tile_m = made(HOME / "mosaic.tif", SIDE), TILE * PIXEL_M
    spec = SurveySpec(path, Path("-"), tile_m=tile_m, bundle=BUNDLE)
    ratios, rates = [], {"survey": [], "read-only": [], "network-only": []}
    for _ in range(PASSES):
        started, used = perf_counter(), _cpu()
        with Mosaic(path, settings, tile_m=tile_m, size=bundle.backbone.size) as mosaic:
            parts = list(mosaic.parts())
        pictures = [part.picture for part in parts if part.picture is not None]
        read_s, read_cpu = perf_counter() - started, _cpu() - used
        with Assessor(bundle, policy, settings) as assessor:
            started, used = perf_counter(), process_time()
            judged = list(assessor.frames(Sample(str(n), one) for n, one in enumerate(pictures)))
            network_s, network_cpu = perf_counter() - started, process_time() - used
        survey_s = _timed(spec, settings)
        count = len(judged)
        for name, seconds in zip(rates, (survey_s, read_s, network_s), strict=True):
            rates[name].append(count / seconds)
        ratios.append(max(read_s, network_s) / survey_s)
        cpu = f"reading {1e3 * read_cpu / len(parts):.1f}, network {1e3 * network_cpu / count:.1f}"
    for name, values in rates.items():
        low, middle, high = np.quantile(values, (0, 0.5, 1))
        print(f"{name}, judged tiles a second: median {middle:.1f} ({low:.1f} to {high:.1f})")
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    print(
        f"survey over the slower half, {PASSES} alternating passes, {count} tiles: "
        f"median {middle:.2f} ({low:.2f} to {high:.2f})"
    )
    print(f"CPU milliseconds a tile: {cpu}")
    _large(settings)


def _timed(spec: SurveySpec, settings: Settings) -> float:
    """Return the seconds from the first tile on, without opening bundle and file."""
    began = []

    def progress(step: str, done: int, total: int) -> None:
        if not began:
            began.append(perf_counter())

    survey_mosaic(spec, settings, progress)
    return perf_counter() - began[0]


def _large(settings: Settings) -> None:
    path = made(HOME / "mosaic-2gb.tif", LARGE_SIDE, compress=None)
    words = [path, 16.38, BUNDLE, settings.home]
    done = subprocess.run(
        [sys.executable, "-c", _LARGE, *map(str, words)], capture_output=True, text=True, check=True
    )
    tiles, parent, child = json.loads(done.stdout)
    print(
        f"{path.stat().st_size / 2**30:.2f} GiB mosaic, {tiles} tiles, peak resident memory: "
        f"{(parent + child) / 1024:.0f} MiB (survey {parent / 1024:.0f}, reader {child / 1024:.0f})"
    )


def made(path: Path, side: int, compress: str | None = "deflate") -> Path:
    """Return a rendered mosaic of one plot repeated, in blocks of 512, made once."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    plot = render(severity_map(1024, 1024, ()), np.random.default_rng(0))
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=3,
        dtype="uint8",
        crs="EPSG:32633",
        transform=Affine(PIXEL_M, 0, 5e5, 0, -PIXEL_M, 5.8e6),
        photometric="RGB",
        tiled=True,
        blockxsize=512,
        blockysize=512,
        compress=compress,
        bigtiff="IF_SAFER",
    ) as file:
        for window in _windows(side, 1024):
            part = plot[: int(window.height), : int(window.width)]
            file.write(np.moveaxis(part, 2, 0), window=window)
    return path


def _windows(side: int, step: int) -> Iterator[Window]:
    for top in range(0, side, step):
        for left in range(0, side, step):
            yield Window(left, top, min(step, side - left), min(step, side - top))


def _cpu() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + children.ru_utime + children.ru_stime
