"""What a station file asks for, made: cameras, what triggers them, and outputs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.settings import Settings
from domains.parts.station.changeover import Equipment
from domains.parts.station.identity import differences
from domains.parts.station.judges import Judges
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.part_id_reader import PartIdReader
from domains.parts.station.ports import Camera, Post, StationOutput, TriggerSource
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.sources.announced import AnnouncedCamera, announced_by_folder
from domains.parts.station.sources.folder import FolderSource
from domains.parts.station.sources.judged_files import JudgedFiles

if TYPE_CHECKING:
    from domains.parts.station.sources.video import VideoCamera

OPCUA_SPARE_S = 5.0


def equipment_of(station: StationFile, judges: Judges, settings: Settings) -> Equipment:
    """Return what makes the cameras and the id readers of recipes."""
    is_free = station.trigger.kind == "free_running"
    return Equipment(
        judges,
        partial(make_camera, is_announced=is_free),
        partial(PartIdReader, settings=settings),
        differences,
    )


def make_camera(options: CameraOptions, *, is_announced: bool = False) -> Camera:
    """Return a camera that is not open yet.

    Args:
        options: What the recipe says of it.
        is_announced: Whether a trigger source reads it, so that its frames come with triggers.

    Raises:
        ConfigError: A library that it needs is not installed.
    """
    if options.kind == "folder":
        return announced_by_folder(options)
    return AnnouncedCamera(options, lambda: True) if is_announced else _video_camera(options)


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
    match station.trigger.kind:
        case "file":
            made = [
                _folder_source(station, one, settings, post)
                for one in recipe.cameras
                if one.kind == "folder"
            ]
            wanted = "folder"
        case "free_running":
            made = [_free_source(one, post) for one in recipe.cameras if one.kind != "folder"]
            wanted = "video or genicam"
        case _:
            return []
    if len(made) != 1:
        raise ConfigError(
            f"The trigger {station.trigger.kind} needs exactly one camera of kind {wanted} in the "
            f"recipe {recipe.number}, got {len(made)}.",
            hint="Trigger recipes with more cameras by modbus, mqtt or opcua.",
        )
    return made


def _folder_source(
    station: StationFile, options: CameraOptions, settings: Settings, post: Post
) -> TriggerSource:
    record = settings.home / "stations" / f"{station.name}-files.sqlite"
    folder = Path(options.source)
    judged = JudgedFiles(record, folder)
    return FolderSource(options.name, folder, station.trigger, settings, judged, post)


def _free_source(options: CameraOptions, post: Post) -> TriggerSource:
    from domains.parts.station.sources.free_running import FreeRunningSource

    return FreeRunningSource(options, _video_camera(options), post)


def _video_camera(options: CameraOptions) -> VideoCamera:
    from domains.parts.station.sources.video import VideoCamera

    if options.kind == "genicam":
        from domains.parts.station.sources.genicam import genicam_camera

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
