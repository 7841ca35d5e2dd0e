"""--effort best: whether the network looks closer, by what that reaches out of fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.model.backbone import Backbone, closer
from core.model.fitting import fit
from core.service.precise import Work
from core.service.reading import Seen, look_at
from core.service.tables import table_of
from core.service.tuning import Stages, tune


def closer_if_better(
    work: Work, classes: tuple[str, ...], positive: tuple[bool, ...], seed: int
) -> tuple[Backbone, dict[str, float]]:
    """Look at the training pictures at the own size and closer; keep what predicts better.

    Small marks vanish at a network's own size; a closer look costs five times as much. Which is
    better is a matter of the product, and decided by the out-of-fold negative log likelihood of
    the quick model.

    Args:
        work: The network at its own size, and the rows; those of train alone are looked at.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of the folds.

    Returns:
        The network chosen, and each one's negative log likelihood by its words.
    """
    rows = [row for row in work.rows if row.split == "train"]
    tried = {words_of(one): one for one in (work.backbone, closer(work.backbone))}
    found: dict[str, float] = {}
    for words, backbone in tried.items():
        one = replace(work, backbone=backbone)
        looked = look_at(
            rows,
            pack=one.pack.name,
            size=backbone.size,
            network=one.opened("f32").network,
            settings=one.settings,
            progress=one.progress,
            depths=one.depths,
        )
        seen = [picture for picture in looked if isinstance(picture, Seen)]
        table = table_of(seen, classes, backbone.gated)
        found[words] = min(fit(table, classes, positive, seed).nll.values())
    return tried[min(found, key=lambda words: found[words])], found


def tune_at_best_size(
    work: Work,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int,
    say: Callable[[str], None],
) -> Stages:
    """Fine-tune the late stages for the network that predicts better, close or not.

    The stages themselves learn at the network's own size in either case: a closer look is about
    small marks, which are in the stages before.

    Args:
        work: The network at its own size, and the rows; those of train alone are looked at.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of folds, order and views.
        say: Told the choice and every epoch's figures, a line each.
    """
    chosen, losses = closer_if_better(work, classes, positive, seed)
    tried = ", ".join(f"{nll:.3f} at {words}" for words, nll in losses.items())
    say(f"Pictures are shown at {words_of(chosen)} pixels (loss {tried}).")
    stages = tune(work, classes, positive, seed, say)
    backbone = replace(stages.work.backbone, size=chosen.size, halved=chosen.halved)
    return replace(
        stages,
        work=replace(stages.work, backbone=backbone),
        words={**stages.words, "sizes": losses},
    )


def words_of(backbone: Backbone) -> str:
    """Say at which sizes a network sees a picture."""
    return f"{backbone.size // 2} and {backbone.size}" if backbone.halved else f"{backbone.size}"
