"""The methods of a vision system: what clients call, and what the station gets of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from time import monotonic
from typing import Any

from asyncua import ua
from asyncua.ua.status_codes import StatusCodes

from domains.parts.station.outputs.opcua_events import Announcer
from domains.parts.station.outputs.opcua_machine import NotAllowed, VisionJob, VisionMachine
from domains.parts.station.outputs.opcua_model import to_structure
from domains.parts.station.outputs.opcua_results import KeptResults, ResultFilter
from domains.parts.station.outputs.opcua_signatures import SIGNATURES, Arguments
from domains.parts.station.outputs.opcua_states import Method, VisionState
from domains.parts.station.ports import Command, Post, TriggerSignal

ANSWER_S = 0.5
"""A recipe that takes longer is answered as not complete yet, and announced by its event.

The server answers the requests of a connection one after another: its client hears nothing else
meanwhile, and takes the connection for lost after a second.
"""

_PREPARE_LIMIT_S = 60.0
_MAX_TEXT = 64
_MAX_RESULTS = 100
_CLIENT = "opcua"

Handler = Callable[..., Awaitable[list[object]]]


class _Refused(Exception):
    """A call that changes nothing, with the status code of its answer."""

    def __init__(self, code: int) -> None:
        self.code = code


class VisionMethods:
    """Answers calls. Everything runs in the server's event loop.

    A call that is under way when its client hangs up is done to its end.

    Args:
        machine: Where the system stands.
        results: What was inspected.
        post: Gets the signals.
        is_live: Returns whether the station has shown its status just now.
        takes_triggers: Whether parts are triggered through OPC UA.
        products: Names of the products by their recipes' numbers.
    """

    def __init__(
        self,
        machine: VisionMachine,
        results: KeptResults,
        post: Post,
        is_live: Callable[[], bool],
        *,
        takes_triggers: bool,
        products: Mapping[int, str],
    ) -> None:
        self.changes = asyncio.Lock()
        self.announcer: Announcer | None = None
        self._machine, self._results, self._post = machine, results, post
        self._is_live, self._takes_triggers, self._products = is_live, takes_triggers, products
        self._numbers = count(1)
        self._preparing_since = float("-inf")

    def callbacks(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """Return what the server calls for each method."""
        handlers: Mapping[str, Handler] = {
            "Halt": self._halt,
            "Reset": self._reset,
            "SelectModeAutomatic": self._select_mode,
            "ConfirmAll": self._confirm_all,
            "SimulationMode": self._simulate,
            "StartSingleJob": self._start_single,
            "StartContinuous": self._start_continuous,
            "Stop": self._stop,
            "Abort": self._abort,
            "PrepareRecipe": self._prepare_recipe,
            "GetResultById": self._get_result,
            "GetResultListFiltered": self._list_results,
        }
        signatures = {name: s for group in SIGNATURES.values() for name, s in group.items()}
        return {name: _answering(one, signatures[name]) for name, one in handlers.items()}

    async def _halt(self, _cause: int, _description: str) -> list[object]:
        await self._call(Method.HALT, Command(monotonic(), "offline", _CLIENT))
        return [0]

    async def _reset(self, _cause: int, _description: str) -> list[object]:
        await self._call(Method.RESET, Command(monotonic(), "offline", _CLIENT))
        return [0]

    async def _select_mode(self) -> list[object]:
        await self._call(Method.SELECT_MODE_AUTOMATIC, Command(monotonic(), "online", _CLIENT))
        return [0]

    async def _stop(self, _cause: int, _description: str) -> list[object]:
        await self._call(Method.STOP)
        return [0]

    async def _abort(self, _cause: int, _description: str) -> list[object]:
        await self._call(Method.ABORT)
        return [0]

    async def _confirm_all(self) -> list[object]:
        # An error ends when its cause is gone, and a stop of the operator is none of a client's.
        if self._machine.state is not VisionState.ERROR:
            raise _Refused(StatusCodes.BadInvalidState)
        return [0]

    async def _simulate(self, is_on: bool) -> list[object]:
        if is_on:
            raise _Refused(StatusCodes.BadNotExecutable)
        return [0]

    async def _start_single(self, meas: str, part: str, *asked: str) -> list[object]:
        async with self.changes:
            self._machine.check(Method.START_SINGLE_JOB)
            is_ready = self._takes_triggers and self._machine.status.trigger_ready
            if not is_ready or not self._is_live():
                raise _Refused(StatusCodes.BadNotExecutable)
            self._check_recipe(*asked)
            job = self._new_job(meas, is_continuous=False)
            transitions = self._machine.start(job)
            self._post(TriggerSignal(job.at, job.part_seq, part))
            await self._announced.job_started(job, transitions)
        return [job.id, 0]

    async def _start_continuous(self, meas: str, _part: str, *asked: str) -> list[object]:
        async with self.changes:
            self._machine.check(Method.START_CONTINUOUS)
            if not self._is_live():
                raise _Refused(StatusCodes.BadNotExecutable)
            self._check_recipe(*asked)
            job = self._new_job(meas, is_continuous=True)
            await self._announced.job_started(job, self._machine.start(job))
        return [job.id, 0]

    async def _prepare_recipe(self, external_id: str, _internal_id: str) -> list[object]:
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        async with self.changes:
            self._machine.check(Method.PREPARE_RECIPE)
            number = _number(external_id)
            if self._products and number not in self._products:
                raise _Refused(StatusCodes.BadInvalidArgument)
            is_busy = monotonic() - self._preparing_since < _PREPARE_LIMIT_S
            if is_busy or not self._is_live():
                raise _Refused(StatusCodes.BadNotExecutable)
            self._preparing_since = monotonic()
            self._post(Command(monotonic(), "recipe", str(number), self._answer(number, done)))
        await asyncio.wait({done}, timeout=ANSWER_S)
        is_completed = done.done() and done.result()
        has_failed = done.done() and not done.result()
        return [self._products.get(number, ""), is_completed, int(has_failed)]

    async def _get_result(self, result_id: str, _timeout: int) -> list[object]:
        found = self._results.get(result_id)
        return [to_structure(found), 0] if found is not None else [None, 1]

    async def _list_results(
        self, state: int, meas: str, part: str, recipe: str, job: str, most: int, start: int, _: int
    ) -> list[object]:
        wanted = ResultFilter(state, meas, part, recipe, job)
        most = min(most or _MAX_RESULTS, _MAX_RESULTS)
        page, is_complete = self._results.select(wanted, start, most)
        return [is_complete, len(page), [to_structure(one) for one in page], 0]

    @property
    def _announced(self) -> Announcer:
        assert self.announcer is not None, "a method was called before the model was built"
        return self.announcer

    async def _call(self, method: Method, command: Command | None = None) -> None:
        """Change the state by the table, and hand the command on.

        Raises:
            NotAllowed: The state has no such transition.
        """
        async with self.changes:
            transitions = self._machine.call(method)
            if command is not None:
                self._post(command)
            await self._announced.transitions(transitions)

    def _new_job(self, meas: str, *, is_continuous: bool) -> VisionJob:
        number = next(self._numbers)
        part_seq = 0 if is_continuous else (number - 1) % 65535 + 1
        return VisionJob(f"job-{number}", is_continuous, monotonic(), part_seq, meas)

    def _check_recipe(self, recipe: str, product: str, parameters: str) -> None:
        """Refuse a job for another recipe or product than what is active.

        Raises:
            _Refused: It asks for something else.
        """
        active = self._machine.status.recipe_active
        is_other_recipe = recipe and _number(recipe) != active
        is_other_product = product and product != self._products.get(active)
        if is_other_recipe or is_other_product or parameters:
            raise _Refused(StatusCodes.BadInvalidArgument)

    def _answer(self, number: int, done: asyncio.Future[bool]) -> Callable[[bool, str], None]:
        """Return what the station's loop calls, in its own thread, once the recipe is active."""
        loop = asyncio.get_running_loop()

        async def take(is_done: bool) -> None:
            self._preparing_since = float("-inf")
            async with self.changes:
                if is_done:
                    await self._announced.recipe_prepared(number, self._machine.prepared())
            if not done.done():
                done.set_result(is_done)

        def answer(is_done: bool, _sentence: str) -> None:
            if not loop.is_closed():
                asyncio.run_coroutine_threadsafe(take(is_done), loop)

        return answer


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise _Refused(StatusCodes.BadInvalidArgument)
    return int(text)


