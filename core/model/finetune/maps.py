"""What the frozen trunk makes of every training picture, once, under several views of it.

The maps lie in one file that is read through memory mapping, so that the memory in use does not
grow with the number of pictures; beyond ``MOST_BYTES`` there are fewer views a picture.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.model.network.backbone import Backbone
from core.model.network.runtime import Network
from core.model.network.tail import cut_index
from core.types import F32, U8

VIEWS = 8
MOST_BYTES = 6 << 30
_FLIPS: dict[str, tuple[int, ...]] = {
    "identity": (),
    "mirror": (1,),
    "flip": (0,),
    "rotate180": (0, 1),
}

ProgressCallback = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Maps:
    """The trunk's maps of ``n`` pictures under ``v`` views.

    Attributes:
        values: float16 ``v n c h w``, a memory map.
        sight: How many of the views, the first ones, a picture is judged by at run time.
        key: Hex name that changes with anything that changes the values.
    """

    values: NDArray[np.float16]
    test_views: int
    key: str

    @property
    def views(self) -> int:
        """How many views of a picture there are."""
        return int(self.values.shape[0])

    def batch(self, views: NDArray[np.int64], rows: NDArray[np.int64]) -> F32:
        """Return one view of each row as float32 ``b c h w``."""
        return np.asarray(self.values[views, rows], dtype=np.float32)


def cache_maps(
    pictures: Iterable[U8],
    names: Iterable[str],
    *,
    backbone: Backbone,
    network: Network,
    symmetries: tuple[str, ...],
    folder: Path,
    seed: int,
    progress: ProgressCallback,
) -> Maps:
    """Return the trunk's maps of every picture, from a finished file where there is one.

    The first views are the backbone's own, which pictures are judged by; then come the other
    symmetries, then each again a little shifted, turned, scaled, and in other light.

    Args:
        pictures: uint8 ``h w c`` in order; not asked for where the file is finished.
        names: As many, changing with a picture's content (the sha256 of its bytes).
        backbone: The frozen network, which names the views that a picture is judged by.
        network: It, running.
        symmetries: Views under which a label stays what it is, names as in ``Backbone.views``.
        folder: Where the maps lie.
        seed: Seed of the shifts and lights.
        progress: Called after every picture.

    Raises:
        ConfigError: Tails of this architecture are not supported.
        ValueError: There are more pictures than names, or fewer.
    """
    place, known = cut_index(backbone), tuple(names)
    shape = network.maps(np.zeros((backbone.size, backbone.size, 3), np.uint8))[place].shape
    each = 2 * len(known) * int(np.prod(shape))
    views = int(max(len(backbone.views), min(VIEWS, MOST_BYTES // max(each, 1))))
    order = (*backbone.views, *(s for s in symmetries if s not in backbone.views))
    key = _key(backbone.key, known, order, views, seed)
    path, note = folder / "maps.npy", folder / "maps.json"
    if not (path.exists() and note.exists() and json.loads(note.read_text()) == key):
        folder.mkdir(parents=True, exist_ok=True)
        note.unlink(missing_ok=True)
        values = np.lib.format.open_memmap(path, "w+", np.float16, (views, len(known), *shape))
        for row, (pixels, _) in enumerate(zip(pictures, known, strict=True)):
            for view, viewed in enumerate(_views(pixels, order, views, seed + row)):
                values[view, row] = network.maps(viewed)[place]
            progress("Making maps for fine-tuning", row + 1, len(known))
        values.flush()
        note.write_text(json.dumps(key))
    read: Any = np.load(path, mmap_mode="r")
    return Maps(read, len(backbone.views), key)


def _views(pixels: U8, order: tuple[str, ...], count: int, seed: int) -> list[U8]:
    plain = [np.ascontiguousarray(np.flip(pixels, _FLIPS[name])) for name in order]
    varied = [plain[i % len(order)] for i in range(count)]
    return varied[: len(order)] + _augment(varied[len(order) :], seed)


def _augment(pictures: list[U8], seed: int) -> list[U8]:
    """Return pictures moved, turned, scaled and lit a little, as by the next camera."""
    from torchvision.transforms import v2

    change = v2.Compose(
        [
            v2.RandomAffine(
                degrees=3,
                translate=(0.05, 0.05),
                scale=(0.93, 1.07),
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.ColorJitter(brightness=0.15, contrast=0.15),
        ]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return [
            change(torch.from_numpy(p).permute(2, 0, 1)).permute(1, 2, 0).numpy() for p in pictures
        ]


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]
