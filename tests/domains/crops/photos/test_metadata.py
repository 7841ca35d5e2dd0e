"""What is read out of a file, wherever it stands, and what hostile files come to."""

import io
import struct

import pytest
from PIL import Image, PngImagePlugin

from domains.crops.photos.batch import NamedFacts, locate_photo
from domains.crops.photos.containers import find_blocks
from domains.crops.photos.metadata import read_facts
from domains.crops.photos.xmp import read_properties
from tests.domains.crops.photos.files import (
    BERLIN,
    BYTE,
    DJI,
    dji,
    gps_at,
    jpeg,
    pixels,
    segment,
    short,
    text,
    tiff,
    xmp,
)

HERE = dji(GpsLatitude="+48.5", GpsLongitude="+11.25", RelativeAltitude="+30.0")
GUID = b"0123456789ABCDEF0123456789ABCDEF"


def place(data: bytes):
    found = locate_photo(NamedFacts.of("a.jpg", read_facts(data))).place
    return None if found is None else (found.latitude, found.longitude)


def extended(packet: bytes, *, guid: bytes = GUID, piece: int = 40_000, length=None) -> bytes:
    """The segments of an extended packet, the last piece first."""
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid
    whole = len(packet) if length is None else length
    starts = range(0, len(packet), piece)
    return b"".join(
        segment(head + struct.pack(">II", whole, at) + packet[at : at + piece])
        for at in reversed(starts)
    )


NOTE = xmp(
    attributes=f'xmpNote:HasExtendedXMP="{GUID.decode()}"',
    space="http://ns.adobe.com/xmp/note/",
    prefix="xmpNote",
)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_and_xmp_are_found_in_every_format(kind):
    file = io.BytesIO()
    options = {"exif": tiff({271: text("Maker")}, gps=BERLIN)}
    if kind == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", HERE.decode())
    elif kind == "TIFF":
        exif = Image.Exif()
        exif.load(options["exif"])
        options = {"exif": exif, "tiffinfo": {700: HERE}}
    else:
        options["xmp"] = HERE
    Image.fromarray(pixels()).save(file, kind, **options)

    facts = read_facts(file.getvalue())

    assert facts.refused == 0
    assert facts.drone["GpsLatitude"] == ("+48.5",)
    if kind != "TIFF":  # the tiffinfo replaces the EXIF there
        assert facts.camera.make == "Maker"
        assert facts.gps.latitude == ((52, 1), (31, 1), (120, 10))


def test_xmp_stands_in_tag_700_of_a_tiff_and_of_the_directories_below():
    plain = tiff({700: (BYTE, HERE)})
    below = tiff({271: text("DJI")}, exif={}, gps={}, below=[{256: short(8)}, {700: (BYTE, HERE)}])

    assert place(plain) == place(below) == (48.5, 11.25)
    assert read_facts(below).camera.make == "DJI"


def test_an_extended_packet_is_put_together_by_its_guid():
    padding = "<drone-dji:Note>" + "x" * 90_000 + "</drone-dji:Note>"
    packet = xmp(padding, 'drone-dji:GpsLatitude="48.5" drone-dji:GpsLongitude="11.25"')

    assert place(jpeg(packets=[NOTE], more=extended(packet))) == (48.5, 11.25)
    assert place(jpeg(packets=[NOTE], more=extended(packet, guid=b"F" * 32))) is None
    assert place(jpeg(packets=[NOTE], more=extended(packet, length=len(packet) + 1))) is None
    assert place(jpeg(more=extended(packet))) is None


def test_an_extended_packet_of_over_1_mb_is_not_read():
    padding = "<drone-dji:Note>" + "x" * 1_100_000 + "</drone-dji:Note>"
    packet = xmp(padding, 'drone-dji:GpsLatitude="48.5" drone-dji:GpsLongitude="11.25"')

    assert place(jpeg(packets=[NOTE], more=extended(packet, piece=65_000))) is None


def test_a_later_packet_never_replaces_what_an_earlier_one_states():
    later = dji(GpsLatitude="+10.0", RelativeAltitude="+99.0")

    facts = read_facts(jpeg(packets=[HERE, later]))

    assert facts.drone["RelativeAltitude"] == ("+30.0", "+99.0")
    assert facts.drone["GpsLatitude"] == ("+48.5", "+10.0")
    assert facts.drone["GpsLongitude"] == ("+11.25",)


