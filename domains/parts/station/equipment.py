"""What a station file asks for, made: cameras, what triggers them, and outputs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from core.errors import ConfigError
from core.settings import Settings
from domains.parts.station.changeover import Equipment
from domains.parts.station.identity import differences
from domains.parts.station.judges import Judges
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.part_id_reader import PartIdReader
from domains.parts.station.ports import Camera, Post, StationOutput, TriggerSource
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.sources.dropped import FolderCamera
from domains.parts.station.sources.folder import FolderSource
from domains.parts.station.sources.judged_files import JudgedFiles

OPCUA_SPARE_S = 5.0


def equipment_of(judges: Judges, settings: Settings) -> Equipment:
    """Return what makes the cameras and the id readers of recipes."""
    return Equipment(judges, make_camera, partial(PartIdReader, settings=settings), differences)


def make_camera(options: CameraOptions) -> Camera:
    """Return a camera that is not open yet.

    Raises:
        ConfigError: A library that it needs is not installed.
    """
    match options.kind:
        case "folder":
            return FolderCamera(options)
        case "video":
            from domains.parts.station.sources.video import VideoCamera

            return VideoCamera(options)
        case "genicam":
            raise ConfigError(
                "Cameras of kind genicam are not supported yet.",
                hint="Use the camera's video device, or its frames as files in a folder.",
            )


def make_sources(
    station: StationFile, recipe: Recipe, settings: Settings, post: Post
) -> list[TriggerSource]:
    """Return what notices parts by itself, for the recipe that begins.

    Args:
        station: The station file.
        recipe: The recipe.
        settings: Where things run.
        post: Where triggers go.
    """
    if station.trigger.kind == "file":
        path = settings.home / "stations" / f"{station.name}-files.sqlite"
        return [
            FolderSource(
                camera.name,
                Path(camera.source),
                station.trigger,
                settings,
                JudgedFiles(path, Path(camera.source)),
                post,
            )
            for camera in recipe.cameras
            if camera.kind == "folder"
        ]
    return []


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
