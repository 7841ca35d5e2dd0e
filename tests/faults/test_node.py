"""The node under violence: kill -9 in the middle of sends, no room, and bytes nobody would send.

ASSAY_FAULT_OBJECTS and ASSAY_FAULT_KILLS set how much is sent and how often the node dies (2000 and
8 are the long form), ASSAY_FUZZ_S for how long nonsense is sent (60 is the long form).
"""

import contextlib
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import psutil
import pytest
import requests
from pynetdicom import AE
from sqlalchemy import select

from core.records import blobs
from core.records.connection import open_store, reading
from core.records.tables import JOBS, RECEIPTS
from core.service.audit import check
from core.settings import Settings
from tests.domains.xray.wire import DX, VERIFICATION, a_node, an_object, calling, file_of, raw

OBJECTS = int(os.environ.get("ASSAY_FAULT_OBJECTS", "200"))
KILLS = int(os.environ.get("ASSAY_FAULT_KILLS", "2"))
FUZZ_S = float(os.environ.get("ASSAY_FUZZ_S", "3"))
SENDERS = 3
XRAY = [sys.executable, "-c", "from domains.xray.commands import app; app()"]

pytestmark = [pytest.mark.service, pytest.mark.timeout(max(300, OBJECTS, 4 * FUZZ_S))]


class Node:
    """`assay xray listen` as a process that can be killed and started again on its ports."""

    def __init__(self, home, *words):
        self.home, self.words = home, words
        self.ports = {"--port": 0, "--stow-port": 0}
        self.process = None

    def start(self):
        ports = [str(word) for pair in self.ports.items() for word in pair]
        self.process = subprocess.Popen(
            [*XRAY, "listen", "--keep-free", "0", *ports, *self.words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "ASSAY_HOME": str(self.home), "PYTHONUNBUFFERED": "1"},
        )
        for line in iter(self.process.stdout.readline, ""):
            option = "--port" if line.startswith("DICOM") else "--stow-port"
            if found := re.search(r"127\.0\.0\.1:(\d+)", line):
                self.ports[option] = int(found[1])
            if option == "--stow-port" and found:
                return self
        raise AssertionError("the node did not start")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    @property
    def port(self):
        return self.ports["--port"]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports['--stow-port']}/studies"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    home = tmp_path_factory.mktemp("node")
    started = Node(home, "--watch", str(home / "in")).start()
    yield started
    started.kill()


def on_record(home):
    """Give what the store holds: sha256 by key of what is kept, and how many jobs there are."""
    store = open_store(home / "assay.sqlite")
    with reading(store) as connection:
        query = select(RECEIPTS.c.key, RECEIPTS.c.sha256).where(RECEIPTS.c.state == "kept")
        receipts = [tuple(row) for row in connection.execute(query)]
        jobs = Counter(connection.scalars(select(JOBS.c.key)))
    store.close()
    assert len(dict(receipts)) == len(receipts)
    assert set(jobs.values()) <= {1}
    assert len(jobs) == len(receipts)
    return dict(receipts)


class Sender(threading.Thread):
    """Sends its share in order, again and again until each is acknowledged."""

    def __init__(self, node, numbers):
        super().__init__(daemon=True)
        self.node, self.numbers = node, numbers
        self.acknowledged = {}

    def run(self):
        left = list(self.numbers)
        while left:
            with (
                contextlib.suppress(RuntimeError),
                calling(self.node.port) as to,
            ):
                while left and to.is_established:
                    sent = an_object(str(left[0]), study=f"1.2.{left[0] % 50}")
                    if to.send_c_store(sent).get("Status") == 0:
                        self.acknowledged[sent.SOPInstanceUID] = time.monotonic()
                        left.pop(0)
            time.sleep(0.05)


def test_kill_9_in_the_middle_of_sends_loses_and_doubles_nothing_that_was_acknowledged(tmp_path):
    node = Node(tmp_path).start()
    senders = [Sender(node, range(one, OBJECTS, SENDERS)) for one in range(SENDERS)]
    for sender in senders:
        sender.start()
    for strike in range(1, KILLS + 1):
        while sum(len(sender.acknowledged) for sender in senders) < strike * OBJECTS // (KILLS + 1):
            assert any(sender.is_alive() for sender in senders)
            time.sleep(0.002)
        node.kill()
        acknowledged = {key for sender in senders for key in list(sender.acknowledged)}
        kept = on_record(tmp_path)
        assert acknowledged <= kept.keys()
        report = blobs.verify(tmp_path / "blobs", kept.values())
        assert (report.altered, report.missing) == ((), ())
        node.start()
    for sender in senders:
        sender.join(timeout=OBJECTS)
        assert not sender.is_alive()
    node.kill()
    kept = on_record(tmp_path)
    assert kept.keys() == {f"1.2.{number % 50}.{number}" for number in range(OBJECTS)}
    assert blobs.verify(tmp_path / "blobs", kept.values()).missing == ()
    assert check(Settings(home=tmp_path)).faults == ()


@pytest.fixture
def no_room(node):
    """Let no file of the node grow beyond a size; gives a function that says which."""
    _, hard = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)

    def limit(size):
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, hard))

    yield limit
    limit(hard)


