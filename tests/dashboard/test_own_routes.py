"""Our own routes are found before what answers them is imported, and nothing else is."""

import subprocess
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.own_routes import FOLDERS, LateRoutes, list_routes


def test_every_route_of_ours_lies_below_a_folder_that_is_looked_for():
    assert {one.path.split("/")[1] for one in list_routes()} == set(FOLDERS)


@pytest.fixture
def client(monkeypatch, tmp_path):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    rest = Route("/{path:path}", lambda request: PlainTextResponse("Streamlit"))
    return TestClient(Starlette(routes=[LateRoutes(), rest]), base_url="http://127.0.0.1")


def test_they_answer_as_before_and_leave_the_rest_to_streamlit(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/assay-offered/unknown").status_code == 404
    assert client.get("/assay-views/unknown").status_code == 405
    assert client.get("/t/not-a-hash", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    for path in ("/", "/xray", "/tt", "/assay", "/static/t/x.js"):
        assert client.get(path).text == "Streamlit"


def test_the_server_is_ready_before_the_pages_modules_are_imported():
    script = "import sys, dashboard.asgi; print(*{one.split('.')[0] for one in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert not set(done.stdout.split()) & {"sqlalchemy", "cv2", "pandas", "httpx"}
