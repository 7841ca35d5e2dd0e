"""Announcing what happened in a vision system: the state it is in, and an event for it."""

from __future__ import annotations

from collections.abc import Sequence

from domains.parts.station.outputs.opcua_machine import VisionJob, VisionMachine
from domains.parts.station.outputs.opcua_model import AddressSpace
from domains.parts.station.outputs.opcua_results import VisionResult
from domains.parts.station.outputs.opcua_states import Transition, VisionState, entered
from domains.parts.station.plc.registers import OfflineReason


class Announcer:
    """Writes the state into the address space and fires the events.

    Args:
        machine: Where the system stands.
        model: Its nodes.

    Attributes:
        problems: What the station has lost, as sentences: the cause of an error.
    """

    def __init__(self, machine: VisionMachine, model: AddressSpace) -> None:
        self._machine, self._model = machine, model
        self.problems: tuple[str, ...] = ()

    async def transitions(self, transitions: Sequence[Transition]) -> None:
        """Announce transitions, in their order."""
        for one in transitions:
            state = entered(one.target)
            await self._model.show_state(state, one)
            await self._model.fire(
                "StateChanged",
                f"{one.source.title} to {one.target.title}",
                FromState=int(one.source),
                ToState=int(state),
                TransitionNumber=one.number,
            )
            await self._announce_error(one)
            if state is VisionState.READY:
                await self._model.fire("Ready", "Ready", JobId=self._job_id)

    async def job_started(self, job: VisionJob, transitions: Sequence[Transition]) -> None:
        """Announce a client's job."""
        await self.transitions(transitions)
        await self._model.fire("JobStarted", f"{job.id} has started", JobId=job.id)

    async def recipe_prepared(self, number: int, transitions: Sequence[Transition]) -> None:
        """Announce that a recipe is active which a client asked for."""
        await self.transitions(transitions)
        message = f"Recipe {number} is prepared"
        await self._model.fire("RecipePrepared", message, ExternalId=str(number))

    async def acquisition_done(self) -> None:
        """Announce that the cameras are done with a part."""
        await self._model.fire("AcquisitionDone", "The part may move", JobId=self._job_id)

    async def result_ready(self, result: VisionResult) -> None:
        """Announce a result."""
        await self._model.show_result(result)
        await self._model.fire(
            "ResultReady",
            result.sentence or "The part passes.",
            ResultId=result.id,
            JobId=result.job_id,
            PartId=result.part_id,
            MeasId=result.meas_id,
            ResultState=int(result.state),
            ResultEvaluation=int(result.evaluation),
        )

    async def _announce_error(self, transition: Transition) -> None:
        sentence = OfflineReason(self._machine.status.offline_reason).sentence
        if transition.target is VisionState.ERROR:
            cause = " ".join(self.problems) or sentence
            await self._model.fire("Error", sentence, CauseDescription=cause)
        elif transition.source is VisionState.ERROR and transition.method is None:
            await self._model.fire("ErrorResolved", sentence, CauseDescription=sentence)

    @property
    def _job_id(self) -> str:
        return self._machine.job.id if self._machine.job is not None else ""
