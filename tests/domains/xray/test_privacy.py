"""A patient's name goes through the whole house and comes out nowhere but where it belongs."""

import io
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from core.records.audit import export
from core.service.store import open_store
from core.settings import Settings
from domains.xray.demo.lane import STARTER
from tests.commands import ASSAY
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, encodings, part10

pytestmark = pytest.mark.service

PRIVATE = (CANARY, "19610203", "20260102", "101112")


def _files():
    chest = a_chest()
    sound = encodings(chest)
    torn = bytearray(part10(an_object(chest, SOPInstanceUID="1.2.3.4.7")))
    return {
        "sound": sound["explicit little endian"],
        "other": sound["JPEG 2000"].replace(b"1.2.3.4.1", b"1.2.3.4.2"),
        "torn": bytes(torn[: len(torn) // 2]),
        "old": part10(an_object(chest, SOPInstanceUID="1.2.3.4.5", PatientAge="099Y")),
        "wrong": part10(
            an_object(chest, SOPInstanceUID="1.2.3.4.6", Modality="CT", ViewPosition="LL")
        ),
        "huge": part10(an_object(chest, SOPInstanceUID="1.2.3.4.8", Rows=60_000)),
    }


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, network_home):
    """Everything that the commands printed, and the home folder, after objects full of canaries."""
    root, files = tmp_path_factory.mktemp("private"), _files()
    home, inbox, sent = root / "home", root / "inbox", root / "sent"
    sent.mkdir()
    home.mkdir()
    (home / "cache").symlink_to((network_home / "cache").resolve(), target_is_directory=True)
    env = {**os.environ, "ASSAY_HOME": str(home), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    words = ["xray", "listen", "--port", "0", "--watch", str(inbox), "--keep-free", "0"]
    node = subprocess.Popen(
        [*ASSAY, *words, "--debug"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    port = int(re.search(rb":(\d+)\n", node.stdout.readline() + node.stdout.readline())[1])
    for name, data in files.items():
        (sent / f"{name}.dcm").write_bytes(data)
        subprocess.run(
            ["storescu", "-xv" if name == "other" else "-xe", "-aec", "ASSAY",
             "127.0.0.1", str(port), str(sent / f"{name}.dcm")],
            check=False, capture_output=True, timeout=60,
        )  # fmt: skip
    printed = []

    def run(*words):
        done = subprocess.run([*ASSAY, *words], env=env, capture_output=True, timeout=300)
        printed.append(done.stdout + done.stderr)

    run("worker", str(STARTER), "--once", "--json", "--debug")
    node.send_signal(signal.SIGTERM)
    printed += node.communicate(timeout=60)
    run("queue", "--json")
    run("assess", str(STARTER), str(sent), "--json")
    run("audit", "export")
    return home, b"\n".join(printed).decode()


def test_objects_full_of_names_are_judged(outputs):
    _, printed = outputs
    judged = [json.loads(line) for line in printed.splitlines() if '"assay.assessment/1"' in line]
    assert len(judged) == len(_files())
    assert {one["disposition"] for one in judged} == {"defer"}
    assert any(json.loads(line).get("event") == "received" for line in _events(printed))
    assert any(json.loads(line).get("event") == "judged" for line in _events(printed))


def test_nothing_private_is_said_by_any_command(outputs):
    _, printed = outputs
    assert [line for line in printed.splitlines() if any(word in line for word in PRIVATE)] == []


def test_nothing_private_is_in_a_file_name_or_the_audit_log(outputs):
    home, _ = outputs
    names = "\n".join(str(path.relative_to(home)) for path in home.rglob("*"))
    log = io.StringIO()
    store = open_store(Settings(home=home))
    assert export(store, log) > 0
    store.close()
    assert [word for word in PRIVATE if word in names + log.getvalue()] == []


def test_what_is_kept_of_a_name_lies_in_the_store_and_the_objects_alone(outputs):
    home, _ = outputs
    holders = {
        path.relative_to(home).parts[0]
        for path in home.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    }
    assert holders <= {"blobs", "assay.sqlite", "assay.sqlite-wal"}
    assert "blobs" in holders


def _events(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith('{"at"')]


def test_the_starter_is_where_the_demo_looks_for_it():
    assert (Path(STARTER) / "bundle.json").is_file()
