"""A store on every engine at hand, and assessments with only the interesting field shown."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from core.records.connection import writing
from core.records.store import new_decision, open_store, record
from core.settings import Settings
from core.types import (
    Assessment,
    Disposition,
    Evidence,
    Finding,
    Prediction,
    Provenance,
    Reason,
    Verdict,
)

POSTGRES = os.environ.get("ASSAY_TEST_POSTGRES", "")
SERVED = pytest.param("postgresql", marks=pytest.mark.service)
ENGINES = ["sqlite", *([SERVED] if POSTGRES else [])]
if os.environ.get("CI") == "true" and not POSTGRES:
    raise RuntimeError(
        "CI must test the store on PostgreSQL too: apt-get install postgresql, start it, make an "
        "empty database of its own and give its URL in ASSAY_TEST_POSTGRES."
    )


def an_assessment(
    content: bytes = b"picture",
    *,
    p: float | None = 0.5,
    disposition: Disposition | None = None,
    group: str = "",
    sample_id: str = "a.png",
    policy: str = "policy-1",
    reason: Reason | None = None,
) -> Assessment:
    """Judge like a policy with limits 0.2 and 0.8; p = None never reached the model."""
    if disposition is None:
        disposition = Disposition.DEFER
        if p is not None and p <= 0.2:
            disposition = Disposition.NEGATIVE
        elif p is not None and p >= 0.8:
            disposition = Disposition.POSITIVE
    scored = p is not None
    return Assessment(
        sample_id=sample_id,
        group=group,
        sha256=hashlib.sha256(content).hexdigest() if content else "",
        verdict=Verdict(disposition, "", (Finding(reason, "why"),) if reason else ()),
        wording="REVIEW",
        classes=("ok", "scratch"),
        prediction=Prediction(np.array([1 - p, p]), p, 0.25) if scored else None,
        evidence=Evidence(np.arange(3, dtype=np.float32), np.array([0.0, p]), 1.5)
        if scored
        else None,
        provenance=Provenance("widgets@0123456789ab", "b" * 64, policy, "0.1.0", "cpu"),
        timing_ms={"decode": 1.0, "infer": 2.0, "total": 3.0},
    )


@pytest.fixture
def assessment():
    return an_assessment


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path):
    """A home whose store is on each engine in turn."""
    return Settings(home=tmp_path, store_url=empty_store(request.param))


@pytest.fixture
def sqlite_store(tmp_path):
    opened = open_store(tmp_path / "assay.sqlite")
    yield opened
    opened.close()


@pytest.fixture(params=ENGINES)
def address(request, tmp_path):
    """Where a store may be opened, by any number of processes; nothing is there yet."""
    if request.param == "postgresql":
        emptied(POSTGRES)
        return POSTGRES
    return str(tmp_path / "new" / "assay.sqlite")


def empty_store(engine: str) -> str:
    """Return the URL of an empty store on an engine, as the settings take it."""
    if engine == "sqlite":
        return ""
    emptied(POSTGRES)
    return POSTGRES


def emptied(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def keep():
    """Record assessments as one batch."""

    def _keep(store, *assessments, pack="parts", name="a.png", **given):
        new = [new_decision(item, pack=pack, name=name) for item in assessments]
        return record(store, new, **given)

    return _keep


@pytest.fixture
def execute():
    """Change the database behind the store's back."""

    def _execute(store, statement, **values):
        with writing(store) as connection:
            connection.execute(text(statement), values)

    return _execute


@pytest.fixture
def ingest_script() -> Path:
    return Path(__file__).parent / "ingest.py"
