"""From a survey to a prescription: which rate goes where, and which rate is nobody's finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely.geometry import Polygon

from core.errors import ConfigError, DataError
from core.types import Disposition
from domains.crops.exports.rates import UNITS, RateSource, RateTable
from domains.crops.survey.values import Survey, SurveyTile

# Degrees, a tenth of a millimetre: corners that neighbours share differ in the last digit.
SNAP = 1e-9
TOLERANCE = 0.001
"""How far the total of a file may be from the sum of area times rate."""


@dataclass(frozen=True, slots=True)
class PrescribedTile:
    """A tile with its rate.

    Attributes:
        tile: The surveyed tile.
        rate: In the unit of the table.
        is_default: Whether it has the default rate because nobody knows better.
        reason: Why, in words; empty where a verdict or a person gave the rate.
        is_answered: Whether a person who looked at it gave the rate.
    """

    tile: SurveyTile
    rate: float
    is_default: bool
    reason: str
    is_answered: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Prescription:
    """Rates for a field.

    Attributes:
        name: The survey's name.
        table: The rates that were asked for.
        tiles: Every tile of the field with its rate; tiles off the mosaic are no part of it.
        note: What is certified about the verdicts, or that nothing is.
    """

    name: str
    table: RateTable
    tiles: tuple[PrescribedTile, ...]
    note: str

    @property
    def total(self) -> float:
        """Sum of area times rate, in kilograms, litres or seeds."""
        return sum(self.table.amount(one.rate, one.tile.area_m2) for one in self.tiles)

    @property
    def quantity(self) -> str:
        """What the total counts."""
        return str(UNITS[self.table.unit].quantity)

    @property
    def by_default(self) -> tuple[PrescribedTile, ...]:
        """Return the tiles that have the default rate because nobody knows better."""
        return tuple(one for one in self.tiles if one.is_default)

    @property
    def answered(self) -> int:
        """How many tiles have their rate by what a person answered."""
        return sum(one.is_answered for one in self.tiles)

    def is_total(self, total: float) -> bool:
        """Return whether a total is the sum of area times rate, within ``TOLERANCE``."""
        return abs(total - self.total) <= TOLERANCE * max(self.total, 1e-9)


def prescribe(survey: Survey, table: RateTable) -> Prescription:
    """Return the rates of a survey's tiles.

    What a person answered counts for a tile, whatever its verdict. A tile that a person still has
    to decide or could not tell, that no model judged, or that was gated has the default rate and is
    listed; it never takes a rate from its neighbours.

    Args:
        survey: The survey.
        table: Which rate what calls for.

    Raises:
        ConfigError: Nothing is certified about the verdicts and the rates come from a file.
        DataError: No tile of the survey lies on the field.
    """
    if not survey.is_certified and table.source is not RateSource.TYPED:
        raise ConfigError(
            "Nothing is certified about the verdicts of this survey, so that rates from a file "
            "are not applied to it.",
            hint="Type the rates for this survey, or release a bundle with a certificate.",
        )
    tiles = tuple(_prescribed(tile, table) for tile in survey.tiles if tile.valid > 0)
    if not tiles:
        raise DataError(
            "No tile of the survey lies on the field, so there is nothing to prescribe.",
            hint="Look at the survey's summary: the mosaic may be empty or unreadable.",
        )
    note = " ".join(survey.certificates) or "Nothing is certified about these verdicts."
    return Prescription(survey.name, table, tiles, note)


def _prescribed(tile: SurveyTile, table: RateTable) -> PrescribedTile:
    answer, verdict = tile.answer, tile.verdict
    if answer is not None and answer.disposition is Disposition.DEFER:
        return PrescribedTile(tile, table.rate(None), True, "A person could not tell.")
    if answer is not None:
        return PrescribedTile(tile, table.rate(answer.disposition), False, "", is_answered=True)
    if verdict is None:
        return PrescribedTile(tile, table.rate(None), True, tile.status.sentence)
    if verdict.disposition is Disposition.DEFER:
        return PrescribedTile(tile, table.rate(None), True, verdict.message)
    return PrescribedTile(tile, table.rate(verdict.disposition), False, "")


@dataclass(frozen=True, slots=True)
class RateArea:
    """All ground of one rate that hangs together.

    Attributes:
        outline: Longitude and latitude, cut at the antimeridian.
        rate: In the unit of the table.
        area_m2: Area on the ground.
    """

    outline: Polygon
    rate: float
    area_m2: float


def merge_rates(prescription: Prescription) -> tuple[RateArea, ...]:
    """Return the prescription with neighbouring tiles of one rate as one area."""
    by_rate: dict[float, list[SurveyTile]] = {}
    for one in prescription.tiles:
        by_rate.setdefault(one.rate, []).append(one.tile)
    areas: list[RateArea] = []
    for rate in sorted(by_rate):
        tiles = by_rate[rate]
        parts = _polygons(shapely.union_all([tile.outline for tile in tiles], grid_size=SNAP))
        tree = shapely.STRtree(parts)
        area_by_part = [0.0] * len(parts)
        for tile in tiles:
            # A tile that is cut at the antimeridian gives each side its share.
            for piece in _polygons(tile.outline):
                share = tile.area_m2 * piece.area / tile.outline.area
                area_by_part[int(tree.nearest(piece.representative_point()))] += share
        areas += [
            RateArea(part, rate, area) for part, area in zip(parts, area_by_part, strict=True)
        ]
    return tuple(areas)


def _polygons(area: shapely.Geometry) -> Sequence[Polygon]:
    return [part for part in shapely.get_parts(area).tolist() if isinstance(part, Polygon)]
