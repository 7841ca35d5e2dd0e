"""How odd each of some good pictures looks to a memory of the others, before they are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.checking.facts import UnreadablePicture
from core.labelled import Row
from core.model.estimators.model import one_thread
from core.model.network import backbone as backbones
from core.model.network.runtime import open_network
from core.packs import pack_named
from core.service.data.check import collect_facts, depths_of
from core.service.data.pictures import extract_features
from core.service.progress import Progress, silent
from core.service.training.good_only import extract_and_fit_bank
from core.settings import Settings
from core.types import Prepared


@dataclass(frozen=True)
class ScoredPicture:
    """A good picture with its score by the memory bank of the other groups.

    Attributes:
        row: Its row.
        prepared: Findings and measures of the pack.
        score: Anomaly score by the bank without its own group.
    """

    row: Row
    prepared: Prepared
    score: float


def score_good_pictures(
    pictures: Sequence[tuple[Path, str]],
    *,
    pack: str,
    settings: Settings,
    progress: Progress = silent,
) -> list[ScoredPicture | UnreadablePicture]:
    """Return each good picture's score by a memory that does not know its group.

    It is the memory that a bundle of these pictures would have.

    Args:
        pictures: File and group of each.
        pack: Name of the pack that reads them.
        settings: Where things run.
        progress: Called as work goes on.

    Raises:
        DataError: There are fewer than `good_only.MIN_GROUPS` groups that can be used.
        InferenceStalled: The network did not answer in time.
    """
    one_thread()
    domain = pack_named(pack)
    label = sorted(domain.negative_labels)[0]
    rows = [Row(file, label, "train", group) for file, group in pictures]
    depths = depths_of(collect_facts(rows, pack=pack, settings=settings, progress=progress))
    backbone = replace(
        backbones.describe(backbones.LITE0, None, 0),
        patches=True,
        asymmetry=bool(domain.wrong_presentations),
    )
    network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
    extract = partial(
        extract_features,
        pack=pack,
        size=backbone.size,
        network=network,
        settings=settings,
        progress=progress,
        depths=depths,
    )
    features = extract_and_fit_bank(rows, domain.negative_labels, extract, seed=0)
    return [
        one
        if isinstance(one, UnreadablePicture)
        else ScoredPicture(one.row, one.prepared, float(features.scores([one])[0]))
        for one in features.pictures
    ]
