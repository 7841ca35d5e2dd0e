"""A running station with every output on: how long from a PLC's trigger to the result.

The station is its own process and reads a video file of a camera's size, 1280 x 960, in whose
middle lies a solar cell, four of five good: the recipe's region of interest. A PLC triggers it over
Modbus, part after part, while MQTT, OPC UA, a webhook and CSV run as well. Counted are the
station's own microseconds from trigger to record, and what passes at the PLC until it has read the
result (it polls every 2 ms). Memory is the station's, after the first 500 parts and at the end, and
nothing is to be imported in between. STATION_PARTS sets how many parts there are.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray

from core.people import Person
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.store import open_store
from core.settings import Settings
from core.types import Targets
from domains.parts.station.demo import running_broker
from domains.parts.station.plc.client import StationClient
from domains.parts.station.result import LineReason
from tests.benchmarks import speed
from tests.benchmarks.sets import HOME
from tests.domains.parts.station.broker import free_port
from tests.station_process import running, station_file, write_video

PARTS = 10_000
FRAMES = 50
SIZE, CELL = (960, 1280), 300
REGION = ((SIZE[1] - CELL) // 2, (SIZE[0] - CELL) // 2, CELL, CELL)
WARM = 500
REASONS = {reason.number: reason.name for reason in LineReason}
# Runs in the station: a line every second with what is allocated, and modules that are new.
WATCHED = """
import json, sys, threading, time

def watch(path):
    known = set()
    with open(path, "w") as file:
        while True:
            new = set(sys.modules) - known
            known |= new
            line = {"at": time.monotonic(), "blocks": sys.getallocatedblocks(), "new": sorted(new)}
            file.write(json.dumps(line) + "\\n")
            file.flush()
            time.sleep(1)

threading.Thread(target=watch, args=(%r,), daemon=True).start()
from core.cli import main
main()
"""


def main() -> None:
    """Print median, p99 and p99.9 in milliseconds, and memory."""
    parts = int(os.environ.get("STATION_PARTS", PARTS))
    settings = Settings(home=HOME)
    bundle = speed.made(settings)
    home = Path(tempfile.mkdtemp(prefix="station-", dir=HOME))
    store = open_store(settings.model_copy(update={"home": home}))
    at_home = Settings(home=home)
    # Limits by which good cells pass, so that every verdict is timed.
    certify_bundle(open_bundle(bundle, settings), Targets(escape=0.2, overkill=0.2))
    deploy_bundle(bundle, store, at_home, product="cells", signed=Signed(Person.alone("bench")))
    store.close()
    write_video(home / "cells.avi", frames(parts + WARM), "FFV1")
    with ExitStack() as stack:
        modbus = free_port()
        webhook = stack.enter_context(receiver())
        outputs = {
            "modbus": {"port": modbus},
            "opcua": {"endpoint": f"opc.tcp://127.0.0.1:{free_port()}/assay"},
            "mqtt": {"port": stack.enter_context(running_broker(home))},
            "webhook": {"url": f"http://127.0.0.1:{webhook}/"},
            "csv": {"folder": str(home / "results")},
        }
        file = station_file(
            home,
            outputs,
            name="bench",
            product="cells",
            video=home / "cells.avi",
            deadline_ms=5000,
            region=REGION,
        )
        process = stack.enter_context(running(home, file, WATCHED % str(home / "watched")))
        plc = stack.enter_context(StationClient("127.0.0.1", modbus))
        if not plc.start(60.0):
            raise TimeoutError("expected the station to be ready within a minute")
        measure(plc, psutil.Process(process.pid), parts, home / "watched")
    shutil.rmtree(home)


def measure(plc: StationClient, process: psutil.Process, parts: int, watched: Path) -> None:
    """Trigger parts one after another, and print what was measured."""
    own, waited, results, reasons = [], [], Counter[str](), Counter[str]()
    memory, began = 0, 0.0
    for number in range(parts):
        if number == WARM:
            memory, began = process.memory_info().rss, time.monotonic()
        started = time.perf_counter()
        answer = plc.inspect(number % 65535 + 1, wait_s=10.0)
        waited.append(1e3 * (time.perf_counter() - started))
        results[answer.result] += 1
        if answer.block is not None:
            own.append(answer.block.elapsed_us / 1e3)
            reasons[REASONS.get(answer.block.reason_code, "none")] += 1
    grown = (process.memory_info().rss - memory) / 2**20
    print(f"parts: {parts}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    counts = ", ".join(f"{name} {count}" for name, count in (*results.items(), *reasons.items()))
    print(f"results and reasons: {counts}; answered {len(own)}")
    for name, times in {"trigger to record": own, "trigger to result read": waited}.items():
        middle, p99, p999 = np.quantile(times, [0.5, 0.99, 0.999])
        print(
            f"{name}: median {middle:.2f} ms, p99 {p99:.2f}, p99.9 {p999:.2f}, "
            f"most {max(times):.2f}; p99.9 / median {p999 / middle:.2f}"
        )
    print(f"memory: {memory / 2**20:.0f} MiB after {WARM} parts, {grown:+.1f} MiB at the end")
    report_watched(watched, began, parts)


def report_watched(path: Path, began: float, parts: int) -> None:
    """Print what was imported and allocated once the first parts were through."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    later = [one for one in lines if one["at"] >= began]
    imported = sorted({name for one in later for name in one["new"]})
    print(f"imported after {WARM} parts: {', '.join(imported) or 'nothing'}")
    # Caches that remember the last results are full by then where parts are many.
    second_half = later[len(later) // 2 :]
    at = np.array([one["at"] for one in second_half])
    blocks = np.array([one["blocks"] for one in second_half])
    slope = np.polyfit(at - at[0], blocks, 1)[0] if len(at) > 1 else np.nan
    each = slope * (later[-1]["at"] - began) / (parts - WARM)
    print(
        f"allocated blocks: {later[0]['blocks']} after {WARM} parts, {later[-1]['blocks']} at the "
        f"end; in the second half {each:+.2f} a part"
    )


def frames(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of a camera with a cell in the middle, each frame a little different."""
    left, top, width, height = REGION
    pictures = cells(FRAMES)
    for number in range(count):
        frame = np.full((*SIZE, 3), 90, np.uint8)
        cell = pictures[number % len(pictures)].copy()
        place = number // len(pictures)
        cell[place // 64, place % 64] = 255
        frame[top : top + height, left : left + width] = cell
        frame[:8, :8] = number % 251
        yield frame


def cells(count: int) -> list[NDArray[np.uint8]]:
    """Return held-out cells, four good ones and then one that is not, and so on."""
    with (HOME / "elpv" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "cal"]
    good = iter(row["file"] for row in rows if row["label"] == "functional")
    bad = iter(row["file"] for row in rows if row["label"] == "defective")
    names = [next(bad if number % 5 == 4 else good) for number in range(count)]
    return [cv2.imread(str(HOME / "elpv" / name)) for name in names]


@contextmanager
def receiver() -> Iterator[int]:
    """Yield the port of a receiver of webhooks."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()
