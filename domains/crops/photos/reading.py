"""The function of the sandbox: what a photo's file states, and measures of its picture."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from core.errors import InputError, UnreadableImage
from core.imaging.decode import decode
from core.imaging.functions import Arguments, Output
from core.imaging.sniff import sniff
from domains.crops.photos.facts import PhotoFacts
from domains.crops.photos.measures import SIDE, eight_bit_rgb, measure
from domains.crops.photos.metadata import read_facts

READ = f"{__name__}:read_photo"


@dataclass(frozen=True, slots=True)
class ReadPhoto:
    """What the sandbox gave of one photo.

    Attributes:
        facts: What its file states.
        measures: Of its picture, by name; None where it does not decode, or is one band.
        problem: Why the picture does not decode; empty where it does.
    """

    facts: PhotoFacts
    measures: dict[str, float] | None = None
    problem: str = ""


def read_photo(data: bytes, arguments: Arguments) -> Output:
    """Return facts and measures as JSON; a picture that does not decode still states its facts.

    Args:
        data: The whole file, untrusted.
        arguments: ``max_pixels``.
    """
    max_pixels = int(arguments["max_pixels"])
    facts = read_photo_facts(data, max_pixels)
    measures, problem = None, ""
    try:
        pixels = eight_bit_rgb(decode(data, max_pixels, SIDE))
        measures = None if pixels is None else measure(pixels)
    except InputError as exc:
        problem = str(exc)
    return Output(
        record={"facts": facts.model_dump(mode="json"), "measures": measures, "problem": problem}
    )


def read_photo_facts(data: bytes, max_pixels: int) -> PhotoFacts:
    """Return what a file states, with its format and size where its header reads.

    Args:
        data: The whole file, untrusted.
        max_pixels: Largest width times height accepted.
    """
    facts = read_facts(data)
    try:
        header = sniff(data, max_pixels)
    except InputError:
        return facts
    size = {"kind": header.kind, "width": header.width, "height": header.height}
    return facts.model_copy(update=size)


def photo_of(output: Output) -> ReadPhoto:
    """Return what ``read_photo`` gave, checked: it comes from a process that is not trusted.

    Raises:
        UnreadableImage: It is no such thing.
    """
    record = output.record
    try:
        facts = PhotoFacts.model_validate(record["facts"])
        measures = record["measures"]
        if measures is not None:
            measures = {str(name): float(value) for name, value in measures.items()}
        return ReadPhoto(facts, measures, str(record["problem"])[:500])
    except (KeyError, TypeError, ValueError, AttributeError, ValidationError) as exc:
        raise UnreadableImage("What the file states of itself makes no sense.") from exc
