"""Prescriptions as shapefiles, folder by folder as each terminal looks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import cast

import shapefile
import shapely
from shapely.geometry import Polygon
from shapely.geometry.polygon import orient

from core.errors import ConfigError
from domains.crops.exports.prescription import Prescription, RateArea, merge_rates
from domains.crops.exports.rates import HECTARE_M2

MEGABYTE = 1_000_000
_ACRE_M2 = 4046.8564224
_STEM = "RATES"
_WGS84 = (
    'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
_ALL_FILES = (".shp", ".shx", ".dbf", ".prj", ".cpg")


@dataclass(frozen=True, slots=True)
class TerminalProfile:
    """What a terminal opens.

    Attributes:
        name: As it is asked for.
        title: The maker's name.
        folder: Where the files lie in the archive; empty for its top.
        suffixes: The files of the shapefile; a terminal may stumble over others.
        has_unit: Whether a column names the unit; the others are numbers.
        units: The units that it knows; empty for any.
        max_areas: Most polygons; None for no limit.
        max_bytes: Most bytes of the archive.
        max_area_m2: Largest field.
        needs_short_name: Whether file names have at most eight characters and three.
    """

    name: str
    title: str
    folder: str = ""
    suffixes: tuple[str, ...] = _ALL_FILES
    has_unit: bool = False
    units: tuple[str, ...] = ()
    max_areas: int | None = None
    max_bytes: int | None = None
    max_area_m2: float | None = None
    needs_short_name: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, upper case and at most ten characters."""
        return ("RATE", "ZONE", "AREA_HA", *(("UNIT",) if self.has_unit else ()))


_TRIMBLE_UNITS = ("gal/ac", "l/ha", "lbs/ac", "ton/ac", "kg/ha", "t/ha", "kS/ac", "kS/ha")
PROFILES: Mapping[str, TerminalProfile] = {
    profile.name: profile
    for profile in (
        TerminalProfile("generic", "Any terminal that reads shapefiles"),
        TerminalProfile("deere", "John Deere", folder="Rx"),
        TerminalProfile(
            "trimble", "Trimble", folder="AgGPS/Prescriptions", has_unit=True, units=_TRIMBLE_UNITS
        ),
        TerminalProfile("raven", "Raven", suffixes=(".shp", ".shx", ".dbf")),
        TerminalProfile("mueller", "Müller-Elektronik", folder="SHP"),
        TerminalProfile(
            "vaderstad", "Väderstad", max_bytes=20 * MEGABYTE, max_area_m2=1200 * _ACRE_M2
        ),
        TerminalProfile(
            "agfusion", "AgFusion", max_areas=100, max_bytes=250_000, needs_short_name=True
        ),
    )
}
"""Terminals by name, with the limits that their makers state."""


def profile(name: str) -> TerminalProfile:
    """Return a profile by its name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in PROFILES:
        raise ConfigError(
            f"No terminal is called {name!r}.", hint=f"Terminals: {', '.join(PROFILES)}."
        )
    return PROFILES[name]


def write_shapefile(prescription: Prescription, chosen: TerminalProfile) -> Mapping[str, bytes]:
    """Return the files of a prescription by their path in the archive.

    Type 5 (polygon), outer rings clockwise, closed, without M or Z; rates as numbers with three
    decimals (ESRI Shapefile Technical Description, July 1998).

    Raises:
        ConfigError: The terminal does not know the unit of the rates.
    """
    unit = prescription.table.unit
    if chosen.units and unit not in chosen.units:
        raise ConfigError(
            f"{chosen.title} does not know the unit {unit!r}.",
            hint=f"Give the rates in one of: {', '.join(chosen.units)}.",
        )
    streams = {suffix: BytesIO() for suffix in (".shp", ".shx", ".dbf")}
    writer = shapefile.Writer(
        shp=streams[".shp"],
        shx=streams[".shx"],
        dbf=streams[".dbf"],
        shapeType=shapefile.POLYGON,
        encoding="utf-8",
    )
    writer.field("RATE", "N", 12, 3)
    writer.field("ZONE", "N", 6, 0)
    writer.field("AREA_HA", "N", 12, 4)
    if chosen.has_unit:
        writer.field("UNIT", "C", 8)
    for number, area in enumerate(merge_rates(prescription), 1):
        writer.poly(_rings(area))
        row = (round(area.rate, 3), number, round(area.area_m2 / HECTARE_M2, 4))
        writer.record(*row, *((unit,) if chosen.has_unit else ()))
    writer.close()
    contents = {suffix: stream.getvalue() for suffix, stream in streams.items()}
    contents |= {".prj": _WGS84.encode(), ".cpg": b"UTF-8"}
    folder = f"{chosen.folder}/" if chosen.folder else ""
    return {f"{folder}{_STEM}{suffix}": contents[suffix] for suffix in chosen.suffixes}


def _rings(area: RateArea) -> list[list[tuple[float, float]]]:
    clockwise = orient(cast(Polygon, area.outline.simplify(0)), sign=-1.0)
    rings = [clockwise.exterior, *clockwise.interiors]
    return [[(float(x), float(y)) for x, y in shapely.get_coordinates(ring)] for ring in rings]
