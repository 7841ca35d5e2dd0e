"""What is asked of `assay parts station learn`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError
from domains.parts.station.recipe import Recipe, StationFile
from domains.parts.station.records.naming import check_defect


@dataclass(frozen=True)
class LearnOptions:
    """What is asked of `assay parts station learn`.

    Attributes:
        recipe: Number of the recipe; the first when None.
        parts: How many good parts are captured.
        wait_s: Seconds without a part after which capturing ends.
        defect: Name of the defect that the pictures show; empty for good parts.
        folder: Where the pictures are; None where they are captured or on record.
        last: How many of the station's last parts they are of.
        numbers: Numbers of the parts that they are of.
        accept_all: Whether parts that look odd are learned.
        left_out: Names of parts that are not learned.
        by: Who answers for what is deployed.
    """

    recipe: int | None = None
    parts: int = 20
    wait_s: float = 300.0
    defect: str = ""
    folder: Path | None = None
    last: int = 0
    numbers: Sequence[int] = ()
    accept_all: bool = False
    left_out: Sequence[str] = ()
    by: str = ""

    @property
    def has_source(self) -> bool:
        """Whether the pictures are somewhere, and none are captured."""
        return self.folder is not None or bool(self.last or self.numbers)


def recipe_of(station: StationFile, options: LearnOptions) -> Recipe:
    """Return the recipe that is learned, once the options are found to fit together.

    Raises:
        ConfigError: They contradict each other, or there is no such recipe.
    """
    if options.folder is not None and (options.last or options.numbers):
        raise ConfigError(
            "Expected pictures of a folder or of parts on record, got both.",
            hint="Give --from, or --last and --part.",
        )
    if options.defect:
        check_defect(options.defect)
        if not options.has_source:
            raise ConfigError(
                f"Nothing says which pictures show {options.defect}.",
                hint="Give --from FOLDER, --last N or --part NUMBER.",
            )
    number = options.recipe
    recipe = station.recipes[0] if number is None else station.recipe(number)
    if recipe is None:
        raise ConfigError(f"There is no recipe {number} in the station file.")
    return recipe
