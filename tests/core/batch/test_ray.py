"""What `on_cluster.py` tests, in a process of its own."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.core.batch import on_cluster

pytestmark = [pytest.mark.slow, pytest.mark.service]
NAMES = [name for name in vars(on_cluster) if name.startswith("test_")]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> dict[str, str]:
    """What went wrong in each test, by name; empty where nothing did."""
    report = tmp_path_factory.mktemp("ray") / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={report}"]
    command = [sys.executable, "-m", "pytest", *options, str(Path(on_cluster.__file__))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=850)
    if not report.exists():
        pytest.fail(f"Ray ended its process ({done.returncode}): {done.stdout}{done.stderr}")
    cases = ElementTree.parse(report).iter("testcase")
    return {one.get("name", ""): "".join(part.text or "" for part in one) for one in cases}


@pytest.mark.parametrize("name", NAMES)
def test_on_a_cluster(outcomes, name):
    assert outcomes[name] == ""
