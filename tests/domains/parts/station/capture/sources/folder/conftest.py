"""A folder that a line watches."""

from __future__ import annotations

import pytest

from domains.parts.station.capture.sources import pending_files
from tests.domains.parts.station.capture.sources.folder.watched_line import (
    Line,
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def short_patience(monkeypatch):
    monkeypatch.setattr(pending_files, "PATIENCE_S", 0.3)


@pytest.fixture
def line(folder, tmp_path, short_patience):
    with Line(folder, tmp_path, rescan_s=0.3) as line:
        yield line
