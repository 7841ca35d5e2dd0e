"""A third party's pack: one folder, one entry-point line, and the whole loop runs on it.

The distribution is built as a wheel, installed with pip into a folder of its own and found through
its entry point alone; nothing in ``core/`` or ``dashboard/`` knows of it.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.commands import ASSAY

WELDS = '''
"""Weld seams: sound, flawed, or a welder looks."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import typer

from core.imaging.decode import decode
from core.logs import Event
from core.packs import DomainPack, JobKind, MessageOutput
from core.types import Disposition, Finding, Frame, Prepared, Reason


logger = logging.getLogger(__name__)
commands = typer.Typer()


@commands.callback()
def welds() -> None:
    """Weld seams."""


@commands.command()
def listen(folder: Path, urgent: str = "") -> None:
    """Take what lies in a folder; a real listener would stay."""
    from core.logs import confined
    from core.records import blobs
    from core.records.intake import receive
    from core.service.store import open_store
    from core.settings import Settings

    store = open_store(Settings())
    with confined():
        for number, path in enumerate(sorted(folder.iterdir())):
            (sha256,) = blobs.put_many(store.blobs, [path.read_bytes()])
            meta = {"name": path.name, "priority": "line stop" if path.name == urgent else ""}
            receive(store, pack="welds", key=path.name, sha256=sha256, source="line", meta=meta)
            logger.info(Event("seam received", {"seam": f"W-{number}", "pack": "welds"}))


def count(context) -> dict[str, int]:
    """Count the seams of a case, as a job that follows its verdict."""
    from core.records.worklist import case_detail

    seams = len(case_detail(context.store, context.job.key).images)
    context.progress(seams, seams, "Counting seams", {"seams": seams})
    logger.info(Event("seam counted", {"job": context.job.id}))
    return {"seams": seams}


def send(message, settings) -> None:
    """Tell the line."""
    sent = {"id": message.id, "file": message.body["file"], "wording": message.body["wording"]}
    with (settings.home / "line.jsonl").open("a") as file:
        file.write(json.dumps(sent) + "\\n")


def prepare(frame: Frame, size: int) -> Prepared:
    grey = frame.pixels[:, :, 0]
    square = cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA)
    pixels = np.repeat((square >> (frame.bit_depth - 8)).astype(np.uint8)[:, :, None], 3, axis=2)
    flat = float(pixels.std()) < 1.0
    findings = (Finding(Reason.WRONG_INPUT, "no seam in the picture."),) if flat else ()
    measures = {"brightness": float(pixels.mean())}
    return Prepared(pixels, frame.sha256, frame.source_size, findings, measures)


