"""A stranger's pack: one folder, one entry-point line, and the whole loop runs on it.

The distribution is built as a wheel, installed with pip into a folder of its own and found through
its entry point alone; nothing in ``core/`` or ``dashboard/`` knows of it.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.commands import ASSAY

WELDS = '''
"""Weld seams: sound, flawed, or a welder looks."""

import cv2
import numpy as np

from core.imaging.decode import decode
from core.packs import DomainPack
from core.types import Disposition, Finding, Frame, Prepared, Reason


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
    error_words=("missed flaw", "false alarm"),
    negative_labels=frozenset({"good"}),
    read=decode,
    prepare=prepare,
)
'''
INFO = "welds_pack-1.0.dist-info"
PAGE = """
import sys
from streamlit.testing.v1 import AppTest
page = AppTest.from_file(sys.argv[1], default_timeout=60).run()
assert not page.exception, page.exception
print(" ".join(button.label for button in page.button))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Install the pack's wheel into a folder, as `pip install` would for a user."""
    root = tmp_path_factory.mktemp("welds")
    wheel = root / "welds_pack-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("welds_pack/__init__.py", WELDS)
        file.writestr(f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: welds-pack\nVersion: 1.0\n")
        file.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{INFO}/entry_points.txt", "[assay.domains]\nwelds = welds_pack:pack\n")
        file.writestr(f"{INFO}/RECORD", "")
    site = root / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--target", site, wheel], check=True, capture_output=True)
    return site


@pytest.fixture(scope="module")
def run(place, tiny_product, tmp_path_factory):
    home = tiny_product.settings_at(tmp_path_factory.mktemp("home") / "store").home

    def call(*words):
        environment = {**os.environ, "PYTHONPATH": str(place), "ASSAY_HOME": str(home)}
        done = subprocess.run(
            list(map(str, words)), capture_output=True, text=True, env=environment, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_the_pack_is_short():
    assert WELDS.count("\n") < 150


def test_a_strangers_pack_trains_certifies_assesses_and_is_reviewed(run, tiny_product, tmp_path):
    assert "SOUND / FLAWED / LOOK" in run(*ASSAY, "packs")
    out = tmp_path / "seams"
    run(*ASSAY, "train", "welds", tiny_product.data, "-o", out)
    words = run(*ASSAY, "certify", out, "--escape", 0.2, "--overkill", 0.2)
    assert "missed flaw" in words
    files = tiny_product.pictures("test")
    lines = run(*ASSAY, "assess", out, *files, "--json").splitlines()
    verdicts = [json.loads(line) for line in lines]
    assert {v["pack"] for v in verdicts} == {"welds"}
    assert {v["wording"] for v in verdicts} >= {"SOUND", "FLAWED"}
    assert json.loads(run(*ASSAY, "replay", verdicts[0]["decision"], "--json"))["equal"]
    app = Path(__file__).parents[2] / "dashboard" / "app.py"
    buttons = run(sys.executable, "-c", PAGE, app)
    assert "SOUND" in buttons
    assert "FLAWED" in buttons
