"""Inspecting one part: its frames, its id, what judging says, and the verdict of the rule."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.errors import AssayError, BundleError, NothingDeployed, StoreError
from core.types import Assessment, Ceiling
from domains.parts.station.capture.cameras import Cameras, Grabbed
from domains.parts.station.capture.part_id import ReadId
from domains.parts.station.judging.judges import Judges, OpenJudge
from domains.parts.station.judging.rule import CameraView, judge_part
from domains.parts.station.part import Trigger
from domains.parts.station.recipe import Recipe
from domains.parts.station.records.parts import Draft
from domains.parts.station.result import LineReason, LineVerdict

log = logging.getLogger(__name__)

GRAB_SHARE = 0.6
"""Share of the deadline within which the frames must be there; the rest is for judging."""


@dataclass(frozen=True, slots=True)
class FramesTaken:
    """The cameras are done with the part of this trigger: it may move on."""

    number: int


IdReader = Callable[[Trigger, Sequence[Grabbed]], ReadId]


@dataclass(frozen=True)
class Inspection:
    """How the parts of one recipe are inspected.

    Attributes:
        recipe: The recipe.
        cameras: Its cameras, opened.
        judges: What judges its product.
        read_id: Reads the part's id.
        ceiling: What the escape certificate must hold for a part to pass by itself.
    """

    recipe: Recipe
    cameras: Cameras
    judges: Judges
    read_id: IdReader
    ceiling: Ceiling = field(default_factory=Ceiling)

    def inspect(
        self, station: str, trigger: Trigger, taken: Callable[[FramesTaken], None]
    ) -> Draft:
        """Return what came of a trigger, whatever happens; it is not on record yet.

        Args:
            station: Name of the station.
            trigger: The part's trigger.
            taken: Called once the cameras are done with the part.
        """
        try:
            return self._inspect(station, trigger, taken)
        except Exception as exc:
            # The one border of a part: whatever fails, the part does not pass and the line goes on.
            log.exception("inspecting a part failed")
            return Draft(
                trigger,
                LineVerdict.because(reason_of(exc)),
                trigger.part_id,
                self.recipe.product,
                detail=exc.message if isinstance(exc, AssayError) else type(exc).__name__,
            )

    @property
    def problems(self) -> list[str]:
        """What of it is lost, as sentences."""
        judging = self.judges.problem_of(self.recipe.product)
        return [*self.cameras.problems, *([judging] if judging else [])]

    def acquire(
        self, trigger: Trigger, taken: Callable[[FramesTaken], None]
    ) -> tuple[list[Grabbed], ReadId]:
        """Return what the cameras give for a trigger, and the part's id.

        Args:
            trigger: The part's trigger.
            taken: Called once the cameras are done with the part.
        """
        grab_until = trigger.at + GRAB_SHARE * self.recipe.deadline_ms / 1000
        grabbed = self.cameras.grab(trigger, grab_until)
        taken(FramesTaken(trigger.number))
        return grabbed, self.read_id(trigger, grabbed)

    @property
    def bundle_sha256(self) -> str:
        """Digest of the bundle that judges now; empty while none can."""
        try:
            judge = self._judge()
        except AssayError:
            return ""
        return judge.bundle_sha256 if judge else ""

    def _judge(self) -> OpenJudge | None:
        try:
            return self.judges.get(self.recipe.product)
        except NothingDeployed:
            return None

    def unjudged(self, trigger: Trigger, grabbed: Sequence[Grabbed], identity: ReadId) -> Draft:
        """Return what came of a trigger where nothing is to judge: FAIL, with its pictures."""
        reasons = [*trigger.faults, *identity.reasons]
        reasons += [reason for one in grabbed for reason in one.reasons]
        frames = [one.frame for one in grabbed if one.frame is not None]
        if len(frames) < len(self.recipe.cameras):
            reasons.append(LineReason.VIEW_MISSING)
        return Draft(
            trigger,
            LineVerdict.because(*reasons, LineReason.NOT_CERTIFIED),
            identity.part_id,
            self.recipe.product,
            frames=frames,
            detail=" ".join(one.detail for one in grabbed if one.detail),
        )

    def _inspect(
        self, station: str, trigger: Trigger, taken: Callable[[FramesTaken], None]
    ) -> Draft:
        judge = self._judge()
        grabbed, identity = self.acquire(trigger, taken)
        if judge is None:
            return self.unjudged(trigger, grabbed, identity)
        group = group_of(identity.part_id, station, trigger.number)
        views = [_view(judge, one, f"{trigger.number}-{one.camera}", group) for one in grabbed]
        verdict = judge_part(
            views,
            expected=len(self.recipe.cameras),
            ceiling=self.ceiling,
            reasons=[*trigger.faults, *identity.reasons],
            allow_uncertified=self.recipe.allow_uncertified,
        )
        return Draft(
            trigger,
            verdict,
            identity.part_id,
            self.recipe.product,
            frames=[one.frame for one in grabbed if one.frame is not None],
            assessments=[view.assessment for view in views if view.assessment is not None],
            audit_share=judge.audit_share,
            detail=" ".join(filter(None, [*(one.detail for one in grabbed), _detail(views)])),
        )


def group_of(part_id: str, station: str, number: int) -> str:
    """Return what names a part among all: its id, or where it has none its number."""
    return part_id or f"{station}.{number}"


def reason_of(exc: BaseException) -> LineReason:
    """Return what an exception means for the part that it struck."""
    match exc:
        case BundleError():
            return LineReason.BUNDLE
        case StoreError():
            return LineReason.NOT_RECORDED
        case MemoryError():
            return LineReason.MEMORY
        case _:
            return LineReason.INFERENCE_FAULT


def _view(judge: OpenJudge, grabbed: Grabbed, name: str, group: str) -> CameraView:
    if grabbed.reasons or grabbed.frame is None:
        return CameraView(grabbed.camera, grabbed.reasons or (LineReason.NO_FRAME,), None, None)
    assessment = judge.assess(grabbed.frame.data, name=grabbed.frame.name or name, group=group)
    return CameraView(grabbed.camera, (), assessment, judge.policy, judge.ood_level)


def _detail(views: Sequence[CameraView]) -> str:
    found = [_message(view.assessment) for view in views if view.assessment is not None]
    return " ".join(filter(None, found))


def _message(assessment: Assessment) -> str:
    return " ".join(f.detail for f in assessment.verdict.findings if f.detail)