pack = DomainPack(
    name="welds",
    title="Weld seams, sound or flawed.",
    wording={
        Disposition.NEGATIVE: "SOUND",
        Disposition.POSITIVE: "FLAWED",
        Disposition.DEFER: "LOOK",
    },
    error_names=("missed flaw", "false alarm"),
    negative_labels=frozenset({"good"}),
    read=decode,
    prepare=prepare,
    jobs=(JobKind("welds.count", "welds_pack:count"),),
    after_decision="welds.count",
    outputs=(
        MessageOutput("welds.line", "welds_pack:send"),
        MessageOutput("welds.office", "welds_pack:send", needs_decisions=False),
    ),
    priorities={"LINE STOP": 50},
    log_words=frozenset({"seam received", "seam counted"}),
    log_fields={"seam": r"W-[0-9]{1,6}"},
    commands="welds_pack:commands",
)
# Another one of the same distribution, which is reviewed on pages of its own.
pages = tuple(Path(__file__).parent / name for name in ("line.py", "shifts.py"))
seams = replace(
    pack, name="seams", jobs=(), after_decision="", outputs=(), commands="", pages=pages
)
'''
OWN_PAGE = """
import streamlit as st

st.title("The welding line")
"""
INFO = "welds_pack-1.0.dist-info"
PAGE = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not page.exception, page.exception
print(" ".join(button.label for button in page.button))
for pages in page.session_state["own_pages"].values():
    for own in pages:
        print(own.title, own.url_path)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Install the pack's wheel into a folder, as `pip install` would for a user."""
    root = tmp_path_factory.mktemp("welds")
    wheel = root / "welds_pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("welds_pack/__init__.py", WELDS)
        file.writestr("welds_pack/line.py", OWN_PAGE)
        file.writestr("welds_pack/shifts.py", OWN_PAGE)
        file.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: welds-pack\nVersion: 1.0\n")
        file.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        points = "[assay.domains]\nwelds = welds_pack:pack\nseams = welds_pack:seams\n"
        file.writestr(f"{INFO}/entry_points.txt", points)
        file.writestr(f"{INFO}/RECORD", "")
    site = root / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", site, wheel], check=True, capture_output=True)
    return site


@pytest.fixture(scope="module")
def home(tiny_product, tmp_path_factory):
    return tiny_product.settings_at(tmp_path_factory.mktemp("home") / "store").home


@pytest.fixture(scope="module")
def call(place, home):
    """Run a command and return how it went."""

    def command(*words):
        environment = {**os.environ, "PYTHONPATH": str(place), "ASSAY_HOME": str(home)}
        done = subprocess.run(
            list(map(str, words)), capture_output=True, text=True, env=environment, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return done

    return command


@pytest.fixture(scope="module")
def run(call):
    return lambda *words: call(*words).stdout


@pytest.fixture(scope="module")
def bundle(run, tiny_product, tmp_path_factory):
    out = tmp_path_factory.mktemp("bundle") / "seams"
    run(*ASSAY, "train", "welds", tiny_product.data, "-o", out)
    return out


def test_the_pack_is_short():
    assert WELDS.count("\n") + 2 * OWN_PAGE.count("\n") < 150


def test_a_third_partys_pack_trains_certifies_assesses_and_is_reviewed(run, tiny_product, bundle):
    assert "SOUND / FLAWED / LOOK" in run(*ASSAY, "packs")
    words = run(*ASSAY, "certify", bundle, "--escape", 0.2, "--overkill", 0.2)
    assert "missed flaw" in words
    files = tiny_product.pictures("test")
    lines = run(*ASSAY, "assess", bundle, *files, "--json").splitlines()
    verdicts = [json.loads(line) for line in lines]
    assert {v["pack"] for v in verdicts} == {"welds"}
    assert {v["wording"] for v in verdicts} >= {"SOUND", "FLAWED"}
    assert json.loads(run(*ASSAY, "replay", verdicts[0]["decision"], "--json"))["equal"]
    app = Path(__file__).parents[2] / "dashboard" / "app.py"
    buttons = run(sys.executable, "-c", PAGE, app)
    assert "SOUND" in buttons
    assert "FLAWED" in buttons
    assert {"Seams seams", "Seams: shifts seams-shifts"} <= set(buttons.splitlines())


def test_it_listens_logs_runs_a_job_and_sends(call, run, bundle, tiny_product, home, tmp_path):
    line = home / "line.jsonl"
    files = [
        *tiny_product.pictures("test", "good")[:2],
        *tiny_product.pictures("test", "scratched")[:1],
    ]
    (folder := tmp_path / "line").mkdir()
    for path in files:
        (folder / path.name).write_bytes(path.read_bytes())
    last = sorted(folder.iterdir())[-1].name
    lines = call(*ASSAY, "welds", "listen", folder, "--urgent", last).stderr.splitlines()
    events = [json.loads(event) for event in lines]
    assert [(e["event"], e["seam"]) for e in events] == [
        ("seam received", f"W-{n}") for n in range(3)
    ]
    worked = call(*ASSAY, "worker", bundle, "--once").stderr.splitlines()
    words = Counter(json.loads(event)["event"] for event in worked)
    assert words["seam counted"] == 3
    assert words.keys().isdisjoint({"failed", "given up", "tried again", "logged"})
    sent = [json.loads(one) for one in line.read_text().splitlines()]
    assert {one["file"] for one in sent} == {path.name for path in files}
    assert sent[0]["file"] == last
    assert {one["wording"] for one in sent} <= {"SOUND", "FLAWED", "LOOK"}
    counts = json.loads(run(*ASSAY, "queue", "--json"))["jobs"]
    assert {(c["kind"], c["state"], c["count"]) for c in counts} == {
        ("assess", "done", 3),
        ("welds.count", "done", 3),
        ("deliver", "done", 3),
        ("compare", "done", 1),
    }
    call(*ASSAY, "worker", bundle, "--once")
    assert len(line.read_text().splitlines()) == 3
