"""Whether a terminal will open a prescription: read back by GDAL, which did not write it."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from domains.crops.exports.prescription import Prescription
from domains.crops.exports.rates import HECTARE_M2
from domains.crops.exports.terminals import TerminalProfile

_HEADER = struct.Struct("<ii")
_VERSION, _POLYGON = 1000, 5
_SHORT_NAME = re.compile(r"[A-Z0-9_]{1,8}\.[a-z]{3}")
_DBF_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,9}")
_DBF_HEADER_BYTES, _DBF_COLUMN_BYTES = 32, 32


def find_faults(
    files: Mapping[str, bytes], chosen: TerminalProfile, prescription: Prescription, size: int
) -> tuple[str, ...]:
    """Return what a terminal would stumble over, as sentences; empty when it opens the files.

    Args:
        files: Contents by their path in the archive.
        chosen: The terminal.
        prescription: What the files should say.
        size: Bytes of the archive.
    """
    by_suffix = {PurePosixPath(name).suffix: content for name, content in files.items()}
    faults = [*_name_faults(files, chosen), *_size_faults(chosen, prescription, size)]
    missing = [suffix for suffix in chosen.suffixes if suffix not in by_suffix]
    if missing or len(by_suffix) != len(files):
        return (*faults, f"Files are missing or twice: {', '.join(missing) or 'a suffix'}.")
    faults += _header_faults(by_suffix)
    faults += _column_faults(by_suffix[".dbf"], chosen)
    if faults:
        return tuple(faults)
    return tuple(_content_faults(by_suffix, chosen, prescription))


def _name_faults(files: Mapping[str, bytes], chosen: TerminalProfile) -> list[str]:
    faults = []
    for name in files:
        path = PurePosixPath(name)
        if str(path.parent) != (chosen.folder or "."):
            faults.append(f"{name} does not lie in {chosen.folder or 'the top folder'}.")
        if chosen.needs_short_name and not _SHORT_NAME.fullmatch(path.name):
            faults.append(f"{name} is longer than eight characters and three.")
    return faults


def _size_faults(chosen: TerminalProfile, prescription: Prescription, size: int) -> list[str]:
    faults = []
    area = sum(one.tile.area_m2 for one in prescription.tiles)
    if chosen.max_bytes and size > chosen.max_bytes:
        faults.append(f"{size:,} bytes are more than {chosen.title}'s {chosen.max_bytes:,}.")
    if chosen.max_area_m2 and area > chosen.max_area_m2:
        faults.append(
            f"{area / HECTARE_M2:.1f} ha are more than {chosen.title}'s "
            f"{chosen.max_area_m2 / HECTARE_M2:.1f} ha."
        )
    return faults


def _header_faults(by_suffix: Mapping[str, bytes]) -> list[str]:
    faults = []
    for suffix in (".shp", ".shx"):
        version, kind = _HEADER.unpack_from(by_suffix[suffix], 28)
        if (version, kind) != (_VERSION, _POLYGON):
            faults.append(f"{suffix} has version {version} and type {kind}, not 1000 and 5.")
    return faults


def _column_faults(dbf: bytes, chosen: TerminalProfile) -> list[str]:
    (header,) = struct.unpack_from("<H", dbf, 8)
    count = (header - _DBF_HEADER_BYTES - 1) // _DBF_COLUMN_BYTES
    columns = [dbf[32 * (1 + place) : 32 * (2 + place)] for place in range(count)]
    names = tuple(column[:11].rstrip(b"\0").decode("ascii", "replace") for column in columns)
    faults = [
        f"Column {name} has no valid name." for name in names if not _DBF_NAME.fullmatch(name)
    ]
    if names != chosen.columns:
        faults.append(f"Columns are {', '.join(names)}, not {', '.join(chosen.columns)}.")
    kinds = [chr(column[11]) for column in columns]
    wanted = ["C" if name == "UNIT" else "N" for name in names]
    if kinds != wanted:
        faults.append(f"Types of the columns are {', '.join(kinds)}, not {', '.join(wanted)}.")
    return faults


def _content_faults(
    by_suffix: Mapping[str, bytes], chosen: TerminalProfile, prescription: Prescription
) -> list[str]:
    try:
        shapes, columns = _read(by_suffix)
    except DataSourceError as exc:
        return [f"GDAL does not open it: {exc}"]
    faults = []
    if chosen.max_areas and len(shapes) > chosen.max_areas:
        faults.append(
            f"{len(shapes)} areas are more than {chosen.title}'s {chosen.max_areas}: survey with "
            "larger tiles."
        )
    bad = [place + 1 for place, shape in enumerate(shapes) if not _is_sound(shape)]
    if bad:
        faults.append(f"Areas {', '.join(map(str, bad))} have rings that are open or cross.")
    table = prescription.table
    spread = np.asarray(columns["RATE"], float) * np.asarray(columns["AREA_HA"], float) * HECTARE_M2
    total = table.amount(float(spread.sum()), 1.0)
    if not prescription.is_total(total):
        faults.append(
            f"The file spreads {total:.6g} {prescription.quantity}, the prescription "
            f"{prescription.total:.6g}."
        )
    return faults


def _is_sound(shape: shapely.Geometry) -> bool:
    flags = shapely.is_valid(shape), not shapely.is_empty(shape), not shapely.has_z(shape)
    return all(map(bool, flags))


def _read(
    by_suffix: Mapping[str, bytes],
) -> tuple[list[shapely.Geometry], dict[str, np.ndarray]]:
    with tempfile.TemporaryDirectory() as folder:
        for suffix, content in by_suffix.items():
            Path(folder, f"RATES{suffix}").write_bytes(content)
        meta, _, shapes, columns = pyogrio.raw.read(Path(folder, "RATES.shp"))
    return list(shapely.from_wkb(shapes)), dict(zip(meta["fields"], columns, strict=True))
