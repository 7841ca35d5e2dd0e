"""Reads a part's id from its pictures: files of others in the sandbox, own frames here."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any, Self

from core.imaging import functions
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.settings import Settings
from core.types import Unreadable
from domains.parts.station.capture.cameras import Grabbed
from domains.parts.station.capture.code_finder import FIND, find
from domains.parts.station.capture.part_id import CodeReading, ReadId, identify, part_in_file
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.recipe import Recipe
from domains.parts.station.result import LineReason

log = logging.getLogger(__name__)


class PartIdReader:
    """Reads the ids of a recipe's parts; a context manager, called for one part after the other.

    Args:
        recipe: The recipe.
        settings: Limits of the files, and of the process that reads them.
    """

    def __init__(self, recipe: Recipe, settings: Settings) -> None:
        self._options = recipe.part_id
        self._is_folder = {one.name: one.kind == "folder" for one in recipe.cameras}
        self._arguments: dict[str, Any] = {"part_id": self._options.model_dump(mode="json")}
        self._max_pixels = settings.max_pixels
        needs_sandbox = self._options.source == "code" and any(self._is_folder.values())
        self._sandbox = (
            FunctionSandbox(FIND, settings, unparsed, arguments=self._arguments)
            if needs_sandbox
            else None
        )

    def __enter__(self) -> Self:
        """Return itself, the process that reads files started where one is needed."""
        if self._sandbox is not None:
            self._sandbox.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        if self._sandbox is not None:
            self._sandbox.__exit__(kind, error, trace)

    def __call__(self, trigger: Trigger, grabbed: Sequence[Grabbed]) -> ReadId:
        """Return the id of a part, or why there is none."""
        frames = [one.frame for one in grabbed if one.frame is not None]
        readings = []
        if self._options.source == "code" and LineReason.UNREADABLE not in trigger.faults:
            readings = [one for frame in frames for one in self._readings(frame)]
        names = [self._part_in(frame) for frame in frames if frame.name]
        return identify(self._options, readings, trigger.part_id, names)

    def _part_in(self, frame: CapturedFrame) -> str:
        if len(self._is_folder) < 2:
            return PurePath(frame.name).stem
        return part_in_file(frame.name, frame.camera, self._options.pattern)

    def _readings(self, frame: CapturedFrame) -> list[CodeReading]:
        if self._is_folder.get(frame.camera, True):
            if self._sandbox is None:
                return []
            outcome = self._sandbox.call(frame.data)
        else:
            arguments = {"max_pixels": self._max_pixels, **self._arguments}
            outcome = functions.call(find, frame.data, arguments)
        if isinstance(outcome, Unreadable):
            log.warning("no codes in %s: %s", frame.name or frame.camera, outcome.message)
            return []
        return _checked(outcome, frame)


def _checked(output: Output, frame: CapturedFrame) -> list[CodeReading]:
    """Return what a process that is not trusted says it read; nothing where it is no such list."""
    codes = output.record.get("codes")
    if not isinstance(codes, list) or not all(
        isinstance(one, list) and len(one) == 3 and all(isinstance(t, str) for t in one)
        for one in codes
    ):
        return []
    picture = f"{frame.camera} {frame.raw_sha256} "
    return [CodeReading(text, kind, picture + way) for text, kind, way in codes]
