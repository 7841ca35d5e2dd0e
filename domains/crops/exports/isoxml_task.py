"""A prescription as the task file of ISO 11783-10, with a grid of type 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from xml.etree import ElementTree as Xml

import numpy as np
import numpy.typing as npt
import shapely

from domains.crops.exports.prescription import SNAP, Prescription
from domains.crops.exports.rate_grid import RateGrid
from domains.crops.exports.rates import RateTable

Version = Literal[3, 4]

FOLDER, TASK_FILE, GRID = "TASKDATA", "TASKDATA.XML", "GRD00001"
_MAX_TEXT = 32
_DEFAULT, _OUTSIDE, _LOST, _CELLS = "1", "2", "3", "4"
_PLANNED, _TYPE_2, _PARTFIELD_BOUNDARY, _OTHER_POINT = "1", "2", "1", "2"
_EXTERIOR, _INTERIOR = "1", "2"


def write_task(prescription: Prescription, grid: RateGrid, version: Version) -> Mapping[str, bytes]:
    """Return the files of a task by their path in the archive.

    Letters of elements and attributes: ISO 11783-10, annex D. The rates by default, outside the
    field and without a position are treatment zones of their own and always named.

    Args:
        prescription: What is spread.
        grid: The same on a grid.
        version: 3 or 4, as the terminal asks for.
    """
    cells = encode_grid(grid.rates, prescription.table)
    root = Xml.Element(
        "ISO11783_TaskData",
        VersionMajor=str(version),
        VersionMinor="3",
        ManagementSoftwareManufacturer="Assay",
        ManagementSoftwareVersion="0.1",
        DataTransferOrigin="1",
    )
    area = sum(one.tile.area_m2 for one in prescription.tiles)
    field = Xml.SubElement(root, "PFD", A="PFD1", C=_text(prescription.name), D=str(round(area)))
    _boundary(field, prescription)
    Xml.SubElement(root, "PDT", A="PDT1", B=_text(prescription.table.product))
    _task(root, prescription, grid, len(cells))
    Xml.indent(root)
    text: bytes = Xml.tostring(root, encoding="UTF-8", xml_declaration=True)
    return {f"{FOLDER}/{TASK_FILE}": text, f"{FOLDER}/{GRID}.BIN": cells}


def encode_grid(rates: npt.NDArray[np.float64], table: RateTable) -> bytes:
    """Return the cells of a grid of type 2: little-endian int32, the southern row first.

    Args:
        rates: ``rows columns`` in the table's unit, the southern row first.
        table: Gives the scale.
    """
    values, inverse = np.unique(rates, return_inverse=True)
    steps = np.array([table.steps(float(value)) for value in values], "<i4")
    return bytes(steps[inverse].reshape(rates.shape).astype("<i4").tobytes())


def _task(root: Xml.Element, prescription: Prescription, grid: RateGrid, length: int) -> None:
    task = Xml.SubElement(
        root,
        "TSK",
        A="TSK1",
        B=_text(prescription.name),
        E="PFD1",
        G=_PLANNED,
        H=_DEFAULT,
        I=_LOST,
        J=_OUTSIDE,
    )
    table = prescription.table
    zones = (
        (_DEFAULT, "default", table.default),
        (_OUTSIDE, "outside the field", table.outside),
        (_LOST, "position lost", table.position_lost),
        (_CELLS, "cells", table.default),
    )
    for code, name, rate in zones:
        zone = Xml.SubElement(task, "TZN", A=code, B=name)
        Xml.SubElement(
            zone,
            "PDV",
            A=f"{table.entity.identifier:04X}",
            B=str(table.steps(table.clamp(rate))),
            C="PDT1",
        )
    Xml.SubElement(
        task,
        "GRD",
        A=_degrees(grid.south),
        B=_degrees(grid.west),
        C=f"{grid.cell_north:.15f}",
        D=f"{grid.cell_east:.15f}",
        E=str(grid.rates.shape[1]),
        F=str(grid.rates.shape[0]),
        G=GRID,
        H=str(length),
        I=_TYPE_2,
        J=_CELLS,
    )


def _boundary(field: Xml.Element, prescription: Prescription) -> None:
    """Add the outline of all tiles as the field's boundary, rings closed."""
    whole = shapely.union_all(
        [one.tile.outline for one in prescription.tiles], grid_size=SNAP
    ).simplify(0)
    for part in shapely.get_parts(whole).tolist():
        polygon = Xml.SubElement(field, "PLN", A=_PARTFIELD_BOUNDARY)
        rings = [(_EXTERIOR, part.exterior), *((_INTERIOR, ring) for ring in part.interiors)]
        for kind, ring in rings:
            line = Xml.SubElement(polygon, "LSG", A=kind)
            for longitude, latitude in ring.coords:
                Xml.SubElement(
                    line, "PNT", A=_OTHER_POINT, C=_degrees(latitude), D=_degrees(longitude)
                )


def _degrees(value: float) -> str:
    """Return degrees as the standard's decimal of nine places."""
    return f"{value:.9f}"


def _text(text: str) -> str:
    """Return a text as terminals take it: at most 32 characters, none of them a control."""
    shown = "".join(character for character in text if character.isprintable())
    return shown[:_MAX_TEXT] or "Assay"
