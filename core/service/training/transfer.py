"""train --start-from: transfer from a bundle of another site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.checking.facts import PictureFacts, UnreadablePicture
from core.checking.fingerprints import Fingerprints
from core.errors import ConfigError, DataError
from core.model.bundle.bundle import Bundle, weights_in
from core.model.fitting import transfer
from core.model.fitting.transfer import TransferSource
from core.model.network.backbone import Backbone, Files
from core.service.bundles.open import open_bundle
from core.service.data.labels import flag_positive
from core.service.data.leakage import copies_in
from core.settings import Settings

_OUTCOMES = {
    transfer.RECALIBRATED: "its head is used, calibrated anew on the pictures given",
    transfer.CORRECTED: "its head is used, corrected by the pictures given",
    transfer.TOGETHER: "its pictures and those given were learned from together",
}
_NOTHING = "its network alone is used again: what it had learned is not clearly better here"
_SHOWN = 3


@dataclass(frozen=True)
class TransferBundle:
    """A bundle to start from.

    Attributes:
        bundle: The bundle; its certificates hold there and count for nothing here.
        negative: Labels that mean "nothing wrong" here.
    """

    bundle: Bundle
    negative: frozenset[str]

    @property
    def backbone(self) -> Backbone:
        """Its network, without its fine-tuned stages and its memory."""
        return replace(self.bundle.backbone, tail="", patches=False, precision="f32")

    @property
    def files(self) -> Files:
        """Where the network's weights lie, if no package carries them."""
        return Files(own=weights_in(self.bundle.path).own)

    def source(self, classes: tuple[str, ...]) -> TransferSource:
        """Return its features with labels of this site.

        Args:
            classes: This place's classes.
        """
        model, known = self.bundle.model, self.bundle.known
        names = self._names(classes)
        sides = dict(zip(model.classes, model.positive, strict=True))
        return TransferSource(
            z=known.features,
            labels=np.array([names.get(one, -1) for one in known.labels], np.int64),
            centre=model.centre,
            scale=model.scale,
            sides=np.array([sides[one] for one in known.labels], np.int64),
        )

    def to_json(self, head: str) -> dict[str, Any]:
        """Return for the card what was started from and what came of it."""
        outcome = _OUTCOMES.get(head, _NOTHING)
        return {
            "bundle": self.bundle.label,
            "sha256": self.bundle.sha256,
            "pictures": len(self.bundle.known.labels),
            "summary": f"Started from {self.bundle.label}: {outcome}. Its certificates do not hold "
            "here.",
        }

    def _names(self, classes: tuple[str, ...]) -> dict[str, int]:
        """Return where its classes stand among this site's, of those that this site has.

        Each class is its namesake's, unless that lies on the other side here. Where the names
        differ, a side that is one class here takes all of that side.
        """
        here = flag_positive(classes, self.negative)
        there = dict(zip(self.bundle.model.classes, self.bundle.model.positive, strict=True))
        only = {side: here.index(side) for side in (False, True) if here.count(side) == 1}
        places = {name: at for at, name in enumerate(classes)}
        by_name = {
            name: places[name]
            for name, side in there.items()
            if name in places and here[places[name]] is side
        }
        if by_name.keys() == there.keys():
            return by_name
        by_side = {name: only[side] for name, side in there.items() if side in only}
        return {**by_name, **by_side}

    @property
    def pictures(self) -> list[str]:
        """The sha256 of every picture that it was trained or certified on."""
        return list(self.bundle.metadata["hashes"]["pictures"])

    @property
    def fingerprints(self) -> Fingerprints:
        """The fingerprints of these."""
        return Fingerprints.from_arrays(self.bundle.fingerprints)

    def refuse_leaked(
        self, pictures: Sequence[PictureFacts | UnreadablePicture], settings: Settings
    ) -> None:
        """Refuse this place's pictures that it has met.

        Raises:
            DataError: It has met one of them, or one that it is a copy of.
        """
        # By content alone: two places may give two patients the same number.
        known, facts = (
            set(self.pictures),
            [one for one in pictures if isinstance(one, PictureFacts)],
        )
        leaked = [
            one.row.file.name
            for one, is_copy in zip(facts, copies_in(self.bundle, facts, settings), strict=True)
            if is_copy or one.sha256 in known
        ]
        if leaked:
            raise DataError(
                f"{self.bundle.label} was trained or certified on {len(leaked)} of the pictures "
                f"given: {', '.join(leaked[:_SHOWN])}.",
                hint="Give pictures of the new place alone, or train on all without --start-from.",
            )


def open_transfer_bundle(
    path: Path, pack: str, negative: frozenset[str], *, is_multilabel: bool, settings: Settings
) -> TransferBundle:
    """Return a bundle to start from.

    Args:
        path: Its folder.
        pack: The pack that the new one is for.
        negative: Labels that mean "nothing wrong" here.
        is_multilabel: Whether a picture here may have several labels.
        settings: Where things run.

    Raises:
        BundleError: It is altered or incomplete.
        ConfigError: It is for another pack, or has several labels a picture.
    """
    bundle = open_bundle(path, settings)
    faults = []
    if bundle.pack.name != pack:
        faults.append(f"it is for the pack {bundle.pack.name}, not {pack}")
    if is_multilabel or bundle.model.is_multilabel:
        faults.append("pictures with several labels cannot be started from yet")
    if faults:
        raise ConfigError(
            f"{bundle.label} is no start: {'; '.join(faults)}.",
            hint="Leave --start-from out, or name another bundle.",
        )
    return TransferBundle(bundle, negative)
