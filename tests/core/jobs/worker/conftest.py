"""A pack that fails in every way there is, a store on each engine, and bundles of their own."""

import shutil

import pytest

from core.jobs import lease
from core.service.bundles.open import certify_bundle, open_bundle
from core.types import Targets
from tests.changed_bundles import copy_bundle
from tests.core.jobs.running import installed_pack, write_pack
from tests.core.records.conftest import ENGINES, empty_store

FRAIL = '''
"""Parts, read by a reader that dies of a marker, with jobs that fail as their payload asks."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime

from core.packs import JobKind
from domains.parts import pack as parts


def read(data, max_pixels, min_side):
    if data.endswith(b"ABORT"):
        os.abort()
    return parts.read(data, max_pixels, min_side)


def task(context):
    job, settings = context.job, context.settings
    with open(settings.home / "done.txt", "a") as file:
        file.write(f"{job.kind} {job.key}\\n")
    how = job.payload.get("how", "well")
    if how == "raise":
        raise ValueError("CANARY^JANE cannot be read")
    if how == "hang":
        time.sleep(600)
    if how == "die":
        os.abort()
    if how == "exit":
        raise SystemExit(3)


pack = replace(
    parts,
    name="frail",
    outputs=(),
    read=read,
    jobs=(
        JobKind("frail.after", "frail_pack:task"),
        JobKind("frail.task", "frail_pack:task", deadline_s=4.0),
        JobKind("frail.stuck", "frail_pack:task"),
    ),
    after_decision="frail.after",
)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the frail pack, as pip would have installed it."""
    return write_pack(tmp_path_factory.mktemp("frail") / "site", "frail", FRAIL)


@pytest.fixture
def frail(site):
    with installed_pack(site, "frail"):
        yield


@pytest.fixture(autouse=True)
def no_second_try_unless_time_passes(monkeypatch):
    monkeypatch.setattr(lease, "_FIRST_WAIT_S", 600.0)


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path, monkeypatch):
    """A home, and its store, for the commands too."""
    url = empty_store(request.param)
    settings = tiny_product.settings_at(tmp_path / "home", store_url=url)
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_STORE_URL", url)
    return settings


@pytest.fixture
def bundle(tiny_product, tmp_path):
    copy = shutil.copytree(tiny_product.bundle, tmp_path / "bundle")
    return open_bundle(copy, tiny_product.settings)


@pytest.fixture
def frail_bundle(tiny_product, tmp_path, frail):
    """The tiny bundle as if it had been trained for the frail pack."""
    path = copy_bundle(tiny_product.bundle, tmp_path / "frail", pack="frail")
    certify_bundle(open_bundle(path, tiny_product.settings), Targets(escape=0.2, overkill=0.2))
    return open_bundle(path, tiny_product.settings)
