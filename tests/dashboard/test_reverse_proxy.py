"""Behind a real reverse proxy: HTTPS, a path, and buffers of 4 KB for all headers."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from core.people import Person, Role
from core.service.people.roles import Identity, grant
from core.service.review import server as review_server
from core.service.store import open_store
from core.settings import Settings
from tests.dashboard.test_sign_in import FOLDER, asks, served
from tests.domains.xray.certificates import Authority
from tests.needed import skip_without
from tests.openid_provider import Provider, cookie_bytes, path_of, provider, sign_in

pytestmark = pytest.mark.service
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or ""
CONFIG = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_header_buffer_size 1k; large_client_header_buffers 4 4k;
  proxy_buffer_size 4k; proxy_buffers 4 4k; proxy_busy_buffers_size 8k;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    location {path}/ {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
    }}
  }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def openid() -> Iterator[Provider]:
    with provider() as found:
        yield found


@pytest.fixture
def settings(openid, tmp_path) -> Settings:
    skip_without(bool(NGINX), "There is no nginx: apt-get install nginx-light")
    base = f"https://{review_server.HOST}:{free_port()}{FOLDER}"
    return Settings(home=tmp_path / "home", base_url=base, **openid.variables)


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def trusting(authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


@pytest.fixture
def base(settings, authority, tmp_path) -> Iterator[str]:
    """The dashboard's address at the proxy."""
    behind, url = free_port(), httpx.URL(settings.base_url)
    certificate, key = authority.issue("proxy")
    given = {"folder": tmp_path, "port": url.port, "behind": behind, "path": FOLDER}
    file = tmp_path / "nginx.conf"
    file.write_text(CONFIG.format(certificate=certificate, key=key, **given))
    with served(settings, behind, tmp_path / "server.log") as address:
        proxy = subprocess.Popen([NGINX, "-c", file, "-p", tmp_path, "-e", tmp_path / "error.log"])
        try:
            until = time.monotonic() + 30
            while time.monotonic() < until:
                assert proxy.poll() is None, (tmp_path / "error.log").read_text()
                with socket.socket() as probe:
                    if probe.connect_ex((review_server.HOST, url.port)) == 0:
                        break
                time.sleep(0.1)
            yield address
        finally:
            proxy.terminate()
            proxy.wait()


def open_websocket(base: str, cookie: str, trusting: ssl.SSLContext) -> str:
    """Return the first line with which the page's own connection is answered."""
    url = httpx.URL(base)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {FOLDER}/_stcore/stream HTTP/1.1",
        f"Host: {url.host}:{url.port}",
        f"Origin: https://{url.host}:{url.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: streamlit",
        f"Sec-WebSocket-Key: {key}",
        f"Cookie: {cookie}",
    )
    plain = socket.create_connection((url.host, url.port), timeout=30)
    with plain, trusting.wrap_socket(plain, server_hostname=url.host) as wire:
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return wire.recv(4096).decode(errors="replace").split("\r\n")[0]


def test_a_person_of_60_groups_signs_in_and_works_behind_https_a_path_and_small_buffers(
    base, openid, settings, trusting
):
    openid.add("ada", name="Ada L.", groups=[str(uuid4()) for _ in range(60)])
    store = open_store(settings)
    grant(store, Identity(openid.address, "ada", "Ada L."), Role.VIEWER, by=Person.alone("root"))
    store.close()
    with httpx.Client(follow_redirects=False, timeout=30, verify=trusting) as browser:
        assert browser.get(f"{base}/").status_code == 200
        assert asks(browser, base) == 401
        answer = sign_in(browser, base, "ada")
        assert path_of(answer.headers["location"]) == f"{FOLDER}/"
        assert asks(browser, base) == 404  # signed in: there is only no such picture
        assert 0 < cookie_bytes(browser) < 3500
        (cookie,) = (one for one in browser.cookies.jar if one.name == "_streamlit_user")
        assert cookie.secure
        assert cookie.path == FOLDER
        sent = f"{cookie.name}={cookie.value}"
        assert open_websocket(base, sent, trusting) == "HTTP/1.1 101 Switching Protocols"
        # The proxy is as small as it is meant to be: a cookie of 60 groups would not pass it.
        big = f"{sent}; groups={'x' * 60 * 36}{'y' * 2000}"
        assert httpx.get(f"{base}/", headers={"Cookie": big}, verify=trusting).status_code == 400
