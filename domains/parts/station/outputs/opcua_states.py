"""States and transitions of a vision system, by the names and numbers of OPC 40100-1.

Sections 8.2 and 8.3 of that specification: a state machine whose state Operational holds another
one, that of the automatic mode. In words and numbers only; nobody has tested for conformance.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class VisionState(IntEnum):
    """A state with its number; those from 5 on are states within Operational."""

    PREOPERATIONAL = 1
    HALTED = 2
    ERROR = 3
    OPERATIONAL = 4
    INITIALIZED = 5
    READY = 6
    SINGLE_EXECUTION = 7
    CONTINUOUS_EXECUTION = 8

    @property
    def title(self) -> str:
        """Its name in the specification."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def outer(self) -> VisionState:
        """The state of the outer machine: Operational for what lies within."""
        return VisionState.OPERATIONAL if self >= VisionState.INITIALIZED else self

    @property
    def is_executing(self) -> bool:
        """Whether a job is under way."""
        return self in {VisionState.SINGLE_EXECUTION, VisionState.CONTINUOUS_EXECUTION}


class Method(StrEnum):
    """A method that causes a transition."""

    RESET = "Reset"
    HALT = "Halt"
    SELECT_MODE = "SelectMode"
    SELECT_MODE_AUTOMATIC = "SelectModeAutomatic"
    PREPARE_RECIPE = "PrepareRecipe"
    PREPARE_PRODUCT = "PrepareProduct"
    UNPREPARE_RECIPE = "UnprepareRecipe"
    UNPREPARE_PRODUCT = "UnprepareProduct"
    START_SINGLE_JOB = "StartSingleJob"
    START_CONTINUOUS = "StartContinuous"
    STOP = "Stop"
    ABORT = "Abort"


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from a state to another.

    Attributes:
        number: 100 × the state before + 10 × the state after + 0 where it is automatic.
        method: What causes it; None where the system itself does.
    """

    number: int
    method: Method | None

    @property
    def source(self) -> VisionState:
        """The state that it leaves."""
        return VisionState(self.number // 100)

    @property
    def target(self) -> VisionState:
        """The state that it leads to."""
        return VisionState(self.number // 10 % 10)


_METHODS: dict[int, Method | None] = {
    120: None,
    121: Method.HALT,
    130: None,
    140: None,
    141: Method.SELECT_MODE,
    150: None,
    151: Method.SELECT_MODE_AUTOMATIC,
    210: None,
    211: Method.RESET,
    310: None,
    311: Method.RESET,
    320: None,
    321: Method.HALT,
    340: None,
    410: None,
    411: Method.RESET,
    420: None,
    421: Method.HALT,
    430: None,
    560: None,
    561: Method.PREPARE_RECIPE,
    562: Method.PREPARE_PRODUCT,
    650: None,
    651: Method.UNPREPARE_RECIPE,
    652: Method.UNPREPARE_PRODUCT,
    670: None,
    671: Method.START_SINGLE_JOB,
    680: None,
    681: Method.START_CONTINUOUS,
    760: None,
    761: Method.STOP,
    762: Method.ABORT,
    860: None,
    861: Method.STOP,
    862: Method.ABORT,
}

TRANSITIONS = tuple(Transition(number, method) for number, method in _METHODS.items())

_BY_METHOD = {(one.source, one.method): one for one in TRANSITIONS if one.method is not None}
_AUTOMATIC = {(one.source, one.target): one for one in TRANSITIONS if one.method is None}


def next_state(state: VisionState, cause: Method | VisionState) -> Transition | None:
    """Return the transition that a cause brings about, or None where there is none.

    Args:
        state: The state now; within Operational the transitions of Operational count as well.
        cause: A method, or the state to which the system goes by itself.
    """
    for source in dict.fromkeys((state, state.outer)):
        key = (source, cause)
        found = _BY_METHOD.get(key) if isinstance(cause, Method) else _AUTOMATIC.get(key)  # type: ignore[arg-type]
        if found is not None:
            return found
    return None


def entered(state: VisionState) -> VisionState:
    """Return the state in which a system is that enters a state: Operational begins within."""
    return VisionState.INITIALIZED if state is VisionState.OPERATIONAL else state
