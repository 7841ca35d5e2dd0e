"""The demo's station lane: real cells replayed as a line, with a few faults among them."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import cv2
import numpy as np

from core.people import Person
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.progress import Progress
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.faults.broker import installed_broker
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.line.station import run_station
from domains.parts.station.options import CsvOptions, MqttOptions, OutputOptions, TriggerOptions
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.result import LineReason, LineResult

PRODUCT = "solar-cells"
STATION = "demo-line"
PARTS = 40
LIMIT_S = 60.0
_EVERY = 6
_LAST_S = 0.5  # for which the last result is on its way to the broker


@dataclass(frozen=True, slots=True)
class ShownCell:
    """One file that the demo drops into the camera's folder.

    Attributes:
        name: Its name.
        data: Its bytes.
        fault: What is wrong with it; empty for a cell as it is.
    """

    name: str
    data: bytes
    fault: str = ""


def run_line(
    settings: Settings, bundle: Path, pictures: Sequence[Path], progress: Progress
) -> list[str]:
    """Return the table of a running station that pictures were replayed through as a line.

    Args:
        settings: Where things run; files go below the home folder.
        bundle: The certified bundle.
        pictures: Pictures of parts that nothing was fitted on.
        progress: Called with how far the work is.
    """
    folder = settings.home / "demo" / "line"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "camera").mkdir(parents=True)
    with open_store(settings) as store:
        deploy_bundle(bundle, store, settings, product=PRODUCT, signed=Signed(Person.alone("demo")))
    parts: list[InspectedPart] = []
    shown = with_faults(pictures[:: max(1, len(pictures) // PARTS)][:PARTS])
    with running_broker(folder) as broker, _received(broker) as topics:
        station = _station(folder, broker)
        with _running(station, settings, parts.append):
            _wait_for(lambda: not broker or bool(topics["assay/demo/status"]))
            for done, one in enumerate(shown, 1):
                _drop(folder / "camera", one)
                _wait_for(lambda done=done: len(parts) >= done)  # type: ignore[misc]
                progress("Inspecting on the line", done, len(shown))
    return _table(shown, parts, topics["assay/demo/result"] if broker else None)


def with_faults(pictures: Sequence[Path]) -> list[ShownCell]:
    """Return the pictures as files, with a faulty one after every few."""
    shown: list[ShownCell] = []
    # A name that the station has judged before is not judged again.
    run = secrets.token_hex(2)
    for number, path in enumerate(pictures, 1):
        data = path.read_bytes()
        shown.append(ShownCell(f"{run}-{number:03}{path.suffix}", data))
        if number % _EVERY == 0:
            makers = _FAULTS
            fault, make = makers[number // _EVERY % len(makers)]
            shown.append(ShownCell(f"{run}-{number:03}-fault{path.suffix}", make(data), fault))
    return shown


def _dark(data: bytes) -> bytes:
    del data
    noise = np.random.default_rng(0).integers(0, 4, (300, 300)).astype(np.uint8)
    return bytes(cv2.imencode(".png", noise)[1])


def _text(data: bytes) -> bytes:
    del data
    return b"not a picture" * 99


def _plate(data: bytes) -> bytes:
    del data
    return bytes(cv2.imencode(".png", draw_plate(np.random.default_rng(3)))[1])


_FAULTS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("file cut off", lambda data: data[: len(data) // 3]),
    ("light off", _dark),
    ("the same frame again", lambda data: data),
    ("another product", _plate),
    ("no picture at all", _text),
)


def _station(folder: Path, broker: int) -> StationFile:
    camera = CameraOptions(name="top", source=str(folder / "camera"))
    mqtt = MqttOptions(port=broker, topic="assay/demo", client_id=STATION) if broker else None
    return StationFile(
        name=STATION,
        trigger=TriggerOptions(settle_ms=20),
        outputs=OutputOptions(csv=CsvOptions(folder=str(folder / "results")), mqtt=mqtt),
        reserve_mb=1,
        recipes=(Recipe(number=1, product=PRODUCT, deadline_ms=3000, cameras=(camera,)),),
    )


@contextmanager
def _running(
    station: StationFile, settings: Settings, on_part: Callable[[InspectedPart], None]
) -> Iterator[None]:
    stop = Flag()
    run = Thread(
        target=run_station,
        args=(station, settings),
        kwargs={"stop": stop, "on_part": on_part},
        name="station",
        daemon=True,
    )
    run.start()
    # The faults are in the table; the station's log of them would stand between the bars.
    logging.disable(logging.WARNING)
    try:
        yield
        time.sleep(_LAST_S)
    finally:
        stop.set()
        run.join(LIMIT_S)
        logging.disable(logging.NOTSET)


def _drop(folder: Path, one: ShownCell) -> None:
    """Put a file where the camera's pictures arrive, whole at once."""
    draft = folder / f".{one.name}.tmp"
    draft.write_bytes(one.data)
    os.replace(draft, folder / one.name)


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"expected an answer of the station within {LIMIT_S:g} s")
        time.sleep(0.005)


@contextmanager
def running_broker(folder: Path) -> Iterator[int]:
    """Yield the port of mosquitto where it is installed; 0 where it is not."""
    with installed_broker(folder) as broker:
        yield broker.port if broker is not None else 0


@contextmanager
def _received(broker: int) -> Iterator[Counter[str]]:
    """Yield how much a subscriber of the broker gets, by topic."""
    topics: Counter[str] = Counter()
    if not broker:
        yield topics
        return
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion

    def count(client: Client, data: object, message: MQTTMessage) -> None:
        del client, data
        topics[message.topic] += 1

    def subscribe(client: Client, *_: object) -> None:
        client.subscribe("assay/demo/#", qos=1)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = count
    client.on_connect = subscribe
    client.connect_async("127.0.0.1", broker)
    client.loop_start()
    try:
        yield topics
    finally:
        client.disconnect()
        client.loop_stop()


def _table(
    shown: Sequence[ShownCell], parts: Sequence[InspectedPart], messages: int | None
) -> list[str]:
    results = Counter(part.result for part in parts)
    elapsed = np.array([part.elapsed_us / 1000 for part in parts])
    undecided = sum(LineReason.AMBIGUOUS in part.reasons for part in parts)
    faults = [(s, p) for s, p in zip(shown, parts, strict=True) if s.fault]
    passed = sum(p.result is LineResult.PASS for _, p in faults)
    counted = "   ".join(f"{result} {results[result]}" for result in LineResult)
    sent = "mosquitto is not installed: CSV alone" if messages is None else f"{messages} by MQTT"
    return [
        "",
        f"The same cells on a line: {len(parts)} pictures into a watched folder, {len(faults)} of "
        "them faulty",
        f"  results           {counted}; each picture answered once",
        f"  to a person       {undecided} of the failed lie between the certified limits",
        f"  picture to result {np.median(elapsed):.0f} ms median, {elapsed.max():.0f} ms slowest, "
        "on record before it leaves",
        f"  results sent      {len(parts)} in CSV, {sent}",
        f"  faults            {passed} of {len(faults)} passed",
        *(
            f"    {one.fault:<20}  {part.result:<4}  "
            f"{', '.join(reason.name for reason in part.reasons)}"
            for one, part in faults
        ),
        "",
    ]
