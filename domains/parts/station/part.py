"""One part on its way: its trigger, its frames, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from domains.parts.station.result import LineReason, LineResult, LineVerdict


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One picture of one camera.

    Attributes:
        camera: Name of the camera in the recipe.
        data: The picture as an encoded file, as it is judged and kept.
        counter: The camera's frame counter; None where it has none.
        exposed_at: When exposure began at the earliest, in seconds of this machine's monotonic
            clock; of a file, when it was found complete.
        camera_time_s: The camera's own time stamp in seconds, for differences only; None where it
            has none.
        raw_sha256: Digest of the pixels as the camera gave them, before encoding.
        since_open: How many frames the camera has given since it was opened, or since exposure,
            gain or region of interest changed; the first is 1.
        name: File name or position in the video, for people.
    """

    camera: str
    data: bytes = field(repr=False)
    counter: int | None
    exposed_at: float
    camera_time_s: float | None
    raw_sha256: str
    since_open: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A part is in front of the camera.

    Attributes:
        number: Number of the acquisition: one more than the last in this store, never reused.
        at: When, in seconds of this machine's monotonic clock.
        part_seq: The PLC's own number of the part, 0 to 65535; 0 where it gives none.
        part_id: The id that came with the trigger; empty where none did.
        recipe: Number of the recipe that was active then, by which the part is judged.
        frames: Frames that came with it, as a new file does; otherwise cameras are asked.
        challenge: Name of the reference part that is shown; empty for a part of the line.
        faults: What the trigger itself found wrong, such as two parts in view.
    """

    number: int
    at: float
    part_seq: int = 0
    part_id: str = ""
    recipe: int = 0
    frames: tuple[CapturedFrame, ...] = ()
    challenge: str = ""
    faults: tuple[LineReason, ...] = ()


@dataclass(frozen=True, slots=True)
class InspectedPart:
    """What came of one trigger, as it is on record; outputs send it and nothing else.

    Attributes:
        trigger: Its trigger.
        verdict: PASS, FAIL or STOP with reasons.
        part_id: The part's id after reading, empty where there is none.
        product: Name of the product.
        decisions: Ids of the decisions on its views in the store.
        score: Largest positive probability of its views; None where nothing was judged.
        bundle_sha256: Digest of the bundle that judged; empty where nothing was judged.
        policy: Id of the policy that judged; empty where nothing was judged.
        recorded_at: When it was committed, UTC.
        elapsed_us: Microseconds from the trigger to the commit.
        detail: What a person needs besides the reasons' sentences, such as both cameras' serials.
        is_recorded: Whether it is in the store; if not, it is FAIL or STOP.
    """

    trigger: Trigger
    verdict: LineVerdict
    part_id: str
    product: str
    decisions: tuple[str, ...]
    score: float | None
    bundle_sha256: str
    policy: str
    recorded_at: datetime
    elapsed_us: int
    detail: str = ""
    is_recorded: bool = True

    @property
    def result(self) -> LineResult:
        """PASS, FAIL or STOP."""
        return self.verdict.result

    @property
    def reasons(self) -> tuple[LineReason, ...]:
        """Why it does not pass."""
        return self.verdict.reasons
