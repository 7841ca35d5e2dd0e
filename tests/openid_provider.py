"""A real OpenID provider on loopback, whose tokens can be made wrong, and the way through it.

``python -m tests.openid_provider PORT`` runs it: in a process of its own, since it is written with
parts of its libraries that warn of their end.
"""

from __future__ import annotations

import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey

CLIENT_ID = "assay"
COOKIE_SECRET = secrets.token_hex(32)


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider.

    Attributes:
        address: Where it is; another site than 127.0.0.1 for a browser.
    """

    address: str

    @property
    def variables(self) -> dict[str, str]:
        """What `assay review` is configured with, but the address of the dashboard itself."""
        return {
            "oidc_metadata_url": f"{self.address}/.well-known/openid-configuration",
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": "hush",
            "cookie_secret": COOKIE_SECRET,
        }

    def add(self, subject: str, **claims: object) -> None:
        """Let somebody exist whose tokens have these claims."""
        httpx.put(f"{self.address}/users/{subject}", json=claims).raise_for_status()

    def change(self, *, shift_s: int = 0, **claims: object) -> None:
        """Change every token from now on: its times by some seconds, then its claims."""
        body = {"shift_s": shift_s, "claims": claims}
        httpx.put(f"{self.address}/changes", json=body).raise_for_status()


@contextmanager
def provider() -> Iterator[Provider]:
    """Yield a provider that runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.openid_provider", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found = Provider(f"http://localhost:{port}")
    try:
        while True:
            assert server.poll() is None, "the provider ended by itself"
            try:
                found.change()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield found
    finally:
        server.terminate()
        server.wait()


def serve(port: int) -> None:
    """Serve the provider, with a route that changes its tokens."""
    import flask
    import oidc_provider_mock
    from authlib.oidc.core.grants import code

    made = oidc_provider_mock.app()
    changes: dict[str, object] = {}
    plain = code.jwt

    class ChangedJwt:
        @staticmethod
        def encode(header, claims, *rest):
            for name in ("iat", "exp", "auth_time"):
                if name in claims:
                    claims[name] += changes["shift_s"]
            return plain.encode(header, claims | changes["claims"], *rest)

    code.jwt = ChangedJwt

    @made.put("/changes")
    def change():
        changes.update(flask.request.json)
        return "", 204

    @made.after_request
    def leave_out_styles(answer):
        # Of another server, which no browser of ours is to ask.
        if answer.mimetype == "text/html":
            answer.set_data(re.sub(r"<link[^>]*>", "", answer.get_data(as_text=True)))
        return answer

    changes.update({"shift_s": 0, "claims": {}})
    made.run(host="127.0.0.1", port=port, threaded=True, debug=False)


def provider_token() -> str:
    """Return what ``st.login`` puts into the address that it sends the browser to."""
    claims = {"provider": "default", "exp": int(time.time()) + 120}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(COOKIE_SECRET))


def start_sign_in(client: httpx.Client, base: str) -> str:
    """Return the provider's page that a click on `Sign in` leads to."""
    answer = client.get(f"{base}/auth/login", params={"provider": provider_token()})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def sign_in(client: httpx.Client, base: str, subject: str) -> httpx.Response:
    """Return the dashboard's answer to the browser that comes back from the provider."""
    answer = client.post(start_sign_in(client, base), data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = answer.headers["location"]
    assert back.startswith(f"{base}/oauth2callback?")
    return client.get(back)


def cookie_bytes(client: httpx.Client) -> int:
    """Return how many bytes of a Cookie header the client sends to the dashboard."""
    return sum(len(one.name) + len(one.value or "") + 3 for one in client.cookies.jar)


def path_of(url: str) -> str:
    """Return path and query of an address."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def state_of(url: str) -> str:
    """Return the state that an authorisation request carries."""
    found = re.search(r"[?&]state=([^&]+)", url)
    assert found
    return found[1]


if __name__ == "__main__":
    serve(int(sys.argv[1]))
