"""Signing in over the wire: a real provider, the real server, and every claim that can be wrong."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from core.people import Person, Role
from core.records.people import newest_grants
from core.service.people.roles import Identity, grant
from core.service.review import server as review_server
from core.service.store import open_store
from core.settings import Settings
from tests.forked import start_dashboard
from tests.openid_provider import (
    Provider,
    cookie_bytes,
    path_of,
    provider,
    provider_token,
    sign_in,
    start_sign_in,
    state_of,
)

pytestmark = pytest.mark.service
ROOT = Person.alone("root")
FOLDER = "/assay"


@pytest.fixture(scope="module")
def openid() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture(scope="module")
def settings(openid, tmp_path_factory) -> Settings:
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    base = f"http://{review_server.HOST}:{port}{FOLDER}"
    return Settings(home=home, base_url=base, **openid.variables)


@contextmanager
def served(settings: Settings, port: int, log: Path, at: str = "") -> Iterator[str]:
    """Serve the dashboard as `assay review` does, and give its address, or where else it is."""
    server = start_dashboard(settings, port, log)
    try:
        while True:
            assert server.is_alive(), log.read_text()
            try:
                health = f"{httpx.URL(settings.base_url).path.rstrip('/')}/_stcore/health"
                httpx.get(f"http://{review_server.HOST}:{port}{health}").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield at or settings.base_url
    finally:
        server.terminate()
        server.join()


@pytest.fixture(scope="module")
def base(settings: Settings, tmp_path_factory) -> Iterator[str]:
    """The dashboard's address, below the path of a reverse proxy."""
    port = httpx.URL(settings.base_url).port
    with served(settings, port, tmp_path_factory.mktemp("log") / "server.log") as address:
        yield address


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with httpx.Client(follow_redirects=False, timeout=30) as client:
        yield client


@pytest.fixture
def store(settings):
    opened = open_store(settings)
    yield opened
    opened.close()


@pytest.fixture
def changed(openid):
    """Change the tokens of one test."""
    yield openid.change
    openid.change()


def asks(browser: httpx.Client, base: str, path: str = "/assay-offered/x") -> int:
    """What the dashboard says to who asks for a picture: 401, 403, or 404 where they may look."""
    return browser.get(f"{base}{path}").status_code


def is_signed_in(browser: httpx.Client) -> bool:
    return "_streamlit_user" in browser.cookies


@pytest.mark.parametrize("groups", [0, 5, 60, 400])
def test_a_sign_in_with_many_groups_passes_a_proxy_with_small_buffers(
    base, openid, store, browser, groups
):
    subject = f"ada-{groups}"
    openid.add(subject, name="Ada L.", groups=[str(uuid4()) for _ in range(groups)])
    answer = sign_in(browser, base, subject)
    assert path_of(answer.headers["location"]) == f"{FOLDER}/"
    assert 0 < cookie_bytes(browser) < 3500
    assert asks(browser, base) == 403
    grant(store, Identity(openid.address, subject, "Ada L."), Role.VIEWER, by=ROOT)
    assert asks(browser, base) == 404
    assert asks(browser, base, "/assay-upload/x") in (403, 405)


@pytest.mark.parametrize(
    "claims",
    [{}, {"email": "ada@example.org"}, {"email": "ada@example.org", "email_verified": False}],
)
def test_an_address_that_is_missing_or_unverified_is_no_matter(base, openid, browser, claims):
    openid.add("plain", **claims)
    sign_in(browser, base, "plain")
    assert is_signed_in(browser)


def test_the_same_address_under_another_subject_is_another_person(base, openid, store, browser):
    for subject in ("first", "second"):
        openid.add(subject, email="ada@example.org", email_verified=True)
    grant(store, Identity(openid.address, "first", "ada@example.org"), Role.ADMIN, by=ROOT)
    sign_in(browser, base, "second")
    assert asks(browser, base) == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another client"},
        {"aud": "another client", "azp": "assay"},
        {"nonce": "another nonce"},
        {"nonce": None},
        {"sub": ""},
        {"exp": 0},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(base, openid, browser, changed, wrong):
    changed(**wrong)
    answer = sign_in(browser, base, "ada")
    assert path_of(answer.headers["location"]) == f"{FOLDER}/?sign-in=refused"
    assert not is_signed_in(browser)
    assert asks(browser, base) == 401


@pytest.mark.parametrize(
    ("minutes", "is_in"), [(-4.9, True), (4.9, True), (-90, False), (8, False)]
)
def test_a_clock_may_be_off_by_five_minutes(base, openid, browser, changed, minutes, is_in):
    changed(shift_s=int(60 * minutes))
    sign_in(browser, base, "ada")
    assert is_signed_in(browser) == is_in


def test_a_sign_in_lasts_as_long_as_its_token_by_our_clock(base, openid, store, browser, changed):
    openid.add("brief", name="Brief")
    grant(store, Identity(openid.address, "brief", "Brief"), Role.VIEWER, by=ROOT)
    # Two seconds, of a provider whose clock is four minutes slow.
    changed(iat=int(time.time()) - 240, exp=int(time.time()) - 238)
    sign_in(browser, base, "brief")
    assert asks(browser, base) == 404
    copied = dict(browser.cookies)
    time.sleep(2.2)
    assert httpx.get(f"{base}/assay-offered/x", cookies=copied).status_code == 401


