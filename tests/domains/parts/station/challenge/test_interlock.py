"""The challenge as an interlock: a whole station judges nothing before its reference parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import ConfigError
from core.people import Person
from core.records import pack_rows
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import certify_bundle, open_bundle
from core.settings import Settings
from core.types import Targets
from domains.parts.station.challenge.interlock import CHALLENGE, record_release
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import PRODUCT, Rig
from domains.parts.station.plc.blocks import StatusBlock
from domains.parts.station.plc.registers import CHALLENGE_COMMAND, OfflineReason
from domains.parts.station.ports import Command
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineReason, LineResult
from domains.parts.station.user import StationRole, StationUser
from tests.changed_bundles import copy_bundle
from tests.domains.parts.station.inspected import wait_for

pytestmark = pytest.mark.trained

OPTIONS = ChallengeOptions(good=("g1", "g2", "g3"), bad=("b1", "b2", "b3"))


@contextmanager
def a_rig(home: Path) -> Iterator[Rig]:
    """A station that has opened: it is online, or held until the challenge is passed."""
    with Rig(Settings(home=home), deadline_ms=3000, challenge=OPTIONS, ready_s=None) as rig:
        wait_for(lambda: is_open(rig.plc.block()), "the station to open")
        yield rig


def is_open(block: StatusBlock) -> bool:
    return block.online or block.offline_reason == OfflineReason.CHALLENGE


def show(rig: Rig, *names: str, scratch: float) -> list[LineResult | None]:
    rig.camera.draw = lambda rng: draw_plate(rng, scratch)
    return [rig.plc.inspect(rig.next_part(), 5.0, part_id=name).result for name in names]


def ended(rig: Rig) -> list[str]:
    rig.inspector.close(5.0)  # what is to be recorded is
    return [row.outcome for row in pack_rows.rows_of(rig.store, "parts", CHALLENGE, "rig")]


def test_the_line_is_held_until_the_challenge_is_passed_and_a_restart_keeps_it(rig_home):
    with a_rig(rig_home) as rig:
        assert not rig.plc.enable(1.0)
        assert rig.plc.block().offline_reason == OfflineReason.CHALLENGE
        assert not rig.plc.inspect(rig.next_part(), 0.5).was_taken
        rig.plc.command(CHALLENGE_COMMAND)
        assert rig.plc.enable(5.0)
        assert set(show(rig, *OPTIONS.bad, scratch=0.9)) == {LineResult.FAIL}
        assert rig.plc.wait_for_command(0.1) is None
        while rig.plc.wait_for_command(0.1) is None:
            show(rig, "", scratch=0.0)
        assert rig.plc.wait_for_command(1.0) is True
        assert rig.plc.inspect(rig.next_part(), 5.0).result is LineResult.PASS
        assert len(parts_of(rig.store, "rig")) == 1  # reference parts enter no rate
        assert rig.plc.block().fail_count == 0
        assert ended(rig) == ["passed"]
    with a_rig(rig_home) as rig:
        assert rig.plc.enable(5.0)


def pass_challenge(rig: Rig) -> None:
    assert rig.challenge.outstanding == (*OPTIONS.bad, *OPTIONS.good)
    rig.plc.command(CHALLENGE_COMMAND)
    assert rig.plc.enable(5.0)
    assert set(show(rig, *OPTIONS.bad, scratch=0.9)) == {LineResult.FAIL}
    wait_for(lambda: rig.challenge.outstanding == OPTIONS.good, "the good ones to be left")
    while rig.plc.wait_for_command(0.1) is None:
        show(rig, "", scratch=0.0)
    assert rig.plc.wait_for_command(1.0) is True
    wait_for(lambda: rig.challenge.outstanding == (), "none to be left")


@pytest.mark.slow
def test_another_bundle_makes_the_challenge_due_while_the_line_runs(rig_home):
    with a_rig(rig_home) as rig:
        pass_challenge(rig)
        assert rig.plc.inspect(rig.next_part(), 5.0).result is LineResult.PASS
        out = copy_bundle(rig_home / "plates-bundle", rig_home / "other-bundle", name="other")
        certify_bundle(open_bundle(out, rig.settings), Targets(escape=0.15, overkill=0.3))
        deploy_bundle(
            out, rig.store, rig.settings, product=PRODUCT, signed=Signed(Person.alone("Ann"))
        )
        wait_for(lambda: not rig.plc.block().online, "the line to be held")
        assert rig.plc.block().offline_reason == OfflineReason.CHALLENGE
        assert not rig.plc.inspect(rig.next_part(), 0.5).was_taken
        pass_challenge(rig)
        assert rig.plc.inspect(rig.next_part(), 5.0).result is LineResult.PASS


def test_where_nothing_is_deployed_parts_are_captured_and_the_challenge_waits(rig_home):
    clean = rig_home.parent / "clean"
    clean.mkdir()
    (clean / "cache").symlink_to((rig_home / "cache").resolve(), target_is_directory=True)
    with a_rig(clean) as rig:
        assert rig.plc.enable(5.0)
        assert show(rig, "", scratch=0.0) == [LineResult.FAIL]
        (part,) = parts_of(rig.store, "rig")
        assert part.reasons == (LineReason.NOT_CERTIFIED,)
        bundle = rig_home / "plates-bundle"
        deploy_bundle(
            bundle, rig.store, rig.settings, product=PRODUCT, signed=Signed(Person.alone("Ann"))
        )
        wait_for(lambda: not rig.plc.block().online, "the line to be held")
        assert rig.plc.block().offline_reason == OfflineReason.CHALLENGE


def test_a_bad_part_that_passes_stops_the_line_until_a_lead_releases_it(rig_home):
    with a_rig(rig_home) as rig:
        rig.plc.command(CHALLENGE_COMMAND)
        assert rig.plc.enable(5.0)
        # Once one passes the line stands, and each further part would be waited for in vain.
        assert any(LineResult.PASS in show(rig, name, scratch=0.0) for name in 3 * OPTIONS.bad)
        assert rig.plc.wait_for_command(1.0) is False
        assert rig.plc.block().offline_reason == OfflineReason.CHALLENGE
        assert ended(rig)[0] == "failed"
    with a_rig(rig_home) as rig:
        rig.plc.command(CHALLENGE_COMMAND)
        assert rig.plc.wait_for_command(2.0) is False
        with pytest.raises(ConfigError, match="released by a lead"):
            record_release(rig.store, "rig", StationUser("Eve", StationRole.OPERATOR), "worn")
        record_release(rig.store, "rig", StationUser("Ann", StationRole.LEAD), "b1 was worn")
        rig.line.post(Command(0.0, "release"))
        rig.plc.command(CHALLENGE_COMMAND)
        assert rig.plc.enable(5.0)
