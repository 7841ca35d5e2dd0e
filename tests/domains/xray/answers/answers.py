"""Answers with only the interesting field shown."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from core.records.values import StoredDecision
from core.service.review.explanations import Explanation
from core.types import Certificate, Disposition, Finding
from domains.xray import pack
from domains.xray.answers.answer import CaseResult, JudgedImage, UidMaker
from domains.xray.decoding.source import Source, source_of

NAMES = UidMaker(b"a key of thirty-two bytes, no more")
DX = "1.2.840.10008.5.1.4.1.1.1.1"
ESCAPE = Certificate("escape", 0.05, 0.95, 311, 4, 0.0291234567890123, True, 0.1, 0, 0.0096)
OVERKILL = Certificate("overkill", 0.1, 0.95, 27, 3, 0.263, False, None, 31, 0.105)


def a_source(instance: int = 1, **tags: str) -> Source:
    source = source_of(
        {
            "SOPClassUID": DX,
            "SOPInstanceUID": f"1.2.3.4.{instance}",
            "SeriesInstanceUID": "1.2.3.4.0",
            "StudyInstanceUID": "1.2.3.4",
            "PatientName": "Doe^Jane",
            "PatientID": "ID-17",
            "PatientBirthDate": "19610203",
            "PatientSex": "F",
            "StudyDate": "20260102",
            "StudyTime": "101112.5",
            "StudyID": "S1",
            "AccessionNumber": "A-4711",
            "ReferringPhysicianName": "House^Gregory",
            "StudyDescription": "THORAX PA",
            **tags,
        }
    )
    assert source
    return source


def a_decision(
    content: str = "a",
    p: float | None = 0.9123456789012345,
    disposition: Disposition = Disposition.POSITIVE,
    *findings: Finding,
    bundle: str = "chest@0123456789ab",
    minute: int = 0,
) -> StoredDecision:
    return StoredDecision(
        content_key=content[0] * 64,
        bundle=bundle,
        bundle_sha256="b" * 64,
        policy_id="0123456789abcdef",
        pack="xray",
        disposition=disposition,
        wording=pack.wording[disposition],
        label="",
        classes=("normal", "abnormal"),
        probabilities=() if p is None else (1 - p, p),
        positive_probability=p,
        ood_p=None if p is None else 0.5,
        findings=findings,
        features=b"",
        logits=b"",
        ood_score=1.0,
        code_version="0.2.0",
        device="cpu",
        message="",
        decode_ms=1.0,
        infer_ms=1.0,
        total_ms=2.0,
        decided_at=datetime(2026, 11, 1, 12, minute, tzinfo=UTC),
    )


def an_answer(
    *images: JudgedImage, study: Source | None = None, version: int = 1, predecessor: str = ""
) -> CaseResult:
    images = images or (JudgedImage(1, a_decision(), study or a_source()),)
    study = study or next(one.source for one in images if one.source)
    return CaseResult("case-1", images, study, ESCAPE, OVERKILL, version, predecessor)


def an_explanation(source_size: tuple[int, int] = (900, 700)) -> Explanation:
    """Grey everywhere, with one hot place in the upper left quarter of the picture."""
    picture = np.full((720, 720, 3), 100, np.uint8)
    heat = np.zeros((720, 720), np.float32)
    heat[100:260, 100:260] = 1.0
    return Explanation(picture, source_size, heat, ())
