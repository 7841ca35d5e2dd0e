"""The Assessor: pictures in, verdicts out, with everything that judging takes kept open."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, Self, TypeVar

import cv2
import numpy as np

from core.imaging.files import Incoming, wrap_bytes
from core.judge import Judge
from core.model.bundle.bundle import Bundle
from core.ordered_map import WatchedThreads
from core.pipeline import judge_pairs
from core.service.assessment.known_answers import KnownAnswers
from core.service.bundles.decoders import decoders_of
from core.settings import Settings
from core.types import Assessment, Finding, Frame, Policy, Prepared, Reason, Sample, Unreadable

In = TypeVar("In", bound=Incoming)

CLAIMED_TILE = "claimed_tile"
"""Check of a file that calls itself a tile and was not written by this program."""

_CAMERA = (960, 1280)
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class AssessedPicture(Generic[In]):
    """A picture, what was prepared of it, and its assessment.

    Attributes:
        incoming: What came in, with its bytes.
        frame: What the network was given, or why there is nothing.
        assessment: The verdict.
    """

    incoming: In
    frame: Frame | Prepared | Unreadable
    assessment: Assessment


class Assessor:
    """Judges pictures by a bundle and a policy; everything that judges goes through one.

    A context manager: decoder processes and inference threads start on entry and stay until exit,
    so that a picture pays for itself alone. ``one`` is safe to call from several threads, which
    take turns. ``one`` and ``many`` exclude each other, since both use the decoder processes.

    Args:
        bundle: A verified bundle.
        policy: The thresholds, certified on this bundle; ``use`` changes them.
        settings: Where things run.
        product: Which of the pack's products the pictures are of; ``use`` changes it too.
        answers: What people answered on earlier pictures; None where nobody could have.
        reads_tiles: Whether a file that says it is a tile of a larger picture is believed: only
            where this program has written it, or whoever labelled it answers for it.

    Raises:
        AssayError: The policy was certified on another bundle.
    """

    def __init__(
        self,
        bundle: Bundle,
        policy: Policy,
        settings: Settings,
        product: str = "",
        answers: KnownAnswers | None = None,
        *,
        reads_tiles: bool = False,
    ) -> None:
        self._answers, self._reads_tiles = answers, reads_tiles
        self._judge = Judge.of(bundle, policy, product)
        self._sandbox = decoders_of(bundle, settings)
        self._threads = WatchedThreads(settings.workers, settings.inference_timeout_s)
        self._open = ExitStack()
        self._turn = Lock()
        self._has_many = False

    def __enter__(self) -> Self:
        """Return itself, decoder processes started but not waited for, and threads."""
        with ExitStack() as stack:
            stack.enter_context(self._threads)
            stack.enter_context(self._sandbox)
            if self._answers is not None:
                stack.enter_context(self._answers)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """End them."""
        self._open.close()

    @property
    def bundle(self) -> Bundle:
        """The bundle that judges."""
        return self._judge.bundle

    @property
    def policy(self) -> Policy:
        """The policy by which the next picture is judged."""
        return self._judge.policy

    def use(self, policy: Policy, product: str = "") -> None:
        """Judge another product or by another policy, from the next ``one`` and ``many`` on.

        Raises:
            AssayError: It was certified on another bundle.
        """
        if policy != self._judge.policy or product != self._judge.product:
            self._judge = Judge.of(self._judge.bundle, policy, product)

    def warm_up(self) -> None:
        """Judge made-up and damaged pictures, so that ``one`` does nothing for the first time.

        Afterwards no call of ``one`` imports a module, starts a thread or opens a network. What
        exists by then is also taken out of garbage collection until exit (``gc.freeze``), since a
        full collection of a process with torch or scikit-learn in it takes longer than a verdict.
        """
        for data in _made_up() * _ROUNDS:
            self.one(data)
        gc.collect()
        gc.freeze()
        self._open.callback(gc.unfreeze)

    def one(self, data: bytes, *, name: str = "", group: str = "") -> Assessment:
        """Return the assessment of one picture, judged now without reading ahead.

        Args:
            data: The whole file.
            name: What it is called; the beginning of its digest unless given.
            group: The physical part, patient, field.

        Returns:
            Its assessment, whatever the bytes are: DEFER/UNREADABLE where they do not read,
            DEFER/FAULT where the system fails.

        Raises:
            ValueError: A ``many`` of this assessor is under way.
        """
        item = wrap_bytes(name, data, group)
        item = item if name else wrap_bytes(item.sha256[:12], data, group)
        with self._turn:
            if self._has_many:
                raise ValueError("one: expected no `many` under way")
            judge = self._judge
            sample = Sample(item.id, Unreadable("", item.sha256), item.group)
            try:
                ((_, read),) = self._sandbox.pairs([item])
                sample = self._believe(read)
                made = self._threads.call(judge, sample, judge.stalled)
                return self._check([(sample, made)])[0]
            except Exception as exc:
                # As in Judge: whatever fails, the picture goes to a person and the line goes on.
                return judge.failed(sample, exc)

    def many(self, incoming: Iterable[In]) -> Generator[AssessedPicture[In], None, None]:
        """Yield the assessment of each picture, reading a few ahead.

        Args:
            incoming: What comes in; what it raises passes through.

        Yields:
            One assessed picture for each that came in, in order, with what came in itself.

        Raises:
            AssayError: ``FAULTS_IN_A_ROW`` pictures in a row failed, or no decoder process starts.
            ValueError: Another ``many`` of this assessor is under way.
        """
        with self._turn:
            if self._has_many:
                raise ValueError("many: expected no other `many` under way")
            self._has_many = True
            judge = self._judge
        try:
            with (
                closing(self._sandbox.pairs(incoming)) as read,
                closing(
                    judge_pairs(
                        judge,
                        ((item, self._believe(sample)) for item, sample in read),
                        self._threads,
                        self._check,
                    )
                ) as judged,
            ):
                for item, sample, assessment in judged:
                    yield AssessedPicture(item, sample.frame, assessment)
        finally:
            self._has_many = False

    def _believe(self, sample: Sample) -> Sample:
        """Return a picture as what it says it is; a claimed tile skips checks of whole pictures."""
        return sample if self._reads_tiles else distrust_tile(sample)

    def _check(self, judged: Sequence[tuple[Sample, Assessment]]) -> list[Assessment]:
        """Return verdicts compared with what people answered on the same pictures."""
        if self._answers is None:
            return [made for _, made in judged]
        frames = [(sample.frame, made) for sample, made in judged]
        return self._answers.check(frames, self._judge.product)

    def frames(self, samples: Iterable[Sample]) -> Generator[Assessment, None, None]:
        """Yield the assessments of decoded pictures, such as the tiles of a mosaic.

        The pack prepares them in this process: they must come out of a sandbox or be our own.

        Args:
            samples: Decoded pictures; taken a few ahead of what is yielded.

        Yields:
            One assessment for each, in order.

        Raises:
            AssayError: ``FAULTS_IN_A_ROW`` pictures in a row failed.
        """
        pairs = ((None, sample) for sample in samples)
        with closing(judge_pairs(self._judge, pairs, self._threads)) as judged:
            for _, _, assessment in judged:
                yield assessment


def distrust_tile(sample: Sample) -> Sample:
    """Return a picture that calls itself a tile as wrong input, and nothing else it says of itself.

    A pack does not put a tile through its checks of whole pictures, so that whoever sends a file
    could skip them.
    """
    frame = sample.frame
    if not isinstance(frame, Prepared) or frame.tile is None:
        return sample
    detail = "The file says that it was cut out of a larger picture; expected a whole one."
    findings = (*frame.findings, Finding(Reason.WRONG_INPUT, detail, CLAIMED_TILE))
    return replace(sample, frame=replace(frame, tile=None, meta={}, group="", findings=findings))


def _made_up() -> list[bytes]:
    """Return pictures of a camera's size, colour and grey, JPEG and PNG, and what is none."""
    noise = np.random.default_rng(0).integers(0, 256, (*_CAMERA, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 8)
    grey = cv2.cvtColor(smooth, cv2.COLOR_BGR2GRAY)
    made = [(".jpg", smooth), (".jpg", grey), (".png", smooth), (".png", grey)]
    pictures = [bytes(cv2.imencode(suffix, pixels)[1]) for suffix, pixels in made]
    return [*pictures, b"", b"no picture", pictures[0][: len(pictures[0]) // 2]]
