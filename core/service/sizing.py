"""--effort best: how large a picture the network is shown, by what it reaches out of fold."""

from __future__ import annotations

from dataclasses import replace

from core.model.fitting import fit
from core.service.precise import Work
from core.service.reading import Seen, look_at
from core.service.tables import table_of

LARGER = 384


def larger_if_better(
    work: Work, classes: tuple[str, ...], positive: tuple[bool, ...], seed: int
) -> tuple[Work, dict[int, float]]:
    """Show the training pictures in two sizes and keep the one that predicts better.

    Small marks vanish at a network's own size; larger pictures cost about the square. Which is
    better is a matter of the product, and decided by the out-of-fold negative log likelihood of
    the quick model.

    Args:
        work: The network at its own size, and the rows; those of train alone are looked at.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.

    Returns:
        The work at the size chosen, and each size's negative log likelihood.
    """
    rows = [row for row in work.rows if row.split == "train"]
    tried = {
        size: replace(work, backbone=replace(work.backbone, size=size))
        for size in (work.backbone.size, LARGER)
    }
    found: dict[int, float] = {}
    for size, one in tried.items():
        looked = look_at(
            rows,
            pack=one.pack.name,
            size=size,
            network=one.opened("f32").network,
            settings=one.settings,
            progress=one.progress,
        )
        seen = [picture for picture in looked if isinstance(picture, Seen)]
        table = table_of(seen, classes, one.backbone.gated)
        found[size] = min(fit(table, classes, positive, seed).nll.values())
    return tried[min(found, key=lambda size: found[size])], found
