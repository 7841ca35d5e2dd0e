"""A call that is under way is done to its end, whatever becomes of its client."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from asyncua import ua

from domains.parts.station.outputs.opcua_methods import _answering
from domains.parts.station.outputs.opcua_signatures import INT


def test_a_call_whose_client_hangs_up_is_done_to_its_end():
    done = []

    async def hang_up():
        half_way, goes_on = asyncio.Event(), asyncio.Event()

        async def handler():
            half_way.set()
            await goes_on.wait()
            done.append("whole")
            return [0]

        call = _answering(handler, ((), (("Error", INT),)))
        under_way = asyncio.ensure_future(call(ua.NodeId()))
        await half_way.wait()
        under_way.cancel()
        with suppress(asyncio.CancelledError):
            await under_way
        goes_on.set()
        await asyncio.sleep(0.01)

    asyncio.run(hang_up())
    assert done == ["whole"]
