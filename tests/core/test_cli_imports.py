"""What a command loads: libraries that only other work needs cost seconds and memory."""

from __future__ import annotations

import subprocess
import sys


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from core.cli import main; sys.argv = ['assay', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = ('numpy','cv2','torch','sklearn','sqlalchemy','streamlit','pydantic')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"


def heavy_after(imports):
    heavy = "('scipy.stats','torch','sklearn','onnxruntime','alembic','sqlalchemy','numpy')"
    code = f"import sys\n{imports}\nprint([m for m in {heavy} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def test_assessing_a_picture_loads_nothing_that_only_training_or_a_page_needs(tiny_product):
    code = (
        "import sys; from core.cli import main; before = set(sys.modules)\n"
        "try: main()\nexcept SystemExit as ended: assert not ended.code\n"
        "heavy = ('torch','sklearn','streamlit','monai','pandas','onnx','timm','alembic','plotly',"
        "'scipy.stats','scipy.optimize','scipy.spatial','scipy.sparse')\n"
        "print([m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    picture = tiny_product.pictures("test", "good")[0]
    home = {"ASSAY_HOME": str(tiny_product.settings.home), "PATH": "/usr/bin"}
    for options in ([], ["--no-store"]):
        given = ["assess", str(tiny_product.bundle), str(picture), *options]
        for _warmed in range(2):
            ran = subprocess.run(
                [sys.executable, "-c", code, *given], env=home, capture_output=True, text=True
            )
            assert ran.returncode == 0, ran.stderr
        assert ran.stderr.strip() == "[]"


def test_the_command_that_serves_the_pages_only_waits_and_a_page_opens_without_a_model():
    assert heavy_after("import core.service.review.server, core.cli.info") == "[]"
    pages = (
        "import dashboard.review_keys, domains.xray.worklist.showing\n"
        "from core.packs import installed\ninstalled()"
    )
    assert heavy_after(pages) == "['sqlalchemy', 'numpy']"
