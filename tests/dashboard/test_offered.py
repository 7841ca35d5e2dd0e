"""What a page offers is served under its address, and nothing else is."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import config

from core.errors import StoreError
from dashboard.offered import JSON, OFFERS, Offers, routes

HOME = "http://127.0.0.1"


@pytest.fixture
def client(monkeypatch) -> TestClient:
    allowed = ["127.0.0.1", "localhost"]
    options = {"server.allowedHosts": allowed, "server.baseUrlPath": ""}
    monkeypatch.setattr(config, "get_option", options.get)
    return TestClient(Starlette(routes=routes()), base_url=HOME)


def test_a_picture_is_kept_by_the_browser_and_figures_are_not(client):
    picture = client.get(OFFERS.put("a whole", lambda: b"jpeg"))
    assert (picture.content, picture.headers["content-type"]) == (b"jpeg", "image/jpeg")
    assert picture.headers["cache-control"] == "private, max-age=86400, immutable"
    counted = iter((b"1", b"2"))
    address = OFFERS.put("figures", lambda: next(counted), JSON)
    answers = [client.get(address) for _ in range(2)]
    assert [one.content for one in answers] == [b"1", b"2"]
    assert answers[0].headers["cache-control"] == "no-store"


def test_what_is_not_offered_or_fails_is_not_found(client):
    def fails() -> bytes:
        raise StoreError("The file of this picture is missing.")

    answer = client.get(OFFERS.put("broken", fails))
    assert (answer.status_code, answer.text) == (404, "The file of this picture is missing.")
    assert client.get("/assay-offered/0123").status_code == 404
    assert client.get("/assay-offered/..%2f..%2fetc%2fpasswd").status_code == 404


def test_another_name_of_this_machine_is_refused(client):
    address = OFFERS.put("a whole", lambda: b"jpeg")
    assert client.get(address, headers={"host": "rebound.example"}).status_code == 403
    assert client.get(address, headers={"host": "localhost:8501"}).status_code == 200


def test_only_the_last_offers_are_kept_and_names_are_of_the_process():
    offers = Offers(most=2)
    names = [offers.put(one, lambda: b"").rpartition("/")[2] for one in "aba"]
    assert names[0] == names[2] != names[1]
    third = offers.put("c", lambda: b"").rpartition("/")[2]
    assert offers.find(names[1]) is None
    assert offers.find(names[0]) is not None
    assert offers.find(third) is not None
    assert Offers().put("a", lambda: b"").rpartition("/")[2] != names[0]
