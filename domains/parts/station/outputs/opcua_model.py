"""The address space of a vision system: its objects, variables, types and events.

Names of objects and types are those of OPC 40100-1, in its namespace; ids are ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.common.node import Node
from asyncua.common.structures104 import new_struct, new_struct_field
from asyncua.server.event_generator import EventGenerator
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds

from domains.parts.station.outputs.opcua_results import VisionResult
from domains.parts.station.outputs.opcua_signatures import (
    EVENTS,
    FLAG,
    INT,
    SIGNATURES,
    STRUCTURE,
    TEXT,
    UINT,
    WORD,
)
from domains.parts.station.outputs.opcua_states import Transition, VisionState
from domains.parts.station.plc.registers import STATUS, STATUS_WORDS, Register

MACHINE_VISION = "http://opcfoundation.org/UA/MachineVision"
OWN = "urn:assay:station"

Callback = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class AddressSpace:
    """The nodes that change.

    Attributes:
        system: The vision system, which emits the events.
        words: The 24 words as an array.
        values: The variables of the status block by their names.
        states: For the outer and the inner machine: state, its number, last transition's number.
        problems: What the station has lost, as sentences.
        last_result: The last result.
        events: A generator for each event.
    """

    server: Server
    system: Node
    words: Node
    values: Mapping[str, Node]
    states: Mapping[str, tuple[Node, Node, Node]]
    problems: Node
    last_result: Node
    events: Mapping[str, EventGenerator]

    async def show_words(self, words: Sequence[int]) -> None:
        """Write the status block: the array in one value, then each of its names."""
        await self._write(self.words, ua.Variant(list(words), WORD))
        for register in STATUS:
            value = register.unpack(tuple(words))
            await self._write(self.values[register.name], ua.Variant(value, variant_type(register)))

    async def show_problems(self, problems: Sequence[str]) -> None:
        """Write what the station has lost."""
        await self._write(self.problems, ua.Variant(list(problems), TEXT, is_array=True))

    async def show_state(self, state: VisionState, last: Transition | None) -> None:
        """Write where both machines stand; the inner one stands nowhere outside Operational."""
        for name, shown in (("outer", state.outer), ("inner", state)):
            title, number, transition = self.states[name]
            is_active = name == "outer" or state is not state.outer
            text = ua.LocalizedText(shown.title if is_active else "")
            await self._write(title, ua.Variant(text))
            await self._write(number, ua.Variant(int(shown) if is_active else 0, UINT))
            await self._write(transition, ua.Variant(last.number if last else 0, UINT))

    async def fire(self, name: str, message: str, **fields: object) -> None:
        """Send an event to whoever has subscribed."""
        generator = self.events[name]
        for field, value in fields.items():
            setattr(generator.event, field, value)
        await generator.trigger(message=message)

    async def show_result(self, result: VisionResult) -> None:
        """Write the last result."""
        await self._write(self.last_result, ua.Variant(to_structure(result)))

    async def _write(self, node: Node, value: ua.Variant) -> None:
        await self.server.write_attribute_value(node.nodeid, ua.DataValue(value))


def node_id(identifier: str | int, namespace: int) -> ua.NodeId:
    """Return a node's id; asyncua takes plain numbers and texts as well as its own."""
    ids: Any = ua.NodeId
    made: ua.NodeId = ids(identifier, namespace)
    return made


def variant_type(register: Register) -> ua.VariantType:
    """Return the type of a value of the status block."""
    if register.is_flag:
        return FLAG
    return UINT if register.words == 2 else WORD


def to_structure(result: VisionResult) -> Any:  # noqa: ANN401 - made by asyncua at run time
    """Return a result as the structure that `build_model` has declared."""
    structures: Any = ua
    return structures.ResultDataType(
        ResultId=result.id,
        IsPartial=False,
        IsSimulated=False,
        ResultState=int(result.state),
        MeasId=result.meas_id,
        PartId=result.part_id,
        ExternalRecipeId=str(result.recipe),
        InternalRecipeId=structures.RecipeIdInternalDataType(
            Id=result.product,
            Version=result.policy,
            Hash=result.bundle_hash,
            HashAlgorithm="SHA256",
        ),
        ProductId=result.product,
        JobId=result.job_id,
        CreationTime=result.created_at,
        ProcessingTimes=structures.ProcessingTimesDataType(
            StartTime=result.started_at,
            EndTime=result.created_at,
            ProcessingDuration=result.elapsed_ms,
        ),
        ResultContent=[
            ua.Variant(int(result.evaluation), INT),
            ua.Variant(result.reason, INT),
            ua.Variant(list(result.reasons), TEXT, is_array=True),
            ua.Variant(result.sentence, TEXT),
        ],
    )


