"""Streamlit's index page names our server, and every other answer is passed on as it is."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_static_routes import (
    create_streamlit_static_assets_routes,
)

from dashboard import index_page
from dashboard.frame_style import FRAME
from dashboard.index_page import IndexPage

REPORT = "<html><head><title>Streamlit</title></head></html>"
NAVIGATION = {"accept": "text/html,*/*;q=0.8", "accept-encoding": "gzip"}


@pytest.fixture(params=["", "/assay"])
def root(request, monkeypatch):
    monkeypatch.setattr(index_page, "root_path", lambda: request.param)
    return request.param


@pytest.fixture
def client(root):
    routes = [
        Route(f"{root}/report", lambda request: HTMLResponse(REPORT, headers={"etag": "x"})),
        Route(f"{root}/gone", lambda request: Response(status_code=410)),
        *create_streamlit_static_assets_routes(base_url=root),
    ]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(IndexPage)]))


def test_every_page_is_told_where_its_server_is_whatever_the_browser_has_kept(client, root):
    kept = client.get(f"{root}/index.html").headers["etag"]
    for page in ("/", "/cases", "/parts-learn?case=1"):
        answer = client.get(root + page, headers={**NAVIGATION, "if-none-match": kept})
        assert answer.status_code == 200
        assert f'BACKEND_BASE_URL: location.origin + "{root}"' in answer.text
        # Before the module that reads it.
        assert answer.text.index("__streamlit") < answer.text.index("<script type=")
        assert "<title>Assay</title>" in answer.text
        assert answer.text.index(FRAME) < answer.text.index("<body>")  # there before the page is
        assert int(answer.headers["content-length"]) == len(answer.content)
        assert "etag" not in answer.headers
        assert answer.headers["cache-control"] == "no-cache"


def test_other_answers_are_passed_on(client, root):
    report = client.get(f"{root}/report", headers=NAVIGATION)
    assert (report.text, report.headers["etag"]) == (REPORT, "x")
    assert client.get(f"{root}/gone", headers=NAVIGATION).status_code == 410
    favicon = client.get(f"{root}/favicon.png", headers={"accept": "image/*"})
    assert favicon.content.startswith(b"\x89PNG")


def test_a_path_cannot_end_the_script(client):
    assert b"</script>x" not in index_page.ours(b"<head>", "/</script>x")
