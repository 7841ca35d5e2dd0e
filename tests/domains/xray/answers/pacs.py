"""A real Orthanc on loopback, with a folder of its own, started and stopped at will."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ORTHANC = Path("/usr/sbin/Orthanc")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HOST = "127.0.0.1"


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Orthanc:
    """Takes objects from ASSAY on this machine and from nobody else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.dicom_port, self.http_port = a_free_port(), a_free_port()
        self.root = f"http://{HOST}:{self.http_port}"
        self.url = f"{self.root}/dicom-web"
        # Its DICOM port binds every address; what it lets in is therefore narrowed by the peer.
        settings = {
            "Name": "test",
            "StorageDirectory": str(folder / "storage"),
            "IndexDirectory": str(folder / "storage"),
            "Plugins": [str(PLUGIN)],
            "DicomAet": "ORTHANC",
            "DicomPort": self.dicom_port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowStore": False,
            "DicomAlwaysAllowEcho": False,
            "DicomCheckModalityHost": True,
            "DicomModalities": {"assay": ["ASSAY", HOST, 1]},
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }
        (folder / "orthanc.json").write_text(json.dumps(settings))

    def start(self) -> None:
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(ORTHANC), str(self._folder / "orthanc.json")],
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """Let it put everything away, which takes it some seconds."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"{self.root}{path}") as answer:
            return bytes(answer.read())

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def files(self) -> dict[str, bytes]:
        """Give what it holds, by SOP Instance UID."""
        files = {}
        for instance in self.get_json("/instances"):
            tags = self.get_json(f"/instances/{instance}/simplified-tags")
            files[tags["SOPInstanceUID"]] = self.get(f"/instances/{instance}/file")
        return files

    def _answers(self) -> bool:
        try:
            return bool(self.get_json("/system"))
        except (urllib.error.URLError, ConnectionError):
            return False