class _Builder:
    """Adds nodes whose ids are their paths."""

    def __init__(self, server: Server, own: int, vision: int) -> None:
        self.server = server
        self._own, self._vision = own, vision

    def named(self, path: str) -> tuple[ua.NodeId, ua.QualifiedName]:
        """Return the id and the browse name of the node at a path."""
        name = path.rpartition(".")[2]
        return node_id(path, self._own), ua.QualifiedName(name, self._vision)

    async def variable(self, parent: Node, path: str, value: ua.Variant) -> Node:
        """Return a variable that clients can read, once it is added."""
        return await parent.add_variable(*self.named(path), value)

    async def structures(self) -> Node:
        """Return the type of a result, its structures declared."""
        text, time = ua.VariantType.String, ua.VariantType.DateTime
        recipe = await self._structure(
            "RecipeIdInternalDataType",
            [
                ("Id", text),
                ("Version", text),
                ("Hash", ua.VariantType.ByteString),
                ("HashAlgorithm", text),
            ],
        )
        times = await self._structure(
            "ProcessingTimesDataType",
            [("StartTime", time), ("EndTime", time), ("ProcessingDuration", ua.VariantType.Double)],
        )
        result = [
            ("ResultId", text),
            ("IsPartial", FLAG),
            ("IsSimulated", FLAG),
            ("ResultState", INT),
            ("MeasId", text),
            ("PartId", text),
            ("ExternalRecipeId", text),
            ("InternalRecipeId", recipe),
            ("ProductId", text),
            ("JobId", text),
            ("CreationTime", time),
            ("ProcessingTimes", times),
            ("ResultContent", ua.VariantType.Variant),
        ]
        node = await self._structure("ResultDataType", result, arrays=("ResultContent",))
        await self.server.load_data_type_definitions()
        return node

    async def _structure(
        self, name: str, fields: Sequence[tuple[str, Any]], arrays: tuple[str, ...] = ()
    ) -> Node:
        identifier, browse_name = self.named(f"Types.{name}")
        declared = [new_struct_field(field, kind, field in arrays) for field, kind in fields]
        node, _ = await new_struct(self.server, identifier, browse_name, declared)
        return node

    async def machine(self, parent: Node, path: str) -> tuple[Node, tuple[Node, Node, Node]]:
        """Return a state machine with what shows where it stands."""
        node = await parent.add_object(*self.named(path))
        state = await self.variable(node, f"{path}.CurrentState", ua.Variant(ua.LocalizedText("")))
        number = await self.variable(state, f"{path}.CurrentState.Number", ua.Variant(0, UINT))
        last = await self.variable(node, f"{path}.LastTransition", ua.Variant(ua.LocalizedText("")))
        last_number = await self.variable(
            last, f"{path}.LastTransition.Number", ua.Variant(0, UINT)
        )
        return node, (state, number, last_number)

    async def methods(self, node: Node, path: str, callbacks: Mapping[str, Callback]) -> None:
        """Add the methods of an object."""
        for name, (inputs, outputs) in SIGNATURES[path].items():
            await node.add_method(
                *self.named(f"{path}.{name}"),
                callbacks[name],
                [_argument(one) for one in inputs],
                [_argument(one) for one in outputs],
            )

    async def event(self, name: str, system: Node) -> EventGenerator:
        """Return what generates an event that is declared."""
        identifier, browse_name = self.named(f"Types.{name}EventType")
        create: Any = self.server.create_custom_event_type
        kind: Node = await create(identifier, browse_name)
        for field, variant in EVENTS[name]:
            await kind.add_property(
                *self.named(f"Types.{name}EventType.{field}"),
                ua.get_default_value(variant),
                variant,
            )
        return await self.server.get_event_generator(kind, system.nodeid)


async def build_model(
    server: Server, station: str, callbacks: Mapping[str, Callback]
) -> AddressSpace:
    """Return the address space of a station.

    Args:
        server: An initialised server.
        station: Name of the station.
        callbacks: What each method calls, by its name.
    """
    own = await server.register_namespace(OWN)
    builder = _Builder(server, own, await server.register_namespace(MACHINE_VISION))
    result_type = await builder.structures()
    system = await server.nodes.objects.add_object(
        node_id("VisionSystem", own), ua.QualifiedName(station, own)
    )
    outer_path, inner_path = SIGNATURES.keys() - {"RecipeManagement", "ResultManagement"}
    outer_path, inner_path = sorted((outer_path, inner_path), key=len)
    outer, outer_state = await builder.machine(system, outer_path)
    inner, inner_state = await builder.machine(outer, inner_path)
    recipes = await system.add_object(*builder.named("RecipeManagement"))
    results = await system.add_object(*builder.named("ResultManagement"))
    for node, path in zip((outer, inner, recipes, results), SIGNATURES, strict=True):
        await builder.methods(node, path, callbacks)
    block = await system.add_object(*builder.named("StatusBlock"))
    words = ua.Variant([0] * STATUS_WORDS, WORD)
    zeros = {
        one.name: ua.Variant(one.unpack((0,) * STATUS_WORDS), variant_type(one)) for one in STATUS
    }
    return AddressSpace(
        server=server,
        system=system,
        words=await builder.variable(block, "StatusBlock.Words", words),
        values={
            name: await builder.variable(block, f"StatusBlock.{name}", zero)
            for name, zero in zeros.items()
        },
        problems=await builder.variable(
            block, "StatusBlock.Problems", ua.Variant([], TEXT, is_array=True)
        ),
        states={"outer": outer_state, "inner": inner_state},
        last_result=await results.add_variable(
            *builder.named("ResultManagement.LastResult"),
            ua.Variant(None, ua.VariantType.ExtensionObject),
            datatype=result_type.nodeid,
        ),
        events={name: await builder.event(name, system) for name in EVENTS},
    )


def _argument(named: tuple[str, ua.VariantType]) -> ua.Argument:
    name, kind = named
    argument = ua.Argument()
    argument.Name = name
    argument.DataType = node_id(kind.value if kind is not STRUCTURE else ObjectIds.Structure, 0)
    argument.ValueRank = 1 if name == "ResultList" else -1
    argument.Description = ua.LocalizedText(name)
    return argument
