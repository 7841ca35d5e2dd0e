"""The provider in the settings: all of it or none, nothing in the clear, nothing repeated."""

from __future__ import annotations

import pytest

from core.errors import ConfigError
from core.service.people.oidc import is_loopback, provider_of
from core.service.review import server
from core.settings import Settings

WHOLE = {
    "oidc_metadata_url": "https://login.example/.well-known/openid-configuration",
    "oidc_client_id": "assay",
    "oidc_client_secret": "hush hush",
    "cookie_secret": "s" * 32,
    "base_url": "https://assay.example/assay/",
}


def test_without_any_of_it_one_person_works_alone():
    assert provider_of(Settings()) is None


def test_all_of_it_is_a_provider_below_the_path_of_the_proxy():
    found = provider_of(Settings(**WHOLE))
    assert found.redirect_uri == "https://assay.example/assay/oauth2callback"
    assert (found.root_path, found.host, found.is_secure) == ("/assay", "assay.example", True)
    assert "hush" not in repr(found)
    assert "ssss" not in repr(found) + repr(Settings(**WHOLE))


@pytest.mark.parametrize("left_out", WHOLE)
def test_a_part_of_it_is_refused_and_what_is_missing_named(left_out):
    with pytest.raises(ConfigError, match=f"missing: ASSAY_{left_out.upper()}") as refused:
        provider_of(Settings(**{**WHOLE, left_out: " "}))
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"base_url": "http://assay.example"}, "plain HTTP"),
        ({"oidc_metadata_url": "http://login.example/x"}, "plain HTTP"),
        ({"base_url": "assay.example"}, "begins with https"),
        ({"base_url": "https://user:word@assay.example"}, "begins with https"),
        ({"base_url": "https://assay.example/?next=x"}, "at most a path"),
        ({"cookie_secret": "hush hush"}, "has 9 characters; expected 32"),
    ],
)
def test_what_would_sign_in_somebody_else_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message) as refused:
        provider_of(Settings(**{**WHOLE, **wrong}))
    assert "hush hush" not in str(refused.value)


def test_plain_http_is_for_this_machine_alone():
    local = {**WHOLE, "base_url": "http://127.0.0.1:8501", "oidc_metadata_url": "http://localhost/"}
    assert not provider_of(Settings(**local)).is_secure
    for host in ("127.0.0.1", "::1", "localhost", "127.1.2.3"):
        assert is_loopback(host)
    for host in ("0.0.0.0", "::", "192.168.1.4", "assay.example", "127.0.0.1.example", ""):
        assert not is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4"])
def test_other_machines_are_not_served_where_nobody_signs_in(host, tmp_path):
    with pytest.raises(ConfigError, match="under any name") as refused:
        server.launch(Settings(home=tmp_path), 1, host)
    assert "signing in" in refused.value.hint
