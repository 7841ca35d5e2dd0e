"""Why the model left a photo or a tile to a person, in the farmer's words and languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from core.decision.named_subject import CHECK as NAMED_CROP
from core.types import Finding, Reason
from domains.crops.locale import N_, Sentence
from domains.crops.photos.reasons import PhotoReason, sentence_of

UNFAMILIAR = frozenset({Reason.NOVEL, Reason.WRONG_INPUT, Reason.POOR_QUALITY})
"""Reasons by which no label is worth naming."""

_OTHER_CROP = N_("The picture does not look like the crop that you named.")
_TEXTS: Mapping[Reason, str] = {
    Reason.AMBIGUOUS: N_("Healthy or not is too close to call. Have a look at it."),
    Reason.NOVEL: N_("The model has not learned pictures like this one. Have a look at it."),
    Reason.UNREADABLE: N_("The file could not be read as a picture. Send it again."),
    Reason.POOR_QUALITY: N_("The picture is too poor to judge. Take it again."),
    Reason.WRONG_INPUT: N_("This is no picture of a plant that the model judges."),
    Reason.NOT_CERTIFIED: N_("Nothing is certified for this verdict yet. Have a look at it."),
    Reason.FAULT: N_("The program failed on this picture. Have a look at it."),
    Reason.CORRECTED: N_("Somebody judged this picture otherwise before. Have a look at it."),
}


def verdict_sentences(findings: Iterable[Finding]) -> Iterator[Sentence]:
    """Yield why a verdict is what it is; nothing of what was drawn for the audit, which is blind.

    Args:
        findings: Of the verdict.
    """
    for finding in findings:
        if finding.reason is Reason.POOR_QUALITY and finding.check in PhotoReason.__members__:
            yield sentence_of(PhotoReason(finding.check))
        elif finding.check == NAMED_CROP:
            yield Sentence(_OTHER_CROP)
        elif finding.reason in _TEXTS:
            yield Sentence(_TEXTS[finding.reason])
