"""What the board asks for reaches a station that lives, in time, once, and with a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ConfigError
from core.records import audit, pack_rows
from core.records.connection import writing
from domains.parts.station.board.commands import (
    COMMAND,
    BoardCommand,
    CommandName,
    CommandPoller,
    answer_to,
    refusal,
    send_command,
)
from domains.parts.station.challenge.interlock import CHALLENGE
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.inspected import wait_for

AT = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)


def a_command(name=CommandName.ACKNOWLEDGE, argument="", who="Eva", role=StationRole.OPERATOR):
    return BoardCommand(1, name, argument, StationUser(who, role), AT)


@pytest.mark.parametrize(
    ("after_s", "problem"),
    [(0, ""), (5, ""), (5.1, "5 s old"), (3600, "3600 s old"), (-0.9, ""), (-1.1, "the future")],
)
def test_a_command_holds_for_five_seconds_and_none_comes_from_the_future(after_s, problem):
    found = refusal(a_command(), AT + timedelta(seconds=after_s))
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (a_command(CommandName.STOP, who=""), ""),
        (a_command(who=" "), "no name"),
        (a_command(CommandName.RECIPE, "7"), ""),
        (a_command(CommandName.RECIPE, "seven"), "a recipe has a number"),
        (a_command(CommandName.RELEASE, "worn"), "released by a lead"),
        (a_command(CommandName.RELEASE, role=StationRole.LEAD), "needs a reason"),
        (a_command(CommandName.RELEASE, "worn", role=StationRole.LEAD), ""),
    ],
)
def test_who_may_ask_for_what(command, problem):
    found = refusal(command, AT)
    assert problem in found
    assert bool(found) == bool(problem)


def test_a_command_that_may_not_be_given_is_not_on_record(store):
    with pytest.raises(ConfigError, match="no name is given; a recipe has a number, got 'x'"):
        send_command(
            store, "line", CommandName.RECIPE, argument="x", by=StationUser("", StationRole.LEAD)
        )
    assert pack_rows.rows_of(store, "parts", COMMAND, "line") == []


@pytest.fixture
def line(store):
    """A poller and the commands that it has posted; each is answered as `line.answers` says."""

    class Line:
        def __init__(self) -> None:
            self.posted = []
            self.says = (True, "Done.")
            self.poller = CommandPoller(store, "line", self.take, poll_s=0.02)

        def take(self, command) -> None:
            self.posted.append((command.name, command.argument))
            command.answer(*self.says)

    made = Line()
    yield made
    made.poller.close()


def answered(store, command):
    wait_for(lambda: answer_to(store, "line", command.number) is not None, "an answer")
    return answer_to(store, "line", command.number)


def test_each_command_is_carried_out_once_and_answered_under_its_number(store, line):
    line.poller.start()
    sent = [
        send_command(store, "line", CommandName.STOP, by=StationUser("", StationRole.OPERATOR)),
        send_command(
            store, "line", CommandName.RECIPE, argument="4", by=StationUser("Eva", StationRole.LEAD)
        ),
    ]
    assert [answered(store, one).is_done for one in sent] == [True, True]
    line.says = (False, "There is no recipe 9.")
    refused = send_command(
        store, "line", CommandName.RECIPE, argument="9", by=StationUser("Eva", StationRole.LEAD)
    )
    answer = answered(store, refused)
    assert (answer.number, answer.is_done, answer.sentence) == (3, False, "There is no recipe 9.")
    assert line.posted == [("stop", ""), ("recipe", "4"), ("recipe", "9")]
    assert audit.verify(store).faults == ()


def test_what_was_asked_before_the_station_lived_or_too_long_ago_is_never_done(store, line):
    send_command(
        store, "line", CommandName.ACKNOWLEDGE, by=StationUser("Eva", StationRole.OPERATOR)
    )
    line.poller.start()
    old = send_command(
        store, "line", CommandName.ACKNOWLEDGE, by=StationUser("Eva", StationRole.OPERATOR),
        at=datetime.now(UTC) - timedelta(seconds=30),
    )  # fmt: skip
    answer = answered(store, old)
    assert not answer.is_done
    assert "30 s old" in answer.sentence
    assert answer_to(store, "line", 1) is None
    assert line.posted == []


def test_a_release_is_on_record_with_its_reason_before_the_line_hears_of_it(store, line):
    on_record = []
    take = line.take

    def look(command) -> None:
        on_record.extend(pack_rows.rows_of(store, "parts", CHALLENGE, "line"))
        take(command)

    line.poller = CommandPoller(store, "line", look, poll_s=0.02)
    line.poller.start()
    sent = send_command(
        store,
        "line",
        CommandName.RELEASE,
        argument="b1 was worn",
        by=StationUser("Ann", StationRole.LEAD),
    )
    assert answered(store, sent).is_done
    assert [(row.subject, row.outcome, row.body["reason"]) for row in on_record] == [
        ("Ann", "released", "b1 was worn")
    ]


def test_a_row_that_no_board_wrote_is_refused_and_the_next_command_is_done(store, line):
    line.poller.start()
    row = pack_rows.PackRow("parts", COMMAND, "line", 1, datetime.now(UTC), "x", "explode")
    with writing(store) as connection:
        pack_rows.add(connection, [row], actor="somebody")
    after = send_command(store, "line", CommandName.STOP, by=StationUser("", StationRole.OPERATOR))
    assert answered(store, after).is_done
    assert answer_to(store, "line", 1).sentence == "It cannot be read."
    assert line.posted == [("stop", "")]
