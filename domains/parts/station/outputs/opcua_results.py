"""What an OPC UA client gets of a part, in the words of OPC 40100-1 and OPC 40001-101."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from domains.parts.station.message import message_id
from domains.parts.station.outputs.opcua_machine import VisionJob, VisionJobEnd
from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineReason

KEPT = 1000

_JUDGED = frozenset(
    {
        LineReason.DEFECT,
        LineReason.AMBIGUOUS,
        LineReason.NOVEL,
        LineReason.NOT_CERTIFIED,
        LineReason.CORRECTED,
    }
)


class ResultState(IntEnum):
    """Whether an inspection came to its end (OPC 40100-1)."""

    UNDEFINED = 0
    COMPLETED = 1
    PROCESSING = 2
    ABORTED = 3
    FAILED = 4


class ResultEvaluation(IntEnum):
    """What it says of the part (OPC 40001-101)."""

    UNDEFINED = 0
    OK = 1
    NOT_OK = 2


@dataclass(frozen=True, slots=True)
class VisionResult:
    """One result as clients get it.

    Attributes:
        id: Its id: that of the part's message.
        state: Whether the inspection came to its end.
        evaluation: What it says of the part; OK for PASS alone.
        meas_id: The client's id of the measurement.
        part_id: The part's id.
        recipe: Number of the recipe.
        product: Name of the product.
        policy: Id of the policy.
        bundle_hash: sha256 of the bundle, 32 bytes; empty where nothing was judged.
        job_id: Id of the job.
        created_at: When it was recorded.
        started_at: When the part was triggered.
        elapsed_ms: Milliseconds from then until it was recorded.
        reason: Number of the gravest reason, 0 for PASS.
        reasons: Names of the reasons.
        sentence: Their sentences.
    """

    id: str
    state: ResultState
    evaluation: ResultEvaluation
    meas_id: str
    part_id: str
    recipe: int
    product: str
    policy: str
    bundle_hash: bytes
    job_id: str
    created_at: datetime
    started_at: datetime
    elapsed_ms: float
    reason: int
    reasons: tuple[str, ...]
    sentence: str


def result_of(station: str, part: InspectedPart, job: VisionJob | None) -> VisionResult:
    """Return the result of a part.

    Args:
        station: Name of the station.
        part: The part.
        job: The job it belongs to; None where the station was triggered otherwise.
    """
    elapsed = timedelta(microseconds=part.elapsed_us)
    is_aborted = job is not None and job.end is VisionJobEnd.ABORTED
    is_judged = _JUDGED.issuperset(part.reasons)
    state = ResultState.COMPLETED if is_judged else ResultState.FAILED
    is_pass = not part.reasons
    evaluation = ResultEvaluation.OK if is_pass else ResultEvaluation.NOT_OK
    return VisionResult(
        id=message_id(station, part),
        state=ResultState.ABORTED if is_aborted else state,
        # Nobody waits for the part of an aborted job: it is never OK.
        evaluation=ResultEvaluation.NOT_OK if is_aborted else evaluation,
        meas_id=job.meas_id if job is not None else "",
        part_id=part.part_id,
        recipe=part.trigger.recipe,
        product=part.product,
        policy=part.policy,
        bundle_hash=bytes.fromhex(part.bundle_sha256),
        job_id=job.id if job is not None else "",
        created_at=part.recorded_at,
        started_at=part.recorded_at - elapsed,
        elapsed_ms=part.elapsed_us / 1000,
        reason=part.verdict.number,
        reasons=tuple(reason.name for reason in part.reasons),
        sentence=part.verdict.message,
    )


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """Which results a client asks for; 0 and empty texts stand for any."""

    state: int = 0
    meas_id: str = ""
    part_id: str = ""
    recipe_id: str = ""
    job_id: str = ""

    def accepts(self, result: VisionResult) -> bool:
        """Return whether a result is asked for."""
        asked = (self.state, self.meas_id, self.part_id, self.recipe_id, self.job_id)
        has = (result.state, result.meas_id, result.part_id, str(result.recipe), result.job_id)
        return all(not wanted or wanted == value for wanted, value in zip(asked, has, strict=True))


class KeptResults:
    """The last results of this process; older ones are in the store."""

    def __init__(self) -> None:
        self._results: OrderedDict[str, VisionResult] = OrderedDict()

    def add(self, result: VisionResult) -> None:
        """Keep a result, and let the oldest go where there are too many."""
        self._results[result.id] = result
        while len(self._results) > KEPT:
            self._results.popitem(last=False)

    def get(self, result_id: str) -> VisionResult | None:
        """Return a result by its id, if it is kept."""
        return self._results.get(result_id)

    def select(
        self, wanted: ResultFilter, start: int, most: int
    ) -> tuple[list[VisionResult], bool]:
        """Return results, the newest first, and whether these are all from ``start`` on."""
        found = [one for one in reversed(self._results.values()) if wanted.accepts(one)]
        page = found[start : start + most]
        return page, start + len(page) >= len(found)
