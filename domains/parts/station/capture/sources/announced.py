"""A camera whose frames come with their triggers: a watched folder, or one that runs freely."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions


class AnnouncedCamera:
    """Stands for what a trigger source reads; its frames are never asked for.

    Args:
        options: What the recipe says of it.
        is_there: Whether the source can be read at all.
    """

    def __init__(self, options: CameraOptions, is_there: Callable[[], bool]) -> None:
        self._options, self._is_there = options, is_there

    @property
    def name(self) -> str:
        """Its name in the recipe."""
        return self._options.name

    def open(self) -> CameraIdentity:
        """Return what the recipe says, once the source is there: the source compares.

        Raises:
            CameraLost: It is not there.
        """
        if not self._is_there():
            raise CameraLost(
                f"{self._options.source} is not there.",
                hint="Make the folder, or correct the camera's source.",
            )
        expected = self._options
        return CameraIdentity(
            expected.serial,
            expected.width,
            expected.height,
            expected.pixel_format,
            expected.exposure_us,
            expected.gain,
            "RGB" if expected.colour_reference else "",
        )

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        """Return nothing, ever: its frames come with their triggers.

        Raises:
            NoFrame: Always.
        """
        del not_before, timeout_s
        raise NoFrame(f"{self._options.source} gave no picture for this part.")

    def close(self) -> None:
        """Do nothing."""


def announced_by_folder(options: CameraOptions) -> AnnouncedCamera:
    """Return what stands for a watched folder."""
    return AnnouncedCamera(options, Path(options.source).is_dir)