def test_a_role_that_is_taken_away_counts_at_the_next_request(base, openid, store, browser):
    who = Identity(openid.address, "eva", "eva")
    grant(store, who, Role.VIEWER, by=ROOT)
    sign_in(browser, base, "eva")
    assert asks(browser, base) == 404
    grant(store, who, Role.NONE, by=ROOT)
    assert asks(browser, base) == 403


def test_signing_out_reaches_the_provider_and_a_copy_of_the_cookie_is_dead(
    base, openid, store, browser
):
    grant(store, Identity(openid.address, "eve", "eve"), Role.VIEWER, by=ROOT)
    sign_in(browser, base, "eve")
    copied = dict(browser.cookies)
    assert httpx.get(f"{base}/assay-offered/x", cookies=copied).status_code == 404
    answer = browser.get(f"{base}/auth/logout")
    assert answer.headers["location"].startswith(f"{openid.address}/oauth2/end_session?")
    assert not is_signed_in(browser)
    assert httpx.get(f"{base}/assay-offered/x", cookies=copied).status_code == 401


def test_a_callback_that_nobody_asked_for_or_that_comes_twice_signs_nobody_in(
    base, openid, browser
):
    answer = browser.get(f"{base}/oauth2callback?code=x&state=y")
    assert path_of(answer.headers["location"]) == f"{FOLDER}/"
    asked = start_sign_in(browser, base)
    back = browser.post(asked, data={"sub": "ada"}).headers["location"]
    with httpx.Client() as other:  # another browser has not asked with this state
        other.get(back)
        assert not is_signed_in(other)
    assert state_of(asked) in back
    browser.get(back)
    assert is_signed_in(browser)
    browser.cookies.delete("_streamlit_user")
    browser.get(back)
    assert not is_signed_in(browser)


def test_no_address_of_a_request_is_gone_to(base, openid, browser):
    for path in ("/oauth2callback", "/auth/logout", "/auth/login"):
        for name in ("next", "redirect_uri", "redirect", "provider"):
            answer = browser.get(f"{base}{path}", params={name: "https://evil.example"})
            assert "evil.example" not in answer.headers.get("location", "")


def test_a_person_without_a_name_or_with_a_hostile_one_still_signs_in(base, openid, browser):
    openid.add("x" * 255, name="<b>\u202e&\U0001f600" * 500)
    sign_in(browser, base, "x" * 255)
    assert is_signed_in(browser)
    assert cookie_bytes(browser) < 3500


def test_a_subject_too_long_for_openid_is_refused_in_words(base, openid, browser):
    openid.add("y" * 256)
    answer = sign_in(browser, base, "y" * 256)
    assert path_of(answer.headers["location"]) == f"{FOLDER}/?sign-in=refused"


def test_nothing_is_served_to_who_has_not_signed_in(base, browser):
    for path in ("/assay-offered/x", "/assay-upload/x", "/media/x.png"):
        assert asks(browser, base, path) == 401
    assert asks(browser, base, "/_stcore/health") == 200
    assert asks(browser, base, "/") == 200
    forged = httpx.get(f"{base}/assay-offered/x", cookies={"_streamlit_user": "e30.x.y"})
    assert forged.status_code == 401


def test_whoever_signs_in_is_not_on_record_by_that_alone(store, base, openid, browser):
    """The page records them: a request without a browser session gives no role."""
    before = newest_grants(store)
    sign_in(browser, base, "unseen")
    assert newest_grants(store) == before


def test_a_provider_that_cannot_be_reached_is_said_on_the_page(settings, tmp_path, browser):
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    alone = settings.model_copy(
        update={
            "home": tmp_path,
            "base_url": f"http://{review_server.HOST}:{port}",
            "oidc_metadata_url": "http://localhost:1/.well-known/openid-configuration",
        }
    )
    with served(alone, port, tmp_path / "log") as base:
        answer = browser.get(f"{base}/auth/login", params={"provider": provider_token()})
        assert path_of(answer.headers["location"]) == "/?sign-in=unreachable"


def test_two_replicas_with_one_cookie_secret_finish_each_others_sign_ins(
    base, openid, store, settings, tmp_path, browser
):
    grant(store, Identity(openid.address, "uma", "uma"), Role.VIEWER, by=ROOT)
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        port = probe.getsockname()[1]
    asked = start_sign_in(browser, base)
    back = browser.post(asked, data={"sub": "uma"}).headers["location"]
    with served(settings, port, tmp_path / "log", f"http://{review_server.HOST}:{port}") as other:
        # As a proxy hands it on, which ends HTTPS.
        answer = browser.get(
            f"{other}{path_of(back)}",
            headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"},
        )
        assert answer.headers["location"] == f"{FOLDER}/"
        assert asks(browser, f"{other}{FOLDER}") == 404
        assert asks(browser, base) == 404
        browser.get(f"{base}/auth/logout")
        assert asks(browser, f"{other}{FOLDER}") == 401
