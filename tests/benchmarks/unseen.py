"""A product never seen, learned from good pictures alone, on every set of parts.

Detection and localisation stand beside anomalib's PatchCore on the same prepared pictures with the
same backbone weights; `python -m tests.benchmarks peer` puts anomalib into a folder of its own
first. Its EfficientAd cannot be had without a network: the weights of its teacher and the ImageNet
pictures that it trains with are fetched from the web, and no package carries them. The share of
good pictures called out where 5 % is allowed is counted on pictures that took no part.

`... unseen overkill` counts only that, `... unseen patchcore` only compares, `... unseen detection`
only shows what more good pictures bring; names of ``PRODUCTS``
take some of the sets, a number takes fewer draws.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.labelled import Row
from core.model.estimators.model import one_thread
from core.model.fitting.bank_fitting import fit_bank
from core.model.network import backbone as backbones
from core.model.network.runtime import open_network
from core.packs import pack_named
from core.settings import Settings
from core.types import F32, U8
from tests.benchmarks import anomalib_runner
from tests.benchmarks.peer import ANOMALIB
from tests.benchmarks.sets import HOME, rows_of

PLACE = HOME / "unseen"
GOOD, TESTED, DRAWS, BOOTSTRAPS = 20, 100, 3, 500
SHOWN = (5, 9, 20, 50)
COUNTS, FRESH, RESPLITS, ALLOWED = (10, 20, 50, 100), 40, 10, 0.05
NEGATIVE = ("good", "functional")


@dataclass(frozen=True)
class Product:
    """Pictures of one product, prepared.

    Attributes:
        name: Its name in ``PRODUCTS``.
        pixels: uint8 ``n h w 3``.
        patches: float32 ``n p c``.
        good: bool ``n``.
        groups: str ``n``.
        masks: Where a mask is, the file; else None.
    """

    name: str
    pixels: U8
    patches: F32
    good: NDArray[np.bool_]
    groups: NDArray[np.str_]
    masks: list[Path | None]


def _certain(kind: str) -> Callable[[Row], bool]:
    return lambda row: row.columns["type"] == kind and row.columns["certain"] == "yes"


PRODUCTS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "elpv_mono": ("elpv", _certain("mono")),
    "elpv_poly": ("elpv", _certain("poly")),
    "magnetic_tile": ("magnetic_tile", lambda _row: True),
    "ball_screw": ("ball_screw", lambda _row: True),
    "toy_figure": ("toy_figure", lambda _row: True),
    "screw_block": ("screw_block", lambda _row: True),
}


def main() -> None:
    """Print both for every set named, or for all."""
    one_thread()
    names = [word for word in sys.argv[1:] if word in PRODUCTS] or list(PRODUCTS)
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    parts = {"patchcore": (_beside, DRAWS), "overkill": (_overkill, RESPLITS)}
    parts["detection"] = (_detection, DRAWS)
    asked = [part for part in parts if part in sys.argv] or list(parts)
    for part in asked:
        run, draws = parts[part]
        for name in names:
            run(_product(name), *(numbers or [draws]))


@cache
def _product(name: str) -> Product:
    settings = Settings(home=HOME)
    of, wanted = PRODUCTS[name]
    pack_name, every = rows_of(of, settings)
    pack, rows = pack_named(pack_name), [row for row in every if wanted(row)]
    backbone = replace(backbones.describe(), patches=True)
    size, file = backbone.size, HOME / "tables" / f"unseen-{name}-{backbone.key}.npz"
    if not file.exists():
        network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
        frames = (pack.read(row.file.read_bytes(), settings.max_pixels, size) for row in rows)
        pixels = np.stack([pack.prepare(frame, size).pixels for frame in frames])
        file.parent.mkdir(parents=True, exist_ok=True)
        patches = np.stack([network.extract(one).patches for one in pixels])
        np.savez(file, pixels=pixels, patches=patches)
    with np.load(file) as kept:
        pixels, patches = kept["pixels"], kept["patches"]
    folder = settings.shared_data / "parts" / name
    masks = [row.columns.get("mask", "") for row in rows]
    return Product(
        name,
        pixels,
        patches,
        np.array([row.label in NEGATIVE for row in rows]),
        np.array([row.group for row in rows]),
        [folder / mask if mask else None for mask in masks],
    )


def _drawn(one: Product, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return good pictures in random order, one of each group where there are groups to spare."""
    order = rng.permutation(np.flatnonzero(one.good))
    if len(set(one.groups.tolist())) > max(COUNTS):
        order = order[np.sort(np.unique(one.groups[order], return_index=True)[1])]
    return order[:count]


