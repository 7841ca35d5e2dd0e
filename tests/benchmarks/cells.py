"""The ELPV cells after the network, once for every benchmark that needs them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.labelled import read_labelled
from core.model import backbone as backbones
from core.model.fitting import Table
from core.model.runtime import open_network
from core.service.progress import silent
from core.service.reading import Seen, look_at
from core.service.training import table_of
from core.settings import Settings
from domains.parts import elpv

HOME = Path(".bench")
CLASSES = ("defective", "functional")
POSITIVE = (True, False)


@dataclass(frozen=True)
class Cells:
    """All 2,624 cells: their table, whether the expert was certain, and the strata of a split."""

    seen: list[Seen]
    table: Table
    certain: NDArray[np.bool_]
    strata: NDArray[np.str_]


@cache
def cells() -> Cells:
    """Write the cells to disk if need be, and run the network on each."""
    settings = Settings(home=HOME)
    if not (HOME / "elpv" / "manifest.csv").exists():
        elpv.get(HOME / "elpv")
    rows = read_labelled(HOME / "elpv")
    backbone = backbones.describe()
    network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
    looked = look_at(
        rows,
        pack="parts",
        size=backbone.size,
        network=network,
        settings=settings,
        progress=silent,
    )
    seen = [one for one in looked if isinstance(one, Seen)]
    return Cells(
        seen,
        table_of(seen, CLASSES, backbone.gated),
        np.array([one.row.columns["certain"] == "yes" for one in seen]),
        np.array([f"{x.row.columns['type']} {x.row.columns['probability']}" for x in seen]),
    )
