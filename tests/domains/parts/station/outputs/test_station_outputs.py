"""A whole station and every receiver: each part reaches each of them once, whoever was away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import cv2
import numpy as np
import pytest

from core.records import outbox, queue
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import PRODUCT
from domains.parts.station.line.station import run_station
from domains.parts.station.options import (
    CsvOptions,
    MqttOptions,
    OpcuaOptions,
    OutputOptions,
    WebhookOptions,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.recipe import CameraOptions, Recipe, StationFile
from domains.parts.station.records.parts import parts_of
from tests.domains.parts.station.broker import Broker, free_port, listens
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.opcua_client import Peer
from tests.domains.parts.station.outputs.mqtt.peers import fresh, subscribed
from tests.domains.parts.station.outputs.test_webhook import Receiver, serving

pytestmark = [pytest.mark.trained, pytest.mark.service, pytest.mark.slow]
NAME = "outputs-line"


@contextmanager
def running(
    home: Path, camera: CameraOptions, outputs: OutputOptions, trigger: str = "file"
) -> Iterator[None]:
    recipe = Recipe(number=5, product=PRODUCT, deadline_ms=10_000, cameras=(camera,))
    station = StationFile.model_validate(
        {
            "name": NAME,
            "recipes": [recipe],
            "reserve_mb": 1,
            "outputs": outputs,
            "trigger": {"kind": trigger},
        }
    )
    stop = Flag()
    thread = Thread(target=run_station, args=(station, Settings(home=home)), kwargs={"stop": stop})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(40.0)
    assert not thread.is_alive()


def test_every_part_reaches_every_receiver_once(rig_home, tmp_path):
    cameras = tmp_path / "camera"
    cameras.mkdir()
    records = open_store(Settings(home=rig_home))
    rng = np.random.default_rng(5)

    def drop(*names):
        before = len(parts_of(records, NAME))
        for name in names:
            cv2.imwrite(str(cameras / f"{name}.png"), draw_plate(rng, 0.9))
        wait_for(lambda: len(parts_of(records, NAME)) == before + len(names), "parts", 60.0)

    def undelivered():
        counts = queue.waiting(records).items()
        return sum(n for (kind, state), n in counts if kind == outbox.DELIVER and state != "done")

    with ExitStack() as stack:
        broker = Broker(tmp_path)
        stack.callback(broker.stop)
        broker.start()
        receiver = stack.enter_context(serving(Receiver()))
        watcher = stack.enter_context(subscribed(broker.port))
        endpoint = f"opc.tcp://127.0.0.1:{free_port()}/assay"
        outputs = OutputOptions(
            mqtt=MqttOptions(port=broker.port, topic="line", valid_s=1.0),
            webhook=WebhookOptions(url=receiver.url, timeout_s=1.0),
            csv=CsvOptions(folder=str(tmp_path / "csv")),
            opcua=OpcuaOptions(endpoint=endpoint),
        )
        with running(rig_home, CameraOptions(name="top", source=str(cameras)), outputs):
            wait_for(lambda: watcher.bodies("status"), "the status", 60.0)
            wait_for(lambda: watcher.bodies("status")[-1]["status"]["Online"], "Online", 60.0)
            drop("a", "b")
            wait_for(lambda: len(watcher.of("result")) == 2, "results")
            wait_for(lambda: undelivered() == 0, "the receipts")
            broker.stop()
            receiver.status = 503
            drop("c")
            broker.start()
            receiver.status = 204
            wait_for(lambda: watcher.of("history"), "the history", 90.0)
            wait_for(lambda: undelivered() == 0, "every receipt", 90.0)
            drop("d")
            # A client takes back what clients took; a stop of the operator is ended as such.
            for name, reason in (
                ("offline", OfflineReason.PLC),
                ("stop", OfflineReason.OPERATOR),
                ("online", OfflineReason.OPERATOR),
                ("acknowledge", OfflineReason.NONE),
            ):
                answers = len(watcher.of("answer"))
                watcher.publish("command", fresh(name, name=name))
                wait_for(lambda had=answers: len(watcher.of("answer")) > had, "the answer")
                statuses = len(watcher.of("status"))
                wait_for(lambda had=statuses: len(watcher.of("status")) > had + 1, "a status")
                assert watcher.bodies("status")[-1]["status"]["OfflineReason"] == reason
            peer = Peer(endpoint)
            kept = peer.call("GetResultListFiltered", 0, "", "", "", "", 0, 0)[2]
            peer.close()
        # What arrived last was noted at the end: nothing is left to come once more.
        assert undelivered() == 0
        ids = watcher.ids("result") + watcher.ids("history")
        assert len(watcher.ids("result")) == 3
        assert len(set(ids)) == len(ids) == 4
        assert {one.ResultId for one in kept} == set(ids)
        assert {one.ResultContent[0].Value for one in kept} == {2}
        assert set(receiver.ids) == set(ids)
        [path] = (tmp_path / "csv").glob("*.csv")
        lines = [line.split(",")[1] for line in path.read_text().splitlines()[1:]]
        assert sorted(lines) == sorted(ids)
    records.close()


def test_a_client_of_opc_ua_runs_a_station_job_by_job(rig_home, tmp_path):
    rng = np.random.default_rng(6)
    video = str(tmp_path / "line.avi")
    writer = cv2.VideoWriter(video, cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (128, 128))
    for _ in range(600):
        writer.write(cv2.resize(draw_plate(rng, 0.9), (128, 128)))
    writer.release()
    camera = CameraOptions(name="top", kind="video", source=video, discard=0)
    port = free_port()
    endpoint = f"opc.tcp://127.0.0.1:{port}/assay"
    outputs = OutputOptions(opcua=OpcuaOptions(endpoint=endpoint))
    records = open_store(Settings(home=rig_home))
    before = len(parts_of(records, NAME))
    with running(rig_home, camera, outputs, trigger="opcua"):
        wait_for(lambda: listens(port), "the server", 60.0)
        peer = Peer(endpoint)
        try:
            peer.subscribe()
            for number in range(1, 6):
                wait_for(
                    lambda: peer.state() == 6 and peer.read("StatusBlock.TriggerReady"), "Ready"
                )
                job, error = peer.call("StartSingleJob", f"m{number}", f"P{number}", "5", PRODUCT)
                assert error == 0
                events = dict(peer.events_until("ResultReady"))
                assert events["ResultReady"].JobId == job
                result = peer.call("GetResultById", events["ResultReady"].ResultId)[0]
                assert (result.MeasId, result.JobId) == (f"m{number}", job)
                assert result.ResultContent[0].Value == 2
        finally:
            peer.close()
    assert len(parts_of(records, NAME)) == before + 5
    records.close()
