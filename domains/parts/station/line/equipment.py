"""What a station file asks for, made: cameras, what triggers them, and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.settings import Settings
from domains.parts.station.capture.identity import differences
from domains.parts.station.capture.part_id import id_in, part_in_file
from domains.parts.station.capture.part_id_reader import PartIdReader
from domains.parts.station.capture.sources.announced import AnnouncedCamera, announced_by_folder
from domains.parts.station.capture.sources.folder import FolderSource
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from domains.parts.station.capture.sources.paired_folders import PairedFolders
from domains.parts.station.judging.capture import OnCapture
from domains.parts.station.judging.judges import Judges
from domains.parts.station.line.changeover import Equipment
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.ports import Camera, Post, StationOutput, TriggerSource
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile

if TYPE_CHECKING:
    from domains.parts.station.capture.sources.video import VideoCamera

OPCUA_SPARE_S = 5.0
MOST_UNPAIRED = 64
"""So many pictures of a folder may wait for those of other folders."""


def equipment_of(
    station: StationFile,
    recipe: Recipe,
    judges: Judges,
    settings: Settings,
    on_capture: OnCapture | None = None,
) -> Equipment:
    """Return what makes the cameras and the id readers of recipes.

    Args:
        station: The station file.
        recipe: The recipe that begins, whose cameras the trigger source reads.
        judges: What judges each product.
        settings: Where things run.
        on_capture: Called with each part that is captured to learn from, where none are judged.
    """
    announced = [one for one in recipe.cameras if _can_trigger(station, one)]
    return Equipment(
        judges,
        partial(make_camera, announced=announced),
        partial(PartIdReader, settings=settings),
        differences,
        on_capture,
    )


def make_camera(options: CameraOptions, announced: Sequence[CameraOptions] = ()) -> Camera:
    """Return a camera that is not open yet.

    Args:
        options: What the recipe says of it.
        announced: The cameras that a trigger source reads, so that their frames come with triggers.

    Raises:
        ConfigError: It would give no frames, or the wrong ones: the trigger source reads another
            folder, or the same device with other options; or it cannot be made.
    """
    if options in announced:
        is_folder = options.kind == "folder"
        return announced_by_folder(options) if is_folder else AnnouncedCamera(options, lambda: True)
    if options.kind == "folder" or options.source in {one.source for one in announced}:
        reads = "; ".join(f"{one.name}, {one.source}" for one in announced) or "nothing"
        raise ConfigError(
            f"The camera {options.name}, {options.source}, is not the one that triggers parts: the "
            f"station's trigger reads {reads}.",
            hint="A folder needs the trigger `file`, and the cameras that trigger have the same "
            "options in all recipes.",
        )
    return _video_camera(options)


def make_sources(
    station: StationFile, recipe: Recipe, settings: Settings, post: Post
) -> list[TriggerSource]:
    """Return what notices parts by itself, for the recipe that begins.

    Args:
        station: The station file.
        recipe: The recipe.
        settings: Where things run.
        post: Where triggers go.

    Raises:
        ConfigError: Nothing in the recipe can trigger, or a library is not installed.
    """
    kind = station.trigger.kind
    if kind not in {"file", "free_running"}:
        return []
    made = [one for one in recipe.cameras if _can_trigger(station, one)]
    if kind == "file" and len(made) > 1:
        return [_paired_folders(station, recipe, made, settings, post)]
    wanted = "folder" if kind == "file" else "video or genicam"
    if len(made) != 1:
        raise ConfigError(
            f"The trigger {kind} needs {'a' if kind == 'file' else 'exactly one'} camera of kind "
            f"{wanted} in the recipe {recipe.number}, got {len(made)}.",
            hint="Trigger recipes with more cameras by modbus, mqtt or opcua.",
        )
    if kind == "file":
        return [_folder_source(station, made[0], settings, post)]
    return [_free_source(made[0], post)]


def _can_trigger(station: StationFile, options: CameraOptions) -> bool:
    kind = station.trigger.kind
    is_folder = options.kind == "folder"
    return kind == "file" if is_folder else kind == "free_running"


def _paired_folders(
    station: StationFile,
    recipe: Recipe,
    cameras: Sequence[CameraOptions],
    settings: Settings,
    post: Post,
) -> TriggerSource:
    names, options = [one.name for one in cameras], recipe.part_id
    pattern = options.pattern if options.source == "file_name" else ""

    def part_in(name: str, camera: str) -> str:
        part = part_in_file(name, camera, pattern)
        return (id_in(part, options) or part) if pattern else part

    paired = PairedFolders(names, station.trigger.pair_s, part_in, post)
    made = partial(_folder_source, station, settings=settings, post=paired.take, most=MOST_UNPAIRED)
    paired.follow([made(one) for one in cameras])
    return paired


def _folder_source(
    station: StationFile, options: CameraOptions, settings: Settings, post: Post, most: int = 1
) -> FolderSource:
    record = settings.home / "stations" / f"{station.name}-files.sqlite"
    folder = Path(options.source)
    judged = JudgedFiles(record, folder)
    return FolderSource(options.name, folder, station.trigger, settings, judged, post, most)


def _free_source(options: CameraOptions, post: Post) -> TriggerSource:
    from domains.parts.station.capture.sources.free_running import FreeRunningSource

    return FreeRunningSource(options, _video_camera(options), post)


def _video_camera(options: CameraOptions) -> VideoCamera:
    from domains.parts.station.capture.sources.video import VideoCamera

    if options.kind == "genicam":
        from domains.parts.station.capture.sources.genicam import genicam_camera

        return genicam_camera(options)
    return VideoCamera(options)


def make_outputs(station: StationFile, post: Post) -> list[StationOutput]:
    """Return the outputs of a station, not open yet.

    Raises:
        ConfigError: One cannot work as configured.
    """
    made: list[StationOutput] = []
    options = station.outputs
    if options.modbus is not None:
        from domains.parts.station.outputs.modbus import ModbusOutput

        made.append(ModbusOutput(options.modbus, post))
    if options.mqtt is not None:
        from domains.parts.station.outputs.mqtt import MqttOutput

        takes = station.trigger.kind == "mqtt"
        made.append(MqttOutput(station.name, options.mqtt, post, takes_triggers=takes))
    if options.opcua is not None:
        made.append(_opcua_output(station, options.opcua, post))
    if options.webhook is not None:
        from domains.parts.station.outputs.webhook import WebhookOutput

        made.append(WebhookOutput(station.name, options.webhook))
    if options.csv is not None:
        from domains.parts.station.outputs.csv_file import CsvOutput

        made.append(CsvOutput(station.name, options.csv))
    return made


def make_gate(station: StationFile, outputs: Sequence[StationOutput]) -> GateRunner | None:
    """Return what runs the reject gate; None where the station file has none.

    Args:
        station: The station file, which has Modbus where it has a gate.
        outputs: Its outputs.
    """
    if station.reject is None:
        return None
    from domains.parts.station.outputs.modbus import ModbusOutput

    (modbus,) = (one for one in outputs if isinstance(one, ModbusOutput))
    return GateRunner(station.reject, modbus.show_gate)


def _opcua_output(station: StationFile, options: OpcuaOptions, post: Post) -> StationOutput:
    from domains.parts.station.outputs.opcua import OpcuaOutput

    longest_s = max(recipe.deadline_ms for recipe in station.recipes) / 1000
    return OpcuaOutput(
        station.name,
        options,
        post,
        takes_triggers=station.trigger.kind == "opcua",
        products={recipe.number: recipe.product for recipe in station.recipes},
        job_limit_s=longest_s + OPCUA_SPARE_S,
    )
