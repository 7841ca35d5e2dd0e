"""The function of the sandbox: what a file states and how well its picture can be judged."""

from __future__ import annotations

from core.errors import InputError
from core.imaging.sniff import sniff
from domains.crops.photos.facts import PhotoFacts
from domains.crops.photos.metadata import read_facts


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