def _answering(handler: Handler, signature: tuple[Arguments, Arguments]) -> Callable[..., Any]:
    """Return what the server calls: arguments are checked, and a refusal changes nothing."""
    inputs, outputs = signature

    async def run(variants: tuple[ua.Variant, ...]) -> list[ua.Variant] | ua.StatusCode:
        try:
            values = await handler(*_values(inputs, variants))
        except NotAllowed:
            return ua.StatusCode(ua.UInt32(StatusCodes.BadInvalidState))
        except _Refused as refused:
            return ua.StatusCode(ua.UInt32(refused.code))
        return [ua.Variant(value, kind) for value, (_, kind) in zip(values, outputs, strict=True)]

    async def call(_parent: ua.NodeId, *variants: ua.Variant) -> list[ua.Variant] | ua.StatusCode:
        # The server cancels the calls of a client that hangs up.
        return await asyncio.shield(asyncio.ensure_future(run(variants)))

    return call


def _values(inputs: Arguments, variants: tuple[ua.Variant, ...]) -> list[Any]:
    if len(variants) != len(inputs):
        is_short = len(variants) < len(inputs)
        codes = StatusCodes
        raise _Refused(codes.BadArgumentsMissing if is_short else codes.BadTooManyArguments)
    return [_value(kind, one) for (_, kind), one in zip(inputs, variants, strict=True)]


def _value(kind: ua.VariantType, variant: ua.Variant) -> Any:  # noqa: ANN401
    value: Any = variant.Value
    if kind is ua.VariantType.String and value is None:
        return ""
    is_text = kind is ua.VariantType.String
    is_wrong = variant.VariantType is not kind or isinstance(value, list)
    if is_wrong or (is_text and (len(value) > _MAX_TEXT or not value.isprintable())):
        raise _Refused(StatusCodes.BadInvalidArgument)
    return value
