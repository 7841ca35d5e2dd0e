"""Reviewing without a screen: the queue with skips, undo, and the server that shows it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from core.errors import BundleError, ConfigError, DataError, PermissionDenied
from core.packs import pack_named
from core.people import Person, Role
from core.records import audit, reviews, worklist
from core.records.final_reads import final_reads
from core.records.store import decisions
from core.records.values import now
from core.service.review import review, undo
from core.service.review import server as review_server
from core.service.review.explanations import Explainer
from core.settings import Settings
from core.types import Disposition

ADA = Person.alone("Ada")
FAIL, PASS = Disposition.POSITIVE, Disposition.NEGATIVE


@pytest.fixture
def session(assessed_home: Path) -> Iterator[review.ReviewSession]:
    opened = review.open_review_session(Settings(home=assessed_home))
    yield opened
    opened.close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((review_server.HOST, 0))
        return int(probe.getsockname()[1])


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def queue(store) -> list[str]:
    item, ids = worklist.next_case(store, "parts"), []
    while item:
        ids.append(item.case_id)
        item = worklist.next_case(store, "parts", after=item.case_id)
    return ids


def test_skipped_cases_are_left_out_and_come_back_in_the_order_of_skipping(session):
    first, second, third, *others = queue(session.store)
    shown = review.next_case(session.store, "parts", [second, first])
    assert shown.case_id == third
    everything = [*others, third, second, first]
    assert review.next_case(session.store, "parts", everything).case_id == others[0]
    assert review.next_case(session.store, "of no pack", everything) is None


def test_a_verdict_without_a_name_is_refused(session):
    case = review.next_case(session.store, "parts")
    with pytest.raises(PermissionDenied, match="Nobody is named"):
        review.decide(session.store, case, FAIL, by=Person.alone("  "))
    assert final_reads(session.store, "parts") == []


def test_the_review_to_undo_is_the_persons_own_last_one_and_is_undone_once(session):
    store = session.store
    for who, judgement in (("Ada", FAIL), ("Ada", PASS), ("Grace", FAIL)):
        case = review.next_case(store, "parts")
        assert review.decide(store, case, judgement, by=Person.alone(f" {who} "))
        assert not review.decide(store, case, judgement, by=Person.alone(who))
    last = undo.last_review(store, ("parts",), ADA)
    assert last.disposition is PASS
    assert undo.undo(store, last, ADA)
    assert not undo.undo(store, last, ADA)
    assert undo.last_review(store, ("parts",), ADA).disposition is FAIL
    assert undo.last_review(store, ("parts",), Person.alone("Mary")) is None


def test_undo_goes_by_the_order_of_writing_where_the_clock_was_set_back(session):
    store = session.store
    written = []
    for hours in (0, 3, -2, -1):
        case = review.next_case(store, "parts")
        at = now() + timedelta(hours=hours)
        assert reviews.review(store, case, FAIL, reviewer="Ada", at=at)
        written.append(case.case_id)
    taken_back = []
    while (last := undo.last_review(store, ("parts",), ADA)) is not None:
        taken_back.append(last.case_id)
        assert undo.undo(store, last, ADA)
    assert taken_back == written[::-1]
    assert audit.verify(store).faults == ()


def test_a_viewer_reviews_nothing_and_only_a_lead_takes_back_what_somebody_else_reviewed(session):
    store = session.store
    viewer, reviewer, lead = (
        Person(f"id of {role}", role.title(), role)
        for role in (Role.VIEWER, Role.REVIEWER, Role.LEAD)
    )
    case = review.next_case(store, "parts")
    with pytest.raises(PermissionDenied, match="role viewer and cannot review a case"):
        review.decide(store, case, FAIL, by=viewer)
    assert final_reads(store, "parts") == []
    assert review.decide(store, case, FAIL, by=Person("id of another", "Other", Role.REVIEWER))
    (written,) = final_reads(store, "parts")
    assert written.reviewer == "id of another"
    for refused in (viewer, reviewer):
        with pytest.raises(PermissionDenied, match="take back a review"):
            undo.undo(store, written, refused)
    assert undo.undo(store, written, lead)


def test_only_reviews_that_stand_and_are_recent_count_as_done(session):
    store, start = session.store, now()
    old = review.next_case(store, "parts")
    reviews.review(store, old, FAIL, reviewer="Ada", at=start - timedelta(days=1))
    for _ in range(3):
        case = review.next_case(store, "parts")
        review.decide(store, case, FAIL, by=ADA)
    undo.undo(store, undo.last_review(store, ("parts",), ADA), ADA)
    assert review.done_since(store, "parts", start) == 2
    assert review.done_since(store, "welds", start) == 0


def test_a_decisions_limits_are_read_from_the_shelf_or_their_absence_is_said(
    session, tiny_product, assessed_home
):
    _, policy = tiny_product.opened()
    decision = decisions(session.store, limit=1)[0]
    assert review.judged_by(session.explainer, decision) == policy
    (assessed_home / "bundles").rename(assessed_home / "elsewhere")
    with pytest.raises(BundleError, match="has no bundle by which this was judged"):
        review.judged_by(Explainer(session.store, session.settings), decision)


def test_settings_survive_the_way_through_the_environment(monkeypatch, tmp_path):
    given = Settings(home=tmp_path / "ä b", workers=7, decode_timeout_s=0.5, reviewer="Ada L.")
    for name, value in review_server.environment(given).items():
        monkeypatch.setenv(name, value)
    assert Settings() == given


@pytest.mark.parametrize(
    ("disposition", "labels", "contradicts"),
    [
        (FAIL, ["scratched"], False),
        (FAIL, ["good", "scratched"], False),
        (FAIL, ["good"], True),
        (PASS, ["good"], False),
        (PASS, ["scratched"], True),
        (PASS, ["good", "scratched"], True),
        (FAIL, [], False),
        (Disposition.DEFER, ["good", "scratched"], False),
    ],
)
def test_a_judgement_that_its_labels_contradict_is_refused(
    session, disposition, labels, contradicts
):
    detail = worklist.case_detail(session.store, queue(session.store)[0])
    refused = pytest.raises(DataError, match="contradicts the label")

    with refused if contradicts else nullcontext():
        review.check_labels(session.explainer, pack_named("parts"), detail, disposition, labels)


@pytest.mark.service
@pytest.mark.parametrize("hangs", [False, True])
def test_ending_the_command_ends_its_server(hangs, free_port, tmp_path):
    script = (
        "import sys; from pathlib import Path; from core.service.review import server;"
        "from core.settings import Settings; server.STOP_S = 5.0 if int(sys.argv[3]) else 60.0;"
        "server.launch(Settings(home=Path(sys.argv[1])), int(sys.argv[2]))"
    )
    arguments = [tmp_path, str(free_port), str(int(hangs))]
    command = subprocess.Popen([sys.executable, "-c", script, *arguments])
    servers = []
    try:
        until = time.monotonic() + 120
        while not answers(review_server.HOST, free_port) and time.monotonic() < until:
            time.sleep(0.1)
        servers = psutil.Process(command.pid).children(recursive=True)
        assert servers
        if hangs:
            servers[0].suspend()

        command.terminate()

        assert command.wait(60) == 0
        assert psutil.wait_procs(servers, 60)[1] == []
    finally:
        for process in (command, *servers):
            with suppress(psutil.NoSuchProcess):
                process.kill()


def test_a_port_in_use_is_refused_before_anything_starts(free_port, tmp_path):
    with socket.socket() as taken:
        taken.bind((review_server.HOST, free_port))
        taken.listen()
        with pytest.raises(ConfigError, match=f"Port {free_port} .*--port {free_port + 1}"):
            review_server.launch(Settings(home=tmp_path), free_port)


def test_the_server_answers_on_this_machine_alone_wherever_it_is_started_from(free_port, tmp_path):
    command = review_server.serve_command(free_port)
    environment = {**os.environ, **review_server.environment(Settings(home=tmp_path / "home"))}
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    try:
        while not answers("127.0.0.1", free_port):
            assert server.poll() is None, "the server ended by itself"
            time.sleep(0.1)
        # The whole of 127/8 is this machine: a server bound to one address is not at another.
        assert not answers("127.0.0.2", free_port)
    finally:
        server.terminate()
        server.wait()