@pytest.mark.parametrize("room", [4096, 1], ids=["for no picture", "for nothing"])
def test_a_full_disk_is_a_refusal_by_every_door_and_all_goes_on_when_there_is_room(
    node, no_room, room
):
    study = f"1.9.{room}"
    by_dimse, by_stow, by_folder = (an_object(n, study=study, side=100) for n in "123")
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    body = b"--b\r\n\r\n" + file_of(by_stow) + b"\r\n--b--\r\n"
    before = on_record(node.home)
    no_room(room)
    with calling(node.port) as association:
        assert [association.send_c_store(by_dimse).Status for _ in range(2)] == [0xA700] * 2
        assert requests.post(node.url, body, headers=headers, timeout=20).status_code == 503
        (node.home / "in" / f"{room}.dcm").write_bytes(file_of(by_folder))
        time.sleep(2.5)
        assert on_record(node.home) == before
        no_room(resource.RLIM_INFINITY)
        assert association.send_c_store(by_dimse).Status == 0
    assert requests.post(node.url, body, headers=headers, timeout=20).status_code == 200
    assert on_record(node.home).keys() - before.keys() >= {f"{study}.1", f"{study}.2"}
    assert (node.home / "in" / f"{room}.dcm").exists()  # it waits its turn
    assert blobs.verify(node.home / "blobs", on_record(node.home).values()).missing == ()


def recorded_association(home):
    """Give what pynetdicom writes for an echo, an object and a release, as separate PDUs."""
    import tempfile
    from pathlib import Path

    payloads = []
    with tempfile.TemporaryDirectory() as home, a_node(Path(home), port=0) as (_, listener):
        from pynetdicom import evt

        ae = AE("PACS")
        for one in (DX, VERIFICATION):
            ae.add_requested_context(one, ["1.2.840.10008.1.2.1"])
        handlers = [(evt.EVT_DATA_SENT, lambda event: payloads.append(event.data))]
        to = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY", evt_handlers=handlers)
        to.send_c_echo()
        to.send_c_store(an_object("1", study="1.66"))
        to.release()
    return payloads


def spoilt(rng, content):
    """Change, drop, double or swell a few bytes."""
    spoilt = bytearray(content)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(spoilt) or 1)
        match rng.randrange(5):
            case 0:
                spoilt[at : at + 1] = rng.randbytes(1)
            case 1:
                spoilt[at : at + rng.randrange(1, 40)] = b""
            case 2:
                spoilt[at:at] = spoilt[at : at + rng.randrange(1, 40)]
            case 3:
                spoilt[at : at + 4] = rng.choice([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff"])
            case 4:
                spoilt[at:at] = rng.randbytes(rng.randrange(1, 400))
    return bytes(spoilt)


def nonsense_by_dimse(node, rng, pdus, until):
    while time.monotonic() < until:
        with contextlib.suppress(OSError), raw(node.port) as caller:
            caller.settimeout(0.05)
            wrong = rng.randrange(len(pdus) + 1)
            for number, pdu in enumerate(pdus):
                caller.sendall(spoilt(rng, pdu) if number >= wrong or wrong == len(pdus) else pdu)
                with contextlib.suppress(TimeoutError):
                    caller.recv(65536)


def nonsense_by_web(node, rng, until):
    part = b"--b\r\nContent-Type: application/dicom\r\n\r\n"
    body = part + file_of(an_object("2", study="1.66")) + b"\r\n--b--\r\n"
    head = (
        b"POST /studies HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; "
        b'type="application/dicom"; boundary=b\r\nContent-Length: %d\r\n\r\n' % len(body)
    )
    while time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", node.ports["--stow-port"])) as caller,
        ):
            caller.settimeout(0.05)
            whole = rng.random() < 0.5
            caller.sendall((head if whole else spoilt(rng, head)) + spoilt(rng, body))
            caller.recv(65536)


def nonsense_by_folder(node, rng, until):
    number = 0
    while time.monotonic() < until:
        number += 1
        content = file_of(an_object("3", study=f"1.66.{number}"))
        (node.home / "in" / f"n{number}").write_bytes(spoilt(rng, content))
        time.sleep(0.02)


def test_nonsense_at_every_door_ends_neither_the_process_nor_its_service(node, tmp_path):
    process, pdus = psutil.Process(node.process.pid), recorded_association(tmp_path)
    assert [pdu[0] for pdu in pdus] == [1, 4, 4, 4, 5]
    until = time.monotonic() + FUZZ_S
    senders = [
        threading.Thread(target=nonsense_by_dimse, args=(node, random.Random(1), pdus, until)),
        threading.Thread(target=nonsense_by_dimse, args=(node, random.Random(2), pdus, until)),
        threading.Thread(target=nonsense_by_web, args=(node, random.Random(3), until)),
        threading.Thread(target=nonsense_by_folder, args=(node, random.Random(4), until)),
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert node.process.poll() is None
    with calling(node.port) as association:
        assert association.send_c_echo().Status == 0
        assert association.send_c_store(an_object("9", study="1.67")).Status == 0
    assert requests.post(node.url, b"", timeout=20).status_code == 400
    assert process.memory_info().rss < 600 << 20
    kept = on_record(node.home)
    assert "1.67.9" in kept
    assert blobs.verify(node.home / "blobs", kept.values()).missing == ()
