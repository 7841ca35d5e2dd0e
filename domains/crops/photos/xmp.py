"""XMP packets: properties by the URI of their namespace, as attributes or as elements.

Entities and document types are refused (defusedxml); a packet that does not parse counts for
nothing, and neither do the packets after it silently replace what an earlier one stated.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DJI = "{http://www.dji.com/drone-dji/1.0/}"
PIX4D_CAMERA = ("{http://pix4d.com/camera/1.0/}", "{http://pix4d.com/camera/1.0}")

_LONGEST_PACKET = 1024 * 1024
_MOST_PACKETS, _MOST_PROPERTIES, _MOST_VALUES = 16, 2000, 8
_LONGEST_VALUE = 1000
_ARRAYS = tuple(f"{RDF}{kind}" for kind in ("Seq", "Bag", "Alt"))

Properties = dict[str, list[tuple[str, ...]]]
"""``{URI}name`` to the different values that were stated, the first one first; each an array."""


def read_properties(packets: Iterable[bytes]) -> tuple[Properties, int]:
    """Return the properties of all packets, and how many packets were not read.

    Args:
        packets: Untrusted bytes, in the order of the file.

    Returns:
        ``{URI}name`` to every different value, in order; a plain value is an array of one. The
        number of packets that are no XMP, too long, too many, or hold a document type or entities.
    """
    found: Properties = {}
    refused = 0
    for number, packet in enumerate(packets):
        root = _root(packet) if number < _MOST_PACKETS else None
        if root is None:
            refused += 1
            continue
        for rdf in root.iter(f"{RDF}RDF"):
            for description in rdf.findall(f"{RDF}Description"):
                _collect(description, found)
    return found, refused


def _root(packet: bytes) -> Element | None:
    text = packet.strip(b"\0 \t\r\n")
    if len(text) > _LONGEST_PACKET:
        return None
    try:
        root: Element = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        return None
    return root


def _collect(description: Element, found: Properties) -> None:
    stated: list[tuple[str, tuple[str, ...]]]
    stated = [(name, (value,)) for name, value in description.attrib.items()]
    stated += [(child.tag, _values(child)) for child in description]
    for name, values in stated:
        if not values or name.startswith(RDF):
            continue
        if name not in found and len(found) >= _MOST_PROPERTIES:
            continue
        known = found.setdefault(name, [])
        cut = tuple(value.strip()[:_LONGEST_VALUE] for value in values)
        if cut not in known and len(known) < _MOST_VALUES:
            known.append(cut)


def _values(element: Element) -> tuple[str, ...]:
    for child in element:
        if child.tag in _ARRAYS:
            return tuple(item.text or "" for item in child.findall(f"{RDF}li"))
        return ()  # a structure
    return (element.text or "",)
