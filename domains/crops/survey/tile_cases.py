"""Tiles that need a person as cases of the store, which the review page shows as it shows photos.

Each tile is a case of its own and all tiles of a mosaic are one group. Only tiles that somebody
asks about keep their picture: it is read again from the mosaic, and the file is judged as a replay
would judge it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from core.imaging.files import Incoming, refuse_file, wrap_bytes
from core.records.audit_draw import is_drawn
from core.records.case_answers import CaseAnswer, case_answers
from core.records.case_status import QueueState
from core.records.tiles import waiting_tiles
from core.records.values import case_id_of
from core.records.withdrawals import ask_again, withdraw
from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import record_many
from core.service.progress import Progress
from core.types import Disposition, Unreadable
from domains.crops.locale import N_
from domains.crops.survey.mosaic import Mosaic
from domains.crops.survey.spec import CaseSpec
from domains.crops.survey.values import PACK, SurveyTile
from domains.crops.survey.verdict import verdict_of
from domains.crops.tile_file import name_mosaic

MOST_ASKED = 400
"""Tiles of one mosaic that a person is asked about because of their verdict, at the most."""

MOST_DRAWN = 50
"""Tiles of one mosaic that the audit draws on average, at the most: the share is lowered to it."""

_CUT_ANEW = "The mosaic was surveyed again, cut otherwise: other tiles are asked about."
_BY = "assay"

_NEEDING = (Disposition.DEFER, Disposition.POSITIVE)

STEP = N_("Putting tiles before a person")


@dataclass(frozen=True, slots=True)
class AskedTiles:
    """What became of the tiles of a mosaic.

    Attributes:
        tiles: All of them; those that a person is asked about name their case.
        waiting: How many of these nobody has answered.
        not_asked: How many more need a person and are not asked about.
        withdrawn: How many tiles of an earlier survey, cut otherwise, wait no longer.
    """

    tiles: tuple[SurveyTile, ...]
    waiting: int = 0
    not_asked: int = 0
    withdrawn: int = 0


def record_tiles(
    mosaic: Mosaic,
    tiles: Sequence[SurveyTile],
    assessor: Assessor,
    spec: CaseSpec,
    progress: Progress,
) -> AskedTiles:
    """Return the tiles of a mosaic, once those that need a person are cases of the store.

    A survey that is done again finds the same cases, and judges each of them again: no verdict
    passes against an answer, and what a newer bundle decides waits no longer. Tiles of an earlier
    survey that was cut otherwise wait no longer either, until it is done so again.

    Args:
        mosaic: The mosaic, open.
        tiles: All of its tiles with their verdicts.
        assessor: What judged them; it believes files that call themselves tiles.
        spec: Where they are recorded.
        progress: Called for each tile; what it raises ends the work.

    Raises:
        StoreError: The store refused; what was recorded before stays, and is found again.
    """
    keys = [case_key(tile, mosaic.grid.tile_m) for tile in tiles]
    ids = [case_id_of(PACK, spec.product, key) for key in keys]
    known = case_answers(spec.store, ids)
    answered = {case for case, one in known.items() if one.queue_state is QueueState.REVIEWED}
    judged = [case for case, tile in zip(ids, tiles, strict=True) if tile.verdict is not None]
    share = _share(spec.audit_share, len(judged))
    drawn = {case for case in judged if share and is_drawn(assessor.policy.id, case, share)}
    places = choose(tiles, ids, known.keys() | drawn)
    back = {ids[at] for at in places if _is_withdrawn(known.get(ids[at]))}
    ask_again(spec.store, sorted(back), by=_BY)
    done = list(tiles)
    with closing(mosaic.files([(tiles[at].row, tiles[at].column) for at in places])) as files:
        incoming = (_incoming(keys[at], file) for at, file in zip(places, files, strict=True))
        recorded = record_many(
            assessor, spec.store, incoming, product=spec.product, audit_share=share
        )
        for number, (at, one) in enumerate(zip(places, recorded, strict=True), 1):
            # An automatic negative was drawn or answered: a map that marked it would tell which.
            if one.assessment.verdict.disposition is not Disposition.NEGATIVE:
                done[at] = replace(tiles[at], verdict=verdict_of(one.assessment), case=one.case_id)
            progress(STEP, number, len(places))
    asked = {tile.case for tile in done if tile.case}
    needing = sum(tile.disposition in _NEEDING for tile in done)
    earlier = waiting_tiles(spec.store, PACK, spec.product, mosaic.sha256)
    others = sorted(set(earlier) - set(ids))
    withdrawn = withdraw(spec.store, others, reason=_CUT_ANEW, by=_BY)
    return AskedTiles(tuple(done), len(asked - answered), needing - len(asked), withdrawn)


def _is_withdrawn(known: CaseAnswer | None) -> bool:
    """Return whether a case is on record and was withdrawn."""
    return known is not None and known.queue_state is QueueState.WITHDRAWN


def case_key(tile: SurveyTile, tile_m: float) -> str:
    """Return the key of a tile's case, the same whenever its mosaic is cut so again."""
    name = name_mosaic(tile.place.parent)
    return f"{name}, tile {tile.row + 1}-{tile.column + 1} of {tile_m:g} m"


def choose(
    tiles: Sequence[SurveyTile], case_ids: Sequence[str], always: Collection[str]
) -> list[int]:
    """Return the places of the tiles that become cases, in their order.

    Up to ``MOST_ASKED`` that need a person: first what nobody decided, without a probability before
    the most probably sick, then what calls for action.

    Args:
        tiles: All tiles of a mosaic.
        case_ids: Of their cases.
        always: Cases that are among them whatever the verdict: drawn for the audit, or known.
    """
    needing = [at for at, tile in enumerate(tiles) if tile.disposition in _NEEDING]
    first = sorted(needing, key=lambda at: _urgency(tiles[at]))[:MOST_ASKED]
    others = (at for at, case in enumerate(case_ids) if tiles[at].verdict and case in always)
    return sorted({*first, *others})


def _urgency(tile: SurveyTile) -> tuple[bool, float]:
    """Return what sorts the tile to ask about first to the front."""
    chance = tile.verdict.positive_probability if tile.verdict else None
    return tile.disposition is Disposition.POSITIVE, -(2.0 if chance is None else chance)


def _share(share: float | None, judged: int) -> float | None:
    return None if share is None else min(share, MOST_DRAWN / max(judged, 1))


def _incoming(key: str, file: bytes | Unreadable) -> Incoming:
    if isinstance(file, Unreadable):
        return refuse_file(key, file.message, key)
    return wrap_bytes(key, file, key)
