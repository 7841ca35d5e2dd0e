"""The station file: one TOML with a line's recipes, triggers, outputs and limits."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from core.errors import ConfigError
from core.files import write_atomic
from domains.parts.station.options import OutputOptions, StrictModel, TriggerOptions
from domains.parts.station.part_id_options import PartIdOptions

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$")]
"""A name that is a file's name too, and never one of the folders `.` and `..`."""

Place = Annotated[int, Field(ge=0, le=100_000)]
Side = Annotated[int, Field(ge=1, le=100_000)]


class CameraOptions(StrictModel):
    """One camera of a recipe: where its frames come from, and how to know it again."""

    name: Name = "camera"
    kind: Literal["folder", "video", "genicam"] = "folder"
    source: str = Field(
        min_length=1,
        description="A folder; a device number, file or RTSP address; a GenICam device id.",
    )
    serial: str = Field(default="", description="Serial number that it must have; empty = any.")
    width: int | None = Field(default=None, ge=1, description="Width in pixels it must have.")
    height: int | None = Field(default=None, ge=1, description="Height in pixels it must have.")
    pixel_format: str = Field(default="", description="Pixel format it must have.")
    exposure_us: float | None = Field(default=None, gt=0, description="Exposure it is set to.")
    gain: float | None = Field(default=None, description="Gain it is set to.")
    region: tuple[Place, Place, Side, Side] | None = Field(
        default=None, description="Region of interest: left, top, width, height in pixels."
    )
    discard: int = Field(
        default=3,
        ge=0,
        le=1000,
        description="Frames that do not count after open or a changed setting.",
    )
    colour_reference: str = Field(
        default="",
        description="Picture of the empty station; its mean colour tells exchanged channels.",
    )
    trigger: Literal["software", "hardware"] = Field(
        default="software",
        description="`hardware` where an electrical line starts the exposure: then the camera's "
        "frame counter has to go up by one a part.",
    )
    latency_ms: float = Field(
        default=0,
        ge=0,
        le=60_000,
        description="Longest way of a frame from the sensor to this machine, beyond exposure and "
        "readout: 0 for a cable, several hundred for most network streams.",
    )
    open_timeout_ms: int = Field(
        default=3000, ge=100, le=60_000, description="Longest wait for it to open."
    )


class ChallengeOptions(StrictModel):
    """Reference parts that are shown before the line may start."""

    good: tuple[Name, ...] = Field(min_length=3, description="Names of good reference parts.")
    bad: tuple[Name, ...] = Field(min_length=3, description="Names of bad reference parts.")
    hours: float = Field(
        default=8.0, gt=0, le=8760, description="Hours after which it is due again."
    )

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [*self.good, *self.bad]
        if len(set(names)) < len(names):
            raise ValueError("a reference part is listed twice")
        return self


class Recipe(StrictModel):
    """How one product is inspected."""

    number: int = Field(ge=0, le=999, description="Number by which a PLC asks for it.")
    product: Name = Field(description="The product whose deployment judges.")
    deadline_ms: int = Field(
        default=500,
        ge=20,
        le=600_000,
        description="From trigger to output; a later verdict is FAIL LATE.",
    )
    cameras: tuple[CameraOptions, ...] = Field(min_length=1)
    part_id: PartIdOptions = PartIdOptions()
    challenge: ChallengeOptions | None = None
    allow_uncertified: bool = Field(
        default=False,
        description="Whether a part may pass although its escape rate is not certified: a person's "
        "choice for the first days, shown on the board and in every result.",
    )

    @model_validator(mode="after")
    def _one_name_each(self) -> Self:
        names = [camera.name for camera in self.cameras]
        if len(set(names)) < len(names):
            raise ValueError("two cameras have one name")
        return self


class RejectOptions(StrictModel):
    """Where and when a reject gate fires."""

    by: Literal["encoder", "time"] = "time"
    distance: float = Field(gt=0, description="From camera to gate: counts, or milliseconds.")
    tolerance: float = Field(gt=0, description="Half the window: counts, or milliseconds.")
    backwards: float = Field(default=0, ge=0, description="Backward counts that are absorbed.")
    confirm: bool = Field(default=False, description="Whether an input confirms each reject.")

    @model_validator(mode="after")
    def _window_behind_camera(self) -> Self:
        if self.tolerance >= self.distance:
            raise ValueError("tolerance: expected less than the distance from camera to gate")
        return self


