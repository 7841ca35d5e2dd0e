"""The study that AIAG prints, and its analysis."""

from __future__ import annotations

import pytest

from domains.parts.station.spc.msa import analyse
from domains.parts.station.spc.msa_study import to_study
from tests.domains.parts.station import aiag


@pytest.fixture(scope="module")
def study():
    return to_study(aiag.rows())


@pytest.fixture(scope="module")
def analysis(study):
    return analyse(study)
