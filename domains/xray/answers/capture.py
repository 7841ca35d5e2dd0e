"""One judged image as a picture for any viewer: a DICOM Secondary Capture with a heat map.

The image stands on the left, the same with the heat map on the right, and below them, burnt in,
the verdict and what such a verdict is for. No word of the patient is burnt in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from core.imaging.overlay import overlay_heat, restore_shape, strength
from core.service.review.explanations import Explanation
from core.types import U8
from domains.xray.answers.answer import CaseResult, JudgedImage, UidMaker
from domains.xray.answers.objects import CAPTURE_SERIES, MODEL, NOTICE, complete, skip_validation
from domains.xray.answers.report_items import describe_reason
from domains.xray.decoding.source import Source

if TYPE_CHECKING:
    from pydicom import Dataset

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
DESCRIPTION = (
    "Image with the heat map of a prescreening model: warm colour raises the score for "
    f"abnormal, cold lowers it. The map shows what moved the score, not where disease is. {NOTICE}"
)

_GAP, _MARGIN = 8, 12
_LARGE, _SMALL = 26, 15
_WHITE, _GREY = (255, 255, 255), (190, 190, 190)
_LONGEST_LINE = 400
_NARROWEST = 640


def capture(
    answer: CaseResult, image: JudgedImage, explanation: Explanation, uids: UidMaker
) -> Dataset:
    """Return one image's verdict, drawn into the study that the image belongs to.

    Args:
        answer: What is sent about the case.
        image: One of the images that belong to the study.
        explanation: Its picture and heat map.
        uids: Makes the UIDs.

    Returns:
        A Secondary Capture; equal arguments give equal elements.

    Raises:
        ValueError: The image has no source to refer to.
    """
    from pydicom import Dataset

    if image.source is None:
        raise ValueError("capture: expected an image with a source")
    dataset = Dataset()
    _put_pixels(dataset, render(image, explanation))
    with skip_validation():
        _describe(dataset, answer, image, image.source, uids)
        complete(dataset, image.source, image.decision.decided_at, image.decision.code_version)
    return dataset


def _describe(
    dataset: Dataset, answer: CaseResult, image: JudgedImage, source: Source, uids: UidMaker
) -> None:
    from pydicom import Dataset

    dataset.SOPClassUID = SECONDARY_CAPTURE
    dataset.SOPInstanceUID = uids.capture(answer, image)
    dataset.SeriesInstanceUID = uids.series(answer, "capture")
    dataset.SeriesNumber, dataset.InstanceNumber = CAPTURE_SERIES, image.number
    dataset.Modality, dataset.ConversionType = "OT", "WSD"
    dataset.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    dataset.PatientOrientation = None
    dataset.BurnedInAnnotation, dataset.RecognizableVisualFeatures = "YES", "NO"
    dataset.DerivationDescription = DESCRIPTION
    if source.lossy:
        dataset.LossyImageCompression = "01"
    derived_from = Dataset()
    derived_from.ReferencedSOPClassUID = source.sop_class
    derived_from.ReferencedSOPInstanceUID = source.sop_instance
    dataset.SourceImageSequence = [derived_from]


def render(image: JudgedImage, explanation: Explanation) -> U8:
    """Return picture, heat map and text side by side, uint8 ``h w 3`` RGB."""
    picture = restore_shape(explanation.picture, explanation.source_size)
    heat = restore_shape(explanation.heat, explanation.source_size)
    gap = np.zeros((len(picture), _GAP, 3), np.uint8)
    pair = np.hstack([picture, gap, overlay_heat(picture, strength(heat))])
    # The words need some room even below a narrow picture.
    side = max(0, _NARROWEST - pair.shape[1]) // 2
    framed = np.pad(pair, ((0, 0), (side, side), (0, 0)))
    return np.vstack([framed, _text_band(image, framed.shape[1])])


def _text_band(image: JudgedImage, width: int) -> U8:
    """Return the verdict, its figures and its reasons on a black band of that width."""
    decision = image.decision
    probability = decision.positive_probability
    figure = "not scored" if probability is None else f"{probability:.3f}"
    reasons = [describe_reason(finding) for finding in decision.findings]
    lines = [
        (f"Image {image.number}: {decision.wording}", _LARGE, _WHITE),
        (f"Calibrated probability abnormal: {figure}", _SMALL, _WHITE),
        *((reason[:_LONGEST_LINE], _SMALL, _WHITE) for reason in reasons),
        (f"Model {decision.bundle}, policy {decision.policy_id}", _SMALL, _GREY),
        (f"{MODEL}. {NOTICE}", _SMALL, _WHITE),
    ]
    wrapped = [
        (part, size, colour)
        for words, size, colour in lines
        for part in _wrap(words, size, width - 2 * _MARGIN)
    ]
    height = 2 * _MARGIN + sum(_line_height(size) for _, size, _ in wrapped)
    band = Image.new("RGB", (width, height))
    pen, top = ImageDraw.Draw(band), _MARGIN
    for part, size, colour in wrapped:
        pen.text((_MARGIN, top), part, fill=colour, font=ImageFont.load_default(size))
        top += _line_height(size)
    return np.asarray(band, np.uint8)


def _line_height(size: int) -> int:
    return size * 4 // 3


def _wrap(words: str, size: int, width: int) -> list[str]:
    """Return a line broken between words so that every part fits the width, in pixels."""
    font = ImageFont.load_default(size)
    parts = [""]
    for word in words.split():
        longer = f"{parts[-1]} {word}".strip()
        if font.getlength(longer) <= width or not parts[-1]:
            parts[-1] = longer
        else:
            parts.append(word)
    return parts


def _put_pixels(dataset: Dataset, pixels: U8) -> None:
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    # Two pictures of equal width make the length even, as an element's must be.
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB"
