"""Where pictures to learn from come from: the station's cameras, a folder, or parts on record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from time import monotonic

from core.errors import AssayError, ConfigError
from core.imaging.files import ARCHIVE, list_pictures, open_file
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.records import blobs, pack_rows
from core.records.connection import Store
from core.records.pack_rows import PackRow
from core.settings import Settings
from core.types import Unreadable
from domains.parts.station.capture.cameras import Grabbed
from domains.parts.station.capture.part_id_reader import PartIdReader
from domains.parts.station.capture.sources.whole_file import CHECK
from domains.parts.station.judging.capture import CapturedPart
from domains.parts.station.judging.inspection import group_of
from domains.parts.station.learning.folder import GOOD, LearningFolder, PartPicture
from domains.parts.station.line.station import run_station
from domains.parts.station.part import CapturedFrame, InspectedPart, Trigger
from domains.parts.station.recipe import Recipe, StationFile
from domains.parts.station.records.parts import PACK, PART

_WATCH_S = 0.2
_PAGE = 200

OnPart = Callable[[InspectedPart], None]
Refuse = Callable[[str], None]


def capture(
    station: StationFile,
    recipe: Recipe,
    settings: Settings,
    into: LearningFolder,
    *,
    parts: int,
    wait_s: float,
    stop: Flag,
    on_part: OnPart,
) -> None:
    """Capture good parts as the running station would inspect them.

    Trigger, cameras, region, encoding, freshness and ids are the recipe's; every part is answered
    FAIL NOT_CERTIFIED and is on record.

    Args:
        station: The station file.
        recipe: The recipe.
        settings: Where things run.
        into: Where the pictures go.
        parts: How many parts.
        wait_s: Seconds without a part after which capturing ends.
        stop: Set to end before; set when this returns.
        on_part: Called with every part that was answered.

    Raises:
        ConfigError: The station cannot work as configured, or runs already.
        StoreError: The database failed at the start.
    """
    groups: set[str] = set()
    last_at = monotonic()

    def keep(part: CapturedPart) -> None:
        nonlocal last_at
        last_at = monotonic()
        if len(groups) < parts:
            new = into.add(GOOD, _pictures_of(part))
            groups.update(one.group for one in new)
        if len(groups) == parts:
            stop.set()

    def watch() -> None:
        while not stop.wait(_WATCH_S):
            if monotonic() - last_at > wait_s:
                stop.set()

    Thread(target=watch, name="end of capturing", daemon=True).start()
    # Reference parts are shown to what judges, and nothing does.
    alone = station.model_copy(update={"recipes": (recipe.model_copy(update={"challenge": None}),)})
    run_station(alone, settings, stop=stop, recipe=recipe.number, on_part=on_part, on_capture=keep)


def read_folder(
    folder: Path, recipe: Recipe, settings: Settings, refuse: Refuse
) -> Iterator[PartPicture]:
    """Yield the pictures of a folder that decode, as they are.

    A picture's part is its id as the recipe reads it; without one every file is a part of its own,
    but that in a recipe of several cameras the files of one part end in their names:
    `17-top.png` and `17-side.png`.

    Args:
        folder: The folder, with those in it.
        recipe: The recipe.
        settings: Limits of the files, and of the process that decodes them.
        refuse: Called with a sentence on each file that is left out.

    Raises:
        ConfigError: There is no such folder.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}.", hint="Name one with pictures.")
    with (
        FunctionSandbox(CHECK, settings, unparsed) as sandbox,
        PartIdReader(recipe, settings) as reader,
    ):
        for file in list_pictures([folder]):
            name = file.relative_to(folder).as_posix()
            incoming = open_file(file, settings.max_bytes)
            problem = incoming.problem
            if file.suffix.casefold() == ARCHIVE:
                problem = "It is an archive: unpack it."
            elif incoming.data is not None:
                problem = _problem_of(sandbox, incoming.data)
            if problem or incoming.data is None:
                refuse(f"{name}: {problem}")
                continue
            part_id = _id_of(reader, recipe, name, incoming.data)
            group = part_id or f"{folder.name}/{_without_camera(Path(name), recipe)}"
            yield PartPicture(name, group, incoming.data)


def read_parts(
    store: Store,
    station: str,
    recipe: Recipe,
    *,
    last: int,
    numbers: Sequence[int],
    refuse: Refuse,
) -> Iterator[PartPicture]:
    """Yield the pictures of parts that a station has on record.

    Args:
        store: The store.
        station: Name of the station.
        recipe: Their recipe.
        last: How many of the last parts, the newest first.
        numbers: Numbers of others.
        refuse: Called with a sentence on each part or picture that is left out.

    Raises:
        StoreError: The database failed.
    """
    rows = {row.number: row for row in islice(_newest(store, station, recipe), last)}
    for number in numbers:
        found = pack_rows.rows_of(
            store, PACK, PART, station, after=number - 1, before=number + 1, limit=1
        )
        if not found or found[0].body["recipe"] != recipe.number:
            refuse(f"part {number}: it is not on record for recipe {recipe.number}.")
        rows |= {row.number: row for row in found if row.body["recipe"] == recipe.number}
    for row in rows.values():
        yield from _read_part(store, station, row, refuse)


def _newest(store: Store, station: str, recipe: Recipe) -> Iterator[PackRow]:
    before: int | None = None
    while rows := pack_rows.rows_of(store, PACK, PART, station, before=before, limit=_PAGE):
        yield from (row for row in rows if row.body["recipe"] == recipe.number)
        before = rows[-1].number


def _read_part(store: Store, station: str, row: PackRow, refuse: Refuse) -> Iterator[PartPicture]:
    if not row.body["frames"]:
        refuse(f"part {row.number}: it has no picture on record.")
    for frame in row.body["frames"]:
        name = f"part {row.number}, {frame['camera']}"
        try:
            data = blobs.get(store.blobs, frame["sha256"])
        except AssayError as exc:
            refuse(f"{name}: {exc.message}")
            continue
        yield PartPicture(name, group_of(row.subject, station, row.number), data)


def _pictures_of(part: CapturedPart) -> list[PartPicture]:
    return [PartPicture(one.name or one.camera, part.group, one.data) for one in part.frames]


def _problem_of(sandbox: FunctionSandbox[Output], data: bytes) -> str:
    outcome = sandbox.call(data)
    return outcome.message if isinstance(outcome, Unreadable) else ""


def _id_of(reader: PartIdReader, recipe: Recipe, name: str, data: bytes) -> str:
    if recipe.part_id.source not in {"code", "file_name"}:
        return ""
    camera = next((one for one in recipe.cameras if one.kind == "folder"), recipe.cameras[0])
    frame = CapturedFrame(camera.name, data, None, 0.0, None, "", 1, Path(name).name)
    return reader(Trigger(0, 0.0), [Grabbed(camera.name, frame, ())]).part_id


def _without_camera(name: Path, recipe: Recipe) -> str:
    if len(recipe.cameras) > 1:
        for camera in recipe.cameras:
            stem = name.stem.removesuffix(camera.name)
            if stem != name.stem and stem.endswith(("-", "_")):
                return (name.parent / stem[:-1]).as_posix()
    return name.as_posix()
