"""A camera whose frames come as files in a folder, each with its own trigger."""

from __future__ import annotations

from pathlib import Path

from domains.parts.station.part import CapturedFrame
from domains.parts.station.ports import CameraIdentity, CameraLost, NoFrame
from domains.parts.station.recipe import CameraOptions


class FolderCamera:
    """Stands for the folder of a `FolderSource`: it is open while the folder is there.

    Args:
        options: What the recipe says of it.
    """

    def __init__(self, options: CameraOptions) -> None:
        self._options = options

    @property
    def name(self) -> str:
        """Its name in the recipe."""
        return self._options.name

    def open(self) -> CameraIdentity:
        """Return what it says of itself, once its folder is there.

        Raises:
            CameraLost: It is not.
        """
        if not Path(self._options.source).is_dir():
            raise CameraLost(
                f"There is no folder {self._options.source}.",
                hint="Make it, or correct the camera's source.",
            )
        return CameraIdentity()

    def grab(self, not_before: float, timeout_s: float) -> CapturedFrame:
        """Return nothing, ever: its frames come with their triggers.

        Raises:
            NoFrame: Always.
        """
        del not_before, timeout_s
        raise NoFrame(f"The folder {self._options.source} gave no picture for this part.")

    def close(self) -> None:
        """Do nothing."""
