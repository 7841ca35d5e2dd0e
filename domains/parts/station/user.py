"""Who does something at a station, and in which role: a value that every use case takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StationRole(StrEnum):
    """In which role a person stands before the board."""

    OPERATOR = "operator"
    INSPECTOR = "inspector"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class StationUser:
    """Somebody at a station.

    Attributes:
        name: As it stands under what the person did; empty where nobody gave one.
        role: The person's role.
    """

    name: str
    role: StationRole = StationRole.OPERATOR

    def __post_init__(self) -> None:
        """Take no blanks for a name."""
        object.__setattr__(self, "name", self.name.strip())

    @property
    def is_named(self) -> bool:
        """Whether something can stand under the name."""
        return bool(self.name)

    @property
    def is_lead(self) -> bool:
        """Whether the person may release what only a lead may."""
        return self.role is StationRole.LEAD