def _tested(one: Product, known: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return good and defective pictures of groups, or at least pictures, that are not known."""
    others = ~np.isin(np.arange(len(one.good)), known)
    if len(set(one.groups.tolist())) > max(COUNTS):
        others &= ~np.isin(one.groups, one.groups[known])
    sides = (np.flatnonzero(one.good & others), np.flatnonzero(~one.good & others))
    return np.sort(np.concatenate([rng.permutation(side)[:TESTED] for side in sides]))


def _beside(one: Product, draws: int) -> None:
    """Compare with PatchCore, draw by draw."""
    count = min(GOOD, int(one.good.sum()) // 2)
    scored, pixels = [], []
    for draw in range(draws):
        rng = np.random.default_rng(draw)
        known = _drawn(one, count, rng)
        tested = _tested(one, known, rng)
        bank = fit_bank([[one.patches[i]] for i in known])
        ours = np.array([bank.score(one.patches[i]) for i in tested])
        theirs, maps = _patchcore(one, known, tested, draw)
        scored.append((ours, theirs, ~one.good[tested]))
        if any(one.masks):
            own = np.stack([_large(bank.anomaly_map(one.patches[i])) for i in tested])
            pixels.append(_pixel_figures(one, tested, own, maps, draw))
    own, other = np.array([[metrics.auroc(s, bad) for s in pair] for *pair, bad in scored]).T
    low, high = _bootstrapped(scored)
    bad = scored[0][2]
    print(
        f"{one.name}, {count} good, {len(bad)} tested ({int(bad.sum())} defective), {draws} draw(s)"
        f", image AUROC, ours; PatchCore; ours less theirs (95 % bootstrap over pictures): "
        f"{_spread(own)}; {_spread(other)}; "
        f"{(own - other).mean():+.3f} ({low:+.3f} to {high:+.3f})",
        flush=True,
    )
    if pixels:
        own, other = np.array(pixels).transpose(1, 0, 2)
        print(
            f"{one.name}, the same pictures with their masks, pixel AUROC, ours; PatchCore; AUPRO, "
            f"ours; PatchCore: {_spread(own[:, 0])}; {_spread(other[:, 0])}; "
            f"{_spread(own[:, 1])}; {_spread(other[:, 1])}",
            flush=True,
        )


def _detection(one: Product, draws: int) -> None:
    """Print the AUROC after more and more good pictures."""
    for count in SHOWN:
        if count > int(one.good.sum()) // 2:
            continue
        found = []
        for draw in range(draws):
            rng = np.random.default_rng(draw)
            known = _drawn(one, count, rng)
            tested = _tested(one, known, rng)
            bank = fit_bank([[one.patches[i]] for i in known])
            scores = np.array([bank.score(one.patches[i]) for i in tested])
            found.append(metrics.auroc(scores, ~one.good[tested]))
        print(
            f"{one.name}, {count} good, {len(tested)} tested, {draws} draws, image AUROC: "
            f"{_spread(np.array(found))}, {min(found):.3f} to {max(found):.3f}",
            flush=True,
        )


def _bootstrapped(scored: list[tuple[NDArray, NDArray, NDArray]]) -> tuple[float, float]:
    """Return the interval of the mean difference, pictures drawn anew within their side."""
    rng, differences = np.random.default_rng(0), []
    for _ in range(BOOTSTRAPS):
        drawn = []
        for ours, theirs, bad in scored:
            sides = (np.flatnonzero(bad), np.flatnonzero(~bad))
            at = np.concatenate([rng.choice(side, len(side)) for side in sides])
            drawn.append(metrics.auroc(ours[at], bad[at]) - metrics.auroc(theirs[at], bad[at]))
        differences.append(np.mean(drawn))
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def _spread(values: NDArray) -> str:
    deviation = f" (sd {values.std(ddof=1):.3f})" if len(values) > 1 else ""
    return f"{values.mean():.3f}{deviation}"


def _large(heat: F32) -> F32:
    side = backbones.describe().size
    return np.asarray(cv2.resize(heat, (side, side), interpolation=cv2.INTER_CUBIC), np.float32)


def _patchcore(
    one: Product, known: NDArray[np.intp], tested: NDArray[np.intp], draw: int
) -> tuple[NDArray, NDArray]:
    out = PLACE / f"{one.name}-{draw}.npz"
    weights = PLACE / "lite0.safetensors"
    if not weights.exists():
        from safetensors.torch import save_file

        PLACE.mkdir(parents=True, exist_ok=True)
        save_file(backbones.load(backbones.describe()).state_dict(), weights)
    if not out.exists():
        given = {"train": one.pixels[known], "test": one.pixels[tested]}
        _run("patchcore", given, out, str(weights))
    with np.load(out) as found:
        return found["scores"], found["maps"]


def _pixel_figures(
    one: Product, tested: NDArray[np.intp], own: F32, theirs: NDArray, draw: int
) -> NDArray:
    """Return pixel AUROC and AUPRO, a row for ours and one for theirs."""
    masks = [one.masks[i] for i in tested]
    # A defective picture without a mask says nothing of where its defect is.
    usable = np.array([bool(one.good[i]) or one.masks[i] is not None for i in tested])
    shapes = [np.zeros(own.shape[1:], np.uint8) if m is None else _mask(m) for m in masks]
    out = PLACE / f"{one.name}-{draw}-pixels.npz"
    given = {"ours": own, "theirs": theirs, "masks": np.stack(shapes) > 0}
    _run("pixels", {name: array[usable] for name, array in given.items()}, out)
    with np.load(out) as found:
        return np.stack([found["ours"], found["theirs"]])


def _mask(file: Path) -> U8:
    side = backbones.describe().size
    mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    return np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_NEAREST))


def _run(kind: str, given: dict[str, NDArray], out: Path, *more: str) -> None:
    source = out.with_suffix(".in.npz")
    np.savez(source, **given)
    call = [sys.executable, anomalib_runner.__file__, kind, str(source), str(out), *more]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ANOMALIB.resolve()),
        "OMP_NUM_THREADS": "1",
        # Its coreset's large blocks, between small ones, else grow the heap by 20 GB.
        "MALLOC_MMAP_THRESHOLD_": "1048576",
    }
    subprocess.run(call, check=True, env=environment, stderr=subprocess.DEVNULL)
    source.unlink()


def _overkill(one: Product, draws: int) -> None:
    """Count fresh good pictures called out where 5 % is allowed, over draws of those known."""
    for count in COUNTS:
        shares, tested = [], 0
        for draw in range(draws):
            order = _drawn(one, count + FRESH, np.random.default_rng(1000 + draw))
            fresh = order[count:]
            if len(fresh) < FRESH // 4:
                break
            bank = fit_bank([[one.patches[i]] for i in order[:count]])
            p = np.array([bank.good_p(bank.score(one.patches[i])) for i in fresh])
            shares.append(float(np.mean(p <= ALLOWED)))
            tested += len(fresh)
        if shares:
            margin = 1.96 * float(np.std(shares, ddof=1)) / len(shares) ** 0.5
            reached = int(ALLOWED * (count + 1)) / (count + 1)
            print(
                f"{one.name}, {count} good, 5 % allowed, of which p-values in steps of "
                f"1 / {count + 1} reach {reached:.3f}: called out {np.mean(shares):.3f} "
                f"(95 % interval over {len(shares)} draws "
                f"{max(0.0, float(np.mean(shares)) - margin):.3f} to "
                f"{float(np.mean(shares)) + margin:.3f}, {tested} fresh good pictures)",
                flush=True,
            )


if __name__ == "__main__":
    main()
