"""What the headers of a study say of its site, patient, priority and age."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.records.case_headers import Headers
from core.records.image_products import OTHER_PRODUCTS
from core.service.review.case_rules import CaseRules, header_value
from domains.xray.worklist.history import is_old
from domains.xray.worklist.persons import contradictions


def sites_of(headers: Headers) -> tuple[str, ...]:
    """Return the sites that a study comes from, at least one: an empty one where none is named.

    Of each image as the nodes were configured that received it, else its InstitutionName.
    """
    named = [site for one in headers for site in _sites_of_image(one)]
    return tuple(dict.fromkeys(filter(None, named))) or ("",)


def _sites_of_image(header: Mapping[str, str]) -> list[str]:
    others = header[OTHER_PRODUCTS].split("\n") if OTHER_PRODUCTS in header else []
    institution = header.get("institution", "")
    return [site or institution for site in (header.get("site", ""), *others)]


def patient_of(headers: Headers) -> str:
    """Return what identifies the patient: PatientID with its issuer; empty without a PatientID."""
    number, issuer = (header_value(headers, key) for key in ("patient_id", "patient_issuer"))
    return "\n".join((number, issuer)) if number else ""


def is_stat(headers: Headers) -> bool:
    """Return whether any image of a study was requested as STAT."""
    return any(one.get("priority", "").upper() == "STAT" for one in headers)


def is_old_work(headers: Headers, arrived: datetime) -> bool:
    """Return whether a study is an earlier one and no new work.

    Whoever requests it as STAT means new work, whatever date its modality states.

    Args:
        headers: What its images say of themselves.
        arrived: When its first image came, with a zone.
    """
    return not is_stat(headers) and is_old(headers, arrived)


RULES = CaseRules(
    sites_of=sites_of,
    group_of=patient_of,
    is_urgent=is_stat,
    contradictions=contradictions,
    is_old=is_old_work,
)
