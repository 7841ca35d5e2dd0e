"""A running station with every output on: how long from a PLC's trigger to the result.

The station is its own process and reads a video file of a camera's size, 1280 x 960; a PLC triggers
it over Modbus, part after part, while MQTT, OPC UA, a webhook and CSV run as well. Counted are the
station's own microseconds from trigger to record, and what passes at the PLC until it has read the
result (it polls every 2 ms). Memory is the station's, after the first 500 parts and at the end.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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

from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.demo import running_broker
from domains.parts.station.plc.client import StationClient
from tests.benchmarks import speed
from tests.benchmarks.live import camera_pictures
from tests.benchmarks.sets import HOME
from tests.domains.parts.station.broker import free_port

PARTS = 10_000
FRAMES = 50
WARM = 500
MAIN = "from core.cli import main; main()"

STATION = """
name = "bench"

[trigger]
kind = "modbus"

[outputs.modbus]
port = {modbus}

[outputs.opcua]
endpoint = "opc.tcp://127.0.0.1:{opcua}/assay"

[outputs.mqtt]
port = {mqtt}

[outputs.webhook]
url = "http://127.0.0.1:{webhook}/"

[outputs.csv]
folder = "{folder}/results"

[[recipes]]
number = 1
product = "cells"
deadline_ms = 5000

[[recipes.cameras]]
name = "top"
kind = "video"
source = "{folder}/cells.avi"
discard = 0
"""


def main() -> None:
    """Print median, p99 and p99.9 in milliseconds, and memory."""
    parts = int(os.environ.get("STATION_PARTS", PARTS))
    settings = Settings(home=HOME)
    bundle = speed.made(settings)
    home = Path(tempfile.mkdtemp(prefix="station-", dir=HOME))
    store = open_store(settings.model_copy(update={"home": home}))
    at_home = Settings(home=home)
    deploy_bundle(bundle, store, at_home, product="cells", signed=Signed("bench"))
    store.close()
    write_video(home / "cells.avi", parts)
    with ExitStack() as stack:
        ports = {
            "modbus": free_port(),
            "opcua": free_port(),
            "mqtt": stack.enter_context(running_broker(home)),
            "webhook": stack.enter_context(receiver()),
        }
        file = home / "station.toml"
        file.write_text(STATION.format(folder=home, **ports))
        process = stack.enter_context(running(home, file))
        plc = stack.enter_context(StationClient("127.0.0.1", ports["modbus"]))
        if not plc.start(60.0):
            raise TimeoutError("expected the station to be ready within a minute")
        measure(plc, psutil.Process(process.pid), parts)
    shutil.rmtree(home)


def measure(plc: StationClient, process: psutil.Process, parts: int) -> None:
    """Trigger parts one after another, and print what was measured."""
    own, waited, results = [], [], Counter[str]()
    memory = 0
    for number in range(parts):
        if number == WARM:
            memory = process.memory_info().rss
        started = time.perf_counter()
        answer = plc.inspect(number % 65535 + 1, wait_s=10.0)
        waited.append(1e3 * (time.perf_counter() - started))
        results[answer.result] += 1
        if answer.block is not None:
            own.append(answer.block.elapsed_us / 1e3)
    grown = (process.memory_info().rss - memory) / 2**20
    print(f"parts: {parts}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"results: {dict(results)}; answered {len(own)}")
    for name, times in {"trigger to record": own, "trigger to result read": waited}.items():
        middle, p99, p999 = np.quantile(times, [0.5, 0.99, 0.999])
        print(
            f"{name}: median {middle:.2f} ms, p99 {p99:.2f}, p99.9 {p999:.2f}, "
            f"most {max(times):.2f}; p99.9 / median {p999 / middle:.2f}"
        )
    print(f"memory: {memory / 2**20:.0f} MiB after {WARM} parts, {grown:+.1f} MiB at the end")


def write_video(path: Path, frames: int) -> None:
    """Write cells as a video of a camera's size, each frame a little different."""
    pictures = [
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        for data in camera_pictures(sorted((HOME / "elpv" / "images").iterdir())[:FRAMES])
    ]
    size = pictures[0].shape[1], pictures[0].shape[0]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, size)
    for number in range(frames + WARM):
        frame = pictures[number % len(pictures)].copy()
        place = number // len(pictures)
        frame[place // 64, place % 64] = 255
        frame[:8, :8] = number % 251
        video.write(frame)
    video.release()


@contextmanager
def running(home: Path, file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the station, in a process of its own."""
    command = [sys.executable, "-c", MAIN, "parts", "station", "run", str(file)]
    environment = {**os.environ, "ASSAY_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


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
