import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from core.imaging.confinement import keep_harmless
from core.imaging.files import wrap_bytes
from core.imaging.landlock import find_version
from core.imaging.sandbox import Sandbox
from core.settings import Settings
from core.types import Prepared
from tests.core.imaging.pictures import encoded, smooth

NEEDED = ["thread", "own code"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("decisions")
    monkeypatch.setenv("ASSAY_STORE_URL", "postgresql://assay:password@127.0.0.1/assay")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    return tmp_path


def reach(folder, port=9):
    with Sandbox("tests.core.imaging.reaching_pack:pack", 64, Settings()) as sandbox:
        (sample,) = sandbox.samples([wrap_bytes("a", f"{port} {folder}".encode())])
        return sample.frame.message.split("; "), sandbox.layers


@pytest.mark.skipif(not find_version(), reason="this kernel has no Landlock")
def test_code_in_a_decoder_process_reaches_nothing_but_code(folder):
    with socket.create_server(("127.0.0.1", 0)) as server:
        reached, layers = reach(folder, server.getsockname()[1])

    assert reached == NEEDED
    assert layers == ("limits", "no_new_privs", f"landlock {find_version()}", "seccomp")
    assert [path.name for path in folder.iterdir()] == ["secret"]
    assert (folder / "secret").read_text() == "decisions"


def test_without_landlock_there_is_still_no_network_no_write_and_no_program(folder):
    # As on a kernel that has no Landlock.
    script = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "import core.imaging.confinement as c; c.allow_reading = lambda paths: 0\n"
        "from tests.core.imaging import reaching_pack\n"
        "layers = c.confine(4096, 'tests.core.imaging.reaching_pack:pack')\n"
        "try: reaching_pack.pack.read(sys.argv[2].encode(), 0, 0)\n"
        "except Exception as exc: print(exc.message); print(*layers)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        order = f"{server.getsockname()[1]} {folder}"
        done = subprocess.run(
            [sys.executable, "-c", script, Path(__file__).parents[3], order],
            env=keep_harmless(os.environ),
            capture_output=True,
            text=True,
            check=True,
        )

    reached, layers = done.stdout.splitlines()
    readable = {"parent's environment", "read a secret", "read /etc/passwd", "list home"}
    assert set(reached.split("; ")) <= readable | {"parent's memory", *NEEDED}
    assert layers == "limits no_new_privs seccomp"


def test_a_decoder_process_is_given_harmless_variables_alone():
    given = {"LANG": "C.UTF-8", "PGPASSWORD": "x", "ASSAY_HOME": "/a", "AWS_SESSION_TOKEN": "x"}

    assert keep_harmless(given) == {"LANG": "C.UTF-8"}


def test_pictures_beside_the_code_on_the_import_path_are_not_readable(tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("x")
    monkeypatch.syspath_prepend(tmp_path)

    assert "read a secret" not in reach(tmp_path)[0] or not find_version()


@pytest.mark.parametrize("entry", ["domains.parts:pack", "domains.crops:pack"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "BMP", "WEBP"])
def test_every_pack_and_format_decodes_under_confinement(entry, kind):
    with Sandbox(entry, 64, Settings()) as sandbox:
        (sample,) = sandbox.samples([wrap_bytes("a", encoded(smooth(80, 100, 1), kind))])

    assert isinstance(sample.frame, Prepared)
