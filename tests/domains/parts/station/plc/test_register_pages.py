"""The register table as CSV and on the page, and the page itself: a PLC runs by it alone."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from pathlib import Path

import pytest

from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.outputs.modbus_registers import PeerView, Registers
from domains.parts.station.outputs.modbus_server import answer
from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    decode_control,
    encode_status,
    read_block,
)
from domains.parts.station.plc.register_pages import (
    offline_markdown,
    reasons_markdown,
    registers_csv,
    registers_markdown,
)
from domains.parts.station.plc.registers import CONTROL, STATUS
from domains.parts.station.result import LineReason
from tests.domains.parts.station.page_plc import PagePlc
from tests.domains.parts.station.stub_station import StubStation

PAGE = Path(__file__).parents[5] / "domains" / "parts" / "README.md"


def test_the_csv_has_a_line_for_every_value_with_address_and_word_order():
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(registers_csv()))}
    assert list(rows) == [one.name for one in (*STATUS, *CONTROL)] + ["TriggerCoil", "GateOpen"]
    assert rows["PASS"] | {"meaning": ""} == {
        "register": "I1", "modbus_table": "input registers", "address": "1", "reference": "30002",
        "bits": "8", "name": "PASS", "type": "BOOL", "access": "PLC reads", "word_order": "",
        "meaning": "",
    }  # fmt: skip
    elapsed = rows["ElapsedUs"]
    assert (elapsed["register"], elapsed["reference"]) == ("I10-11", "30011")
    assert (elapsed["type"], elapsed["word_order"]) == ("UDINT", "high word first")
    assert (rows["PartId"]["register"], rows["PartId"]["type"]) == ("H4-11", "STRING[16]")
    assert (rows["OfflineReason"]["bits"], rows["TriggerCoil"]["reference"]) == ("4-6", "00001")
    assert all(row["meaning"] for row in rows.values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("registers", registers_markdown()),
        ("offline", offline_markdown()),
        ("reasons", reasons_markdown()),
    ],
)
def test_the_page_has_the_tables_of_the_code(name, text):
    section = re.search(rf"<!-- {name}: [^\n]*-->\n\n(.*?)\n<!-- end -->", PAGE.read_text(), re.S)
    assert section is not None
    assert section[1] == text


def test_the_bytes_on_the_page_are_the_bytes_on_the_wire():
    lines = re.findall(r"^([<>]) ((?:[0-9A-F]{2} ?)+)$", PAGE.read_text(), re.M)
    frames = [bytes.fromhex(text) for _, text in lines]
    assert [side for side, _ in lines] == [">", "<"] * 5
    signals = []
    registers = Registers(signals.append)
    status = StatusBlock(
        online=True, heartbeat=True, completed_toggle=True, result_valid=True, is_pass=True,
        acq_id=1041, result_seq=1041, result_seq_check=1041, part_seq_echo=258, recipe_judged=3,
        recipe_active=3, elapsed_us=83_400, bundle_hash=0x9F2C41D7, policy_number=0x0123,
        pass_count=1041,
    )  # fmt: skip
    registers.show(encode_status(status))
    assert read_block(encode_status(status)) is not None
    view = PeerView(registers)
    for asked, answered in zip(frames[::2], frames[1::2], strict=True):
        assert (asked[:4], asked[6]) == (answered[:4], answered[6])
        assert int.from_bytes(asked[4:6], "big") == len(asked) - 6
        assert int.from_bytes(answered[4:6], "big") == len(answered) - 6
        assert asyncio.run(answer(asked[7:], view)) == answered[7:]
    part = ControlBlock(enable=True, part_seq=258, part_id="AB7")
    assert [decode_control(one.words) for one in signals] == [
        ControlBlock(enable=True),
        ControlBlock(enable=True, trigger=True, part_seq=258, part_id="AB7"),
        part,
        ControlBlock(enable=True, result_ack=True, part_seq=258, part_id="AB7"),
    ]


def judge(part_seq, part_id):
    """Every third part has a defect, every hundredth stops the line; a wrong id shows, too."""
    if part_id != f"ID{part_seq}":
        return (LineReason.ID_MISMATCH,)
    if part_seq % 100 == 0:
        return (LineReason.CAMERA_LOST,)
    return (LineReason.DEFECT,) if part_seq % 3 == 0 else ()


@pytest.mark.service
def test_a_plc_programmed_from_the_page_alone_runs_parts():
    parts = 300
    station = StubStation(judge)
    station.serve(ModbusOutput(ModbusOptions(port=0), station.post))
    with station:
        plc = PagePlc(station.output.port, deadline_s=20)
        done = plc.run(parts, lambda part_seq: f"ID{part_seq}")
        plc.close()
    expected = [
        (n, False, True, 50) if n % 100 == 0 else (n, n % 3 != 0, False, int(n % 3 == 0))
        for n in range(1, parts + 1)
    ]
    assert done == expected
    assert station.accepted == list(range(1, parts + 1))
