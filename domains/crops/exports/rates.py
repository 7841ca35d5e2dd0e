"""Rates and their units: how much of a product goes on a hectare.

Data dictionary identifiers and their scales: ISO 11783-11, data entities 1 (setpoint volume per
area, 0.01 mm³/m²), 6 (setpoint mass per area, mg/m²) and 11 (setpoint count per area, 0.001/m²).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import ConfigError
from core.types import Disposition

HECTARE_M2 = 10_000.0
_ACRE_M2 = 4046.8564224
_POUND_KG = 0.45359237
_SHORT_TON_KG = 2000 * _POUND_KG
_GALLON_L = 3.785411784
_INT32_MAX = 2**31 - 1


class Quantity(StrEnum):
    """What a rate counts."""

    MASS = "kg"
    VOLUME = "l"
    COUNT = "seeds"


@dataclass(frozen=True, slots=True)
class RateUnit:
    """A unit of a rate.

    Attributes:
        name: As it is written, ``kg/ha``.
        quantity: What it counts.
        per_m2: Kilograms, litres or seeds a square metre of one unit.
    """

    name: str
    quantity: Quantity
    per_m2: float


@dataclass(frozen=True, slots=True)
class DataEntity:
    """A rate on the bus of a tractor.

    Attributes:
        identifier: The data dictionary identifier.
        per_quantity: Its steps for one kilogram, litre or seed a square metre.
    """

    identifier: int
    per_quantity: float


UNITS: Mapping[str, RateUnit] = {
    unit.name: unit
    for unit in (
        RateUnit("kg/ha", Quantity.MASS, 1 / HECTARE_M2),
        RateUnit("t/ha", Quantity.MASS, 1000 / HECTARE_M2),
        RateUnit("lbs/ac", Quantity.MASS, _POUND_KG / _ACRE_M2),
        RateUnit("ton/ac", Quantity.MASS, _SHORT_TON_KG / _ACRE_M2),
        RateUnit("l/ha", Quantity.VOLUME, 1 / HECTARE_M2),
        RateUnit("gal/ac", Quantity.VOLUME, _GALLON_L / _ACRE_M2),
        RateUnit("seeds/m2", Quantity.COUNT, 1.0),
        RateUnit("kS/ha", Quantity.COUNT, 1000 / HECTARE_M2),
        RateUnit("kS/ac", Quantity.COUNT, 1000 / _ACRE_M2),
    )
}
"""Units by name; a ton is the short one of 2,000 pounds, a gallon that of the United States."""

DATA_ENTITIES: Mapping[Quantity, DataEntity] = {
    Quantity.MASS: DataEntity(6, 1e6),
    Quantity.VOLUME: DataEntity(1, 1e8),
    Quantity.COUNT: DataEntity(11, 1e3),
}


class RateSource(StrEnum):
    """Where the rates of a table come from."""

    TYPED = "typed"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class RateTable:
    """Which rate a verdict calls for. All rates are in ``unit``; none of them has a default.

    Attributes:
        unit: One of ``UNITS``.
        rates: The rate of a tile by its verdict, positive and negative.
        default: Where nobody knows: tiles that a person decides, that were not judged or gated.
        outside: Outside the field.
        position_lost: While the machine does not know where it is.
        minimum: The smallest rate that the machine can spread.
        maximum: The largest rate.
        step: Rates are multiples of it; 0 for any rate.
        product: Name of what is spread.
        source: Whether a person typed them for this survey, or they come from a file.

    Raises:
        ConfigError: A rate is missing, no number, or outside the limits.
    """

    unit: str
    rates: Mapping[Disposition, float]
    default: float
    outside: float
    position_lost: float
    minimum: float
    maximum: float
    step: float
    product: str
    source: RateSource

    def __post_init__(self) -> None:
        """Check every figure."""
        if self.unit not in UNITS:
            raise ConfigError(
                f"{self.unit!r} is no unit of a rate.", hint=f"Units: {', '.join(UNITS)}."
            )
        if set(self.rates) != {Disposition.POSITIVE, Disposition.NEGATIVE}:
            raise ConfigError(
                "A table of rates has one rate for positive and one for negative tiles, "
                f"got {sorted(map(str, self.rates))}.",
                hint="Tiles that a person decides take the default rate.",
            )
        figures = self._figures()
        for name, value in figures.items():
            if not math.isfinite(value) or value < 0:
                raise ConfigError(
                    f"The {name} is {value}; expected a number from 0 on.",
                    hint="Give every rate as a number in the table's unit.",
                )
        if self.minimum > self.maximum:
            raise ConfigError(
                f"The smallest rate, {self.minimum:g}, is above the largest, {self.maximum:g}.",
                hint="Give the limits of the machine in the table's unit.",
            )
        if self.steps(self.maximum) > _INT32_MAX:
            raise ConfigError(
                f"{self.maximum:g} {self.unit} is more than a terminal can hold.",
                hint="Check the unit: wrong units are the usual cause.",
            )

    def _figures(self) -> dict[str, float]:
        named = {f"rate of {verdict}": rate for verdict, rate in self.rates.items()}
        return named | {
            "default rate": self.default,
            "rate outside the field": self.outside,
            "rate without a position": self.position_lost,
            "smallest rate": self.minimum,
            "largest rate": self.maximum,
            "step": self.step,
        }

    def rate(self, disposition: Disposition | None) -> float:
        """Return the rate of a verdict within the machine's limits; the default for none."""
        wanted = self.default if disposition is None else self.rates.get(disposition, self.default)
        return self.clamp(wanted)

    def clamp(self, rate: float) -> float:
        """Return the nearest rate that the machine can spread; 0 stays 0, which closes it."""
        if rate == 0:
            return 0.0
        stepped = round(rate / self.step) * self.step if self.step else rate
        return min(max(stepped, self.minimum), self.maximum)

    def amount(self, rate: float, area_m2: float) -> float:
        """Return the kilograms, litres or seeds that a rate puts on an area."""
        return rate * UNITS[self.unit].per_m2 * area_m2

    @property
    def entity(self) -> DataEntity:
        """How ISO 11783 writes such a rate."""
        return DATA_ENTITIES[UNITS[self.unit].quantity]

    def steps(self, rate: float) -> int:
        """Return a rate in the steps of its data entity: 1 kg/ha is 100 mg/m²."""
        return round(rate * UNITS[self.unit].per_m2 * self.entity.per_quantity)
