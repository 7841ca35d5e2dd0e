"""The input gate: is this a frontal chest radiograph, by what its header says and by its pixels."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from core.types import F64, U8, Finding, Reason
from domains.xray.decoding.header import DicomHeader

MODALITIES = ("CR", "DX")
BODY_PARTS = ("CHEST", "THORAX")
# SNOMED CT, and its older spelling in DICOM.
CHEST_REGIONS = ("816094009", "51185008", "T-D3000", "39607008", "T-28000")  # chest, thorax, lung
VIEWS = ("PA", "AP")
FRONTAL_CODES = ("272479007", "399348003", "R-10214", "R-40888", "R-10206")  # PA, AP
# PatientPosition belongs to scanners; where a radiograph has it, it may repeat the view.
POSITIONS = (*VIEWS, "HFP", "HFS", "HFDR", "HFDL", "FFP", "FFS", "FFDR", "FFDL", "SITTING")
PHOTOMETRICS = ("MONOCHROME1", "MONOCHROME2")
SMALLEST_SIDE = 200
LONGEST_SHAPE = 2.0
FEWEST_BITS = 8

# The mean of 1,437 upright frontal chests of children and adults, both halves made equal, in units
# of its deviation. Of 3,282 such pictures none resembles its negative; all but 1 of their negatives
# do by more than MOST_NEGATIVE.
_CHEST = np.array(
    [
        [-1.8, -1.3, -0.7, 0.5],
        [-1.0, 0.0, 0.0, 0.4],
        [-0.7, 0.3, -0.5, 0.3],
        [-0.9, 0.1, -0.6, 0.7],
        [-1.1, -0.1, -0.2, 1.1],
        [-1.3, -0.1, 0.4, 1.4],
        [-1.5, 0.3, 1.2, 1.7],
        [-1.4, 1.0, 1.7, 2.0],
    ]
)
MOST_NEGATIVE = 0.15
LEAST_FIELD = 0.5
BLACK, WHITE = 16, 239  # of a border, at most and at least
COARSE = 56


def header_findings(header: DicomHeader) -> tuple[Finding, ...]:
    """Return a finding for each stated value outside what the model is for; others pass.

    Args:
        header: What the file says of itself.

    Returns:
        A WRONG_INPUT for each check that fails; only codes of closed vocabularies are quoted.
    """
    failed = [*_kind(header), *_view(header), *_image(header)]
    return tuple(Finding(Reason.WRONG_INPUT, f"{check}: {text}", check) for check, text in failed)


def _kind(header: DicomHeader) -> Iterator[tuple[str, str]]:
    if header.modality not in MODALITIES:
        yield "modality", f"expected CR or DX, got {header.modality or 'none stated'}."
    if header.body_part and header.body_part not in BODY_PARTS:
        yield "body part", f"expected CHEST, got {header.body_part}."
    elif not header.body_part and header.regions and not {*header.regions} & {*CHEST_REGIONS}:
        yield "body part", f"expected the chest, got the region coded {header.regions[0]}."
    if header.intent == "FOR PROCESSING" or header.for_processing:
        yield "intent", "expected an image for presentation, got one for processing."
    elif header.intent and header.intent != "FOR PRESENTATION":
        yield "intent", f"expected an image for presentation, got {header.intent}."


def _view(header: DicomHeader) -> Iterator[tuple[str, str]]:
    along, down = (*header.orientation, "", "")[:2]
    if header.view and header.view not in VIEWS:
        yield "view", f"expected PA or AP, got {header.view}."
    elif not header.view and header.view_codes and not {*header.view_codes} & {*FRONTAL_CODES}:
        yield "view", f"expected PA or AP, got the view coded {header.view_codes[0]}."
    elif not header.view and header.position and header.position not in POSITIONS:
        yield "view", f"expected PA or AP, got the position {header.position}."
    elif along in ("A", "P") or down in ("A", "P"):
        yield "view", "expected PA or AP, got the orientation of a lateral view."
    if not {along, down} <= {*"ALRPHF", ""} or len(header.orientation) > 2:
        yield "orientation", "expected two of A, P, L, R, H and F, got something else."
    elif (along, down) == ("R", "F"):
        yield "mirrored", "expected the left side on the right, got it on the left."
    elif along in ("R", "H", "F") or down in ("L", "R", "H"):
        yield "rotated", "expected the head up, got it elsewhere."


def _image(header: DicomHeader) -> Iterator[tuple[str, str]]:
    if header.frames > 1:
        yield "frames", f"expected one, got {header.frames}."
    if header.photometric not in PHOTOMETRICS:
        stated = header.photometric or "none stated"
        yield "photometric", f"expected MONOCHROME1 or MONOCHROME2, got {stated}."
    for what in header.unclear:
        yield "display", f"expected a {what} that can be applied, got one that cannot."
    if header.bits < FEWEST_BITS:
        yield "bits", f"expected at least {FEWEST_BITS} bits a pixel, got {header.bits}."
    shorter, longer = sorted((header.rows, header.columns))
    if shorter < SMALLEST_SIDE or longer > LONGEST_SHAPE * shorter:
        yield (
            "size",
            f"expected at least {SMALLEST_SIDE} pixels a side and one side at most "
            f"{LONGEST_SHAPE:g} times the other, got {header.columns} x {header.rows}.",
        )


def picture_findings(grey: U8) -> tuple[Finding, ...]:
    """Return what a glance at the picture settles: a negative, or mostly border.

    Args:
        grey: uint8 square of any side.

    Returns:
        A WRONG_INPUT for each that is found.
    """
    likeness, field = chest_likeness(grey), open_field(grey)
    findings = []
    if likeness < -MOST_NEGATIVE:
        detail = (
            f"inverted: expected bones bright, got a picture that resembles the negative of a "
            f"chest (correlation {likeness:.2f})."
        )
        findings.append(Finding(Reason.WRONG_INPUT, detail, "inverted"))
    if field < LEAST_FIELD:
        detail = (
            f"collimated: expected at least {LEAST_FIELD:.0%} of the picture within its black or "
            f"white border, got {field:.0%}."
        )
        findings.append(Finding(Reason.WRONG_INPUT, detail, "collimated"))
    return tuple(findings)


def chest_likeness(grey: U8) -> float:
    """Return the correlation with the mean chest, 8 x 8 fields each: -1 is its very negative."""
    chest = template()
    fields = cv2.resize(grey, chest.shape, interpolation=cv2.INTER_AREA).astype(np.float64)
    fields -= fields.mean()
    strength = float(np.linalg.norm(fields) * np.linalg.norm(chest))
    return float((fields * chest).sum()) / strength if strength else 0.0


def template() -> F64:
    """Return the mean chest, float64 ``8 8`` around zero."""
    both = np.hstack([_CHEST, _CHEST[:, ::-1]])
    return np.asarray(both - both.mean(), np.float64)


def open_field(grey: U8) -> float:
    """Return the share of a picture's area inside its black or white borders.

    A line counts as border where all of it but a twentieth is black, or all but a twentieth white,
    so that a marker in the border does not open it.
    """
    coarse = cv2.resize(grey, (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    share = 1.0
    for lines in (coarse, coarse.T):
        low, high = np.percentile(lines, (5, 95), axis=1)
        live = np.flatnonzero((high > BLACK) & (low < WHITE))
        share *= (live[-1] - live[0] + 1) / COARSE if live.size else 0.0
    return share
