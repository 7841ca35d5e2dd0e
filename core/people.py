"""Who does something, and in which role: a value that every use case takes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.errors import PermissionDenied


class Role(StrEnum):
    """What a person may do; each may do all that the ones before it may."""

    NONE = "none"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LEAD = "lead"
    ADMIN = "admin"

    @property
    def level(self) -> int:
        """Number of the role, from 0."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who uses Assay.

    Attributes:
        id: By what the store knows the person: a hash of issuer and subject where they signed in,
            the name itself in single-user mode.
        name: As it is shown.
        role: What the person may do.
    """

    id: str
    name: str
    role: Role

    @classmethod
    def alone(cls, name: str) -> Person:
        """Return the only person of single-user mode, who may do everything once they are named."""
        name = name.strip()
        return cls(name, name, Role.ADMIN if name else Role.VIEWER)

    def may(self, role: Role) -> bool:
        """Return whether the person may do what a role may."""
        return self.role.level >= role.level

    def require(self, role: Role, action: str) -> None:
        """Refuse an action that takes a higher role.

        Args:
            role: The least role that may do it.
            action: What is done, as in "release a policy".

        Raises:
            PermissionDenied: The person's role is lower, or nobody is named.
        """
        if self.may(role) and self.id:
            return
        if not self.id:
            raise PermissionDenied(
                f"Nobody is named who could {action}.",
                hint="Give your name in the sidebar, or sign in.",
            )
        own = "no role" if self.role is Role.NONE else f"the role {self.role.value}"
        raise PermissionDenied(
            f"{self.name} has {own} and cannot {action}; it takes the role {role.value}.",
            hint=f"Ask an admin for the role {role.value}, or somebody who has it.",
        )
