"""Who judged, and what is certified, as parts of the pages to print."""

from __future__ import annotations

from core.report.blocks import Paragraph, Section
from domains.crops.locale import N_, Language, Sentence
from domains.crops.survey.judged_by import JudgedBy

_MADE = N_("Judged by {bundle}, policy {policy}.")
_MEASURED = N_("Measured only; no model looked at it.")
_PROMISE = N_("What is certified")
_NOTHING = N_("Nothing is certified about these verdicts.")


def describe_judge(judge: JudgedBy, language: Language) -> str:
    """Return who judged as a sentence."""
    if not judge.bundle:
        return language.text(_MEASURED)
    return language.render(Sentence(_MADE, {"bundle": judge.bundle, "policy": judge.policy}))


def certified_section(judge: JudgedBy, language: Language) -> Section:
    """Return what is certified about the verdicts, or that nothing is."""
    if judge.is_certified:
        blocks = tuple(Paragraph(sentence) for sentence in judge.certificates)
    else:
        blocks = (Paragraph(language.text(_NOTHING), "warn"),)
    return Section("certified", language.text(_PROMISE), blocks)