def test_a_namespace_is_its_uri_whatever_its_prefix():
    other_prefix = xmp(attributes='d:GpsLatitude="48.5" d:GpsLongitude="11.25"', prefix="d")
    other_uri = xmp(
        attributes='drone-dji:GpsLatitude="48.5" drone-dji:GpsLongitude="11.25"',
        space="http://example.org/1.0/",
    )

    assert place(jpeg(packets=[other_prefix])) == (48.5, 11.25)
    assert place(jpeg(packets=[other_uri])) is None


def test_arrays_and_plain_values_are_read_and_structures_are_not():
    body = (
        '<drone-dji:A><rdf:Seq xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        "<rdf:li>1</rdf:li><rdf:li>2</rdf:li></rdf:Seq></drone-dji:A><drone-dji:B> 3 </drone-dji:B>"
        "<drone-dji:C><drone-dji:D>4</drone-dji:D></drone-dji:C>"
    )

    properties, refused = read_properties([xmp(body, 'drone-dji:E="5"')])

    assert refused == 0
    assert properties == {
        f"{{{DJI}}}E": [("5",)], f"{{{DJI}}}A": [("1", "2")], f"{{{DJI}}}B": [("3",)]
    }  # fmt: skip


HOSTILE = {
    "entity": b'<!DOCTYPE x [<!ENTITY a "48.5">]>' + HERE.replace(b"+48.5", b"&a;"),
    "bomb": b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "outside": b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>',
    "document type": b"<!DOCTYPE x>" + HERE[HERE.index(b"<x:") : HERE.index(b"<?xpacket end")],
    "no xml": b"\0" * 50,
    "cut short": HERE[:200],
    "unknown encoding": b'<?xml version="1.0" encoding="nonsense"?><x/>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_packet_counts_for_nothing_and_its_neighbours_count(name):
    packet = HOSTILE[name]

    alone, beside = read_facts(jpeg(packets=[packet])), read_facts(jpeg(packets=[packet, HERE]))

    assert (alone.drone, alone.refused) == ({}, 1)
    assert beside.drone["GpsLatitude"] == ("+48.5",)


def test_packets_without_number_are_not_all_read():
    facts = read_facts(jpeg(packets=[dji(GpsLatitude=f"{n}.0") for n in range(60)]))

    assert len(facts.drone["GpsLatitude"]) == 8
    assert facts.refused == 44


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"MM\0*",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08" + b"\0\1" + struct.pack(">HHII", 34853, 4, 1, 8),  # its own GPS
        b"MM\0*\0\0\0\x08" + b"\0\1" + struct.pack(">HHII", 700, 1, 0xFFFFFFFF, 8),
        b"MM\0*\0\0\0\x08" + b"\0\1" + struct.pack(">HHII", 330, 4, 0x40000000, 8),
    ],
)
def test_a_damaged_exif_block_has_no_place(block):
    assert place(jpeg(block)) is None


def test_every_cut_of_a_photo_is_read_without_an_error_and_never_gives_another_place():
    data = jpeg(tiff({271: text("Maker")}, {36867: text("2024:05:12 10:11:12")}, BERLIN), [HERE])
    whole = {None, (52.52, 13.405), (48.5, 11.25)}

    found = {place(data[:length]) for length in range(0, len(data), 7)}

    assert {one and (round(one[0], 9), round(one[1], 9)) for one in found} <= whole
    assert None in found


def test_of_a_multi_picture_file_the_first_picture_alone_counts():
    """Ultra HDR and MPO: the gain map or the second view follows, with metadata of its own."""
    first, second = jpeg(tiff(gps=BERLIN)), jpeg(tiff(gps=gps_at([(1, 1)] * 3, [(2, 1)] * 3)))

    assert place(first + second) == pytest.approx((52.52, 13.405))
    assert place(jpeg() + second) is None


def test_the_film_at_the_end_of_a_motion_photo_plays_no_part():
    film = struct.pack(">I", 24) + b"ftypmp42" + bytes(12) + segment(b"Exif\0\0" + tiff(gps=BERLIN))

    assert place(jpeg() + film) is None
    assert find_blocks(jpeg(tiff(gps=BERLIN)) + film) == find_blocks(jpeg(tiff(gps=BERLIN)))