class RetentionOptions(StrictModel):
    """How long the pictures of passed parts are kept."""

    days: float | None = Field(default=None, gt=0, le=36_500, description="Longest age in days.")
    max_gb: float | None = Field(default=None, gt=0, description="Most bytes, in 10^9.")
    min_free_gb: float = Field(default=2.0, ge=0, description="Free space kept, in 10^9 bytes.")
    min_free_share: float = Field(default=0.05, ge=0, lt=1, description="Free share kept.")
    pass_sample: float = Field(default=0.1, ge=0, le=1, description="Share of passes always kept.")


class StationFile(StrictModel):
    """Everything that `assay parts station run` needs."""

    name: Name = "station"
    trigger: TriggerOptions = TriggerOptions()
    outputs: OutputOptions = OutputOptions()
    reject: RejectOptions | None = None
    retention: RetentionOptions = RetentionOptions()
    reserve_mb: int = Field(
        default=64, ge=1, le=100_000, description="Size of the file freed on a full disk."
    )
    recipes: tuple[Recipe, ...] = Field(min_length=1, description="The first is active at start.")

    @model_validator(mode="after")
    def _gate_has_coils(self) -> Self:
        if self.reject is not None and self.outputs.modbus is None:
            raise ValueError("reject: the gate needs [outputs.modbus], whose coil C1 opens it")
        return self

    @model_validator(mode="after")
    def _one_number_each(self) -> Self:
        numbers = [recipe.number for recipe in self.recipes]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two recipes have one number")
        return self

    def recipe(self, number: int) -> Recipe | None:
        """Return the recipe of that number, if there is one."""
        return next((one for one in self.recipes if one.number == number), None)


def read_station(path: Path) -> StationFile:
    """Return a station file, read and checked.

    Raises:
        ConfigError: It is missing, no TOML, or wrong; every error is named at once.
    """
    try:
        return StationFile(**tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError as exc:
        raise ConfigError(
            f"There is no station file {path}.",
            hint="`assay parts station example` prints one to begin with.",
        ) from exc
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(f"{path} cannot be read as TOML: {exc}.", hint="Correct it.") from exc
    except ValidationError as exc:
        raise ConfigError(
            f"{path} cannot be used: {'; '.join(_sentences(exc.errors()))}.",
            hint="domains/parts/README.md lists every entry.",
        ) from exc


def keep_station(home: Path, station: StationFile) -> None:
    """Write down how a station runs, for the worker and the board beside it.

    Args:
        home: The home folder of the settings.
        station: The station file; it holds names of variables, and no secrets.

    Raises:
        OSError: It cannot be written.
    """
    path = _kept_file(home, station.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, station.model_dump_json(indent=1))


def kept_station(home: Path, name: str) -> StationFile:
    """Return the file of a station, as it was when the station started last.

    Raises:
        ConfigError: That is not known.
    """
    path = _kept_file(home, name)
    try:
        return StationFile.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as exc:
        raise ConfigError(
            f"How the station {name} runs cannot be read from {path}.",
            hint=f"Start the station {name} once: it writes the file anew.",
        ) from exc


def _kept_file(home: Path, name: str) -> Path:
    return home / "stations" / f"{name}.json"


def _sentences(errors: Sequence[Any]) -> Iterator[str]:
    """Yield what is wrong, without lists that are short only because their entries are wrong."""
    for error in errors:
        inside = [one["loc"] for one in errors if len(one["loc"]) > len(error["loc"])]
        if any(loc[: len(error["loc"])] == error["loc"] for loc in inside):
            continue
        wrong = str(error["ctx"]["error"]) if error["type"] == "value_error" else error["msg"]
        yield f"{'.'.join(map(str, error['loc'])) or 'the file'}: {wrong}"
