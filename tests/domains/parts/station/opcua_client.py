"""A client of OPC UA, and a line whose station shows what a test says."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from time import sleep

from asyncua import Client, ua

from domains.parts.station.options import OpcuaOptions
from domains.parts.station.outputs.opcua import OpcuaOutput
from domains.parts.station.plc.blocks import StatusBlock, encode_status
from tests.domains.parts.station.broker import free_port
from tests.domains.parts.station.inspected import wait_for

OWN, VISION = "urn:assay:station", "http://opcfoundation.org/UA/MachineVision"
OUTER = "VisionStateMachine"
INNER = "VisionStateMachine.AutomaticModeStateMachine"
OBJECTS = {
    "Halt": OUTER,
    "Reset": OUTER,
    "SelectModeAutomatic": OUTER,
    "ConfirmAll": OUTER,
    "SimulationMode": OUTER,
    "StartSingleJob": INNER,
    "StartContinuous": INNER,
    "Stop": INNER,
    "Abort": INNER,
    "PrepareRecipe": "RecipeManagement",
    "GetResultById": "ResultManagement",
    "GetResultListFiltered": "ResultManagement",
}
ONLINE = StatusBlock(online=True, trigger_ready=True, recipe_active=3)


class Peer:
    """A client with an event loop of its own, to be used like any other object."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.events: SimpleQueue = SimpleQueue()
        self._is_subscribed = False
        self.do(self._connect())

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def start(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def _connect(self) -> None:
        self.client = Client(self._endpoint, timeout=20)
        self.client.session_timeout = 60_000
        await self.client.connect()
        await self.client.load_data_type_definitions()
        self.own = await self.client.get_namespace_index(OWN)
        self.vision = await self.client.get_namespace_index(VISION)

    def node(self, path):
        return self.client.get_node(ua.NodeId(path, self.own))

    def read(self, path):
        return self.do(self.node(path).read_value())

    def state(self) -> int:
        return self.read(f"{INNER}.CurrentState.Number") or self.read(
            f"{OUTER}.CurrentState.Number"
        )

    def last(self) -> int:
        return self.read(f"{OUTER}.LastTransition.Number")

    async def calling(self, name, *arguments):
        node = self.node(OBJECTS[name])
        return await node.call_method(ua.QualifiedName(name, self.vision), *arguments)

    def call(self, name, *arguments):
        """Call a method and return what it gives; a refusal raises the error of its code."""
        return self.do(self.calling(name, *_typed(name, arguments)))

    def subscribe(self):
        """Let events come from now on; those of before are dropped."""
        if not self._is_subscribed:
            self.do(self._subscribe())
            self._is_subscribed = True
        sleep(0.15)
        while not self.events.empty():
            self.events.get()

    async def _subscribe(self):
        peer = self

        class Handler:
            def event_notification(self, event):
                peer.events.put(event)

        subscription = await self.client.create_subscription(20, Handler())
        kinds = await self.client.nodes.base_event_type.get_children()
        ours = [one for one in kinds if one.nodeid.NamespaceIndex == self.own]
        await subscription.subscribe_events(self.node("VisionSystem"), ours)

    def events_until(self, *names, limit=20.0):
        """Return the events until each of some kinds has come, each as its name and its fields."""
        found = []
        while not set(names) <= {name for name, _ in found}:
            try:
                event = self.events.get(timeout=limit)
            except Empty:
                raise AssertionError(f"not all of {names} came: {found}") from None
            found.append((event.EventType.Identifier.removeprefix("Types.")[:-9], event))
        return found

    def close(self) -> None:
        try:
            self.do(self.client.disconnect())
        finally:
            self.stop()

    def drop(self) -> None:
        """Hang up without a word."""
        self._loop.call_soon_threadsafe(self.client.uaclient.protocol.transport.abort)
        self.stop()

    def stop(self) -> None:
        async def cancel_all():
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for one in rest:
                one.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            transport = getattr(self.client.uaclient.protocol, "transport", None)
            if transport is not None:
                transport.abort()
            await asyncio.sleep(0.02)

        self.do(cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


def _typed(name, arguments):
    if name in {"Halt", "Reset", "Stop", "Abort"}:
        return [ua.Variant(0, ua.VariantType.Int32), "a test"]
    if name in {"StartSingleJob", "StartContinuous"}:
        return [*arguments, *[""] * (5 - len(arguments))]
    if name == "PrepareRecipe":
        return [*arguments, *[""] * (2 - len(arguments))]
    if name == "GetResultById":
        return [*arguments, ua.Variant(0, ua.VariantType.Int32)]
    if name == "GetResultListFiltered":
        state, *texts, most, start = arguments
        whole = [ua.Variant(one, ua.VariantType.UInt32) for one in (most, start)]
        timeout = ua.Variant(0, ua.VariantType.Int32)
        return [ua.Variant(state, ua.VariantType.Int32), *texts, *whole, timeout]
    return arguments


class Line:
    """A server whose station shows a block that a test sets, as often as a loop would."""

    def __init__(self, **options) -> None:
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}/assay"
        self.signals: SimpleQueue = SimpleQueue()
        self.status = StatusBlock(offline_reason=1)
        self.problems: tuple[str, ...] = ()
        self.is_alive = True
        self._has_ended = False
        self.output = OpcuaOutput(
            "s1", OpcuaOptions(endpoint=self.endpoint), self.signals.put, **options
        )
        self.output.open()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()

    def _show(self) -> None:
        while not self._has_ended:
            if self.is_alive:
                self.output.show(encode_status(self.status), {"Problems": self.problems})
            sleep(0.02)

    def taken(self):
        """Return the signals that came since the last call."""
        return [self.signals.get() for _ in range(self.signals.qsize())]

    def close(self) -> None:
        self._has_ended = True
        self._thread.join(20)
        self.output.close()


@contextmanager
def connected(line):
    peer = Peer(line.endpoint)
    try:
        yield peer
    finally:
        peer.close()


def bring_to(line: Line, peer: Peer, state: int, status: StatusBlock = ONLINE) -> None:
    """Bring a station to a state, by what clients call and what it shows alone."""
    line.status = status
    peer.call("Reset")
    wait_for(lambda: peer.state() == 1, "Preoperational")
    if state == 2:
        peer.call("Halt")
    if state == 3:
        line.status = StatusBlock(offline_reason=6)
    if state == 5:
        line.status = StatusBlock(offline_reason=1)
    if state >= 5:
        wait_for(
            lambda: peer.read("StatusBlock.OfflineReason") == line.status.offline_reason, "status"
        )
        peer.call("SelectModeAutomatic")
    if state >= 6:
        wait_for(lambda: peer.state() == 6, "Ready")
    if state == 7:
        peer.call("StartSingleJob", "m")
    if state == 8:
        peer.call("StartContinuous", "m")
    wait_for(lambda: peer.state() == state, f"state {state}")
    line.taken()
