"""What the first page needs is imported while the browser still loads Streamlit's own files."""

import os
import subprocess
import sys
from pathlib import Path

import dashboard

FIRST_PAGE = """
import sys
from streamlit.testing.v1 import AppTest
from dashboard.first_page import import_pages
import_pages()
before = set(sys.modules)
app = AppTest.from_file(sys.argv[1], default_timeout=300).run()
assert not app.exception, app.exception
assert any("assay-picture" in one.proto.body for one in app.get("html"))
assert not {"pandas", "scipy.special"} & set(sys.modules)
late = set(sys.modules) - before
print(*sorted({name if name.startswith("dashboard") else name.split(".")[0] for name in late}))
"""


def test_the_first_page_imports_nothing_that_takes_its_time(assessed_home):
    app = str(Path(dashboard.__file__).with_name("app.py"))
    done = subprocess.run(
        [sys.executable, "-c", FIRST_PAGE, app],
        env={**os.environ, "ASSAY_HOME": str(assessed_home), "ASSAY_REVIEWER": "Ada"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    late = set(done.stdout.split())
    assert not late & {"pandas", "pyarrow", "sqlalchemy", "cv2"}
    assert not [name for name in late if name.startswith("dashboard")]
