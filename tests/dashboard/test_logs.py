"""With ASSAY_LOGS=json nothing leaves the dashboard's process but events."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dashboard

FAILING = """
import sys, warnings
from streamlit.logger import get_logger
from streamlit.testing.v1 import AppTest
from dashboard import widgets
from dashboard.__main__ import confine_output

confine_output()

def broken():
    raise RuntimeError("CANARY^JANE is in the way")

widgets.session = broken
print("CANARY printed")
warnings.warn("CANARY in a warning")
get_logger("streamlit.web").error("CANARY of Streamlit")
app = AppTest.from_file(sys.argv[1], default_timeout=300).run()
assert app.exception
"""


def test_a_page_that_fails_is_logged_by_the_type_of_its_error_alone(tmp_path):
    app = str(Path(dashboard.__file__).with_name("app.py"))
    done = subprocess.run(
        [sys.executable, "-c", FAILING, app],
        env={**os.environ, "ASSAY_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "CANARY" not in done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    events = [(line["event"], line.get("error")) for line in lines]
    assert events[0] == ("started", None)
    assert ("failed", "RuntimeError") in events
