"""Messages reach their receivers part by part: once, for ever, or until a person must look."""

from __future__ import annotations

import json

import pytest

from core.errors import AssayError, ConfigError, PermanentFailure
from core.packs import MessageOutput
from core.records import blobs, outbox
from core.records.connection import writing
from core.records.job import Job
from core.records.outbox import DELIVER, Part
from core.records.values import name_of, now
from core.service.delivery import deliver as delivery
from core.service.delivery.deliver import deliver
from core.service.delivery.results import Unreachable
from tests.core.jobs.running import installed_pack, write_pack

LETTERS = '''
"""Letters that are put into receivers' boxes, as ``answers.json`` says."""

import json
from dataclasses import replace

from core.errors import PermanentFailure
from core.packs import MessageOutput
from core.service.delivery.results import NOT_WANTED, PartResult, Unreachable
from domains.parts import pack as parts

RESULTS = {
    "taken": PartResult(),
    "later": PartResult("its box is full"),
    "never": PartResult("it takes no such parts", is_permanent=True),
    "unwanted": NOT_WANTED,
}


def send(message, settings):
    answers = json.loads((settings.home / "answers.json").read_text())
    with (settings.home / "called.txt").open("a") as file:
        file.write(f"{message.receiver} {message.id}\\n")
    if answers.get("receiver") == message.receiver:
        raise Unreachable("Nobody is there.")
    for part in message.missing:
        answer = answers.get(part.kind, "taken")
        if answer == "lost":
            raise ConnectionError("CANARY^JANE")
        if answer == "silent":
            continue
        if answer != "unwanted":
            sent = f"{message.receiver} {part.kind} {message.read(part).decode()}\\n"
            with (settings.home / "sent.txt").open("a") as file:
                file.write(sent)
        yield part, RESULTS[answer]


def post(message, settings):
    (settings.home / "posted.json").write_text(json.dumps([message.id, dict(message.body)]))


pack = replace(
    parts,
    name="letters",
    outputs=(
        MessageOutput("letters.box", "letters_pack:send", max_tries=3, way_out="Widen the slot."),
        MessageOutput("letters.ever", "letters_pack:send", max_tries=None),
        MessageOutput("letters.post", "letters_pack:post"),
    ),
)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("letters") / "site", "letters", LETTERS)


@pytest.fixture(autouse=True)
def installed(site):
    delivery._resting.clear()
    with installed_pack(site, "letters"):
        yield
    delivery._resting.clear()


@pytest.fixture
def put(store):
    """Write a message with a report and a picture; gives its id."""

    def _put(receiver="ADA", output="letters.box", kinds=("report", "picture")):
        names = blobs.put_many(store.blobs, [f"the {kind}".encode() for kind in kinds])
        with writing(store) as connection:
            return outbox.put(
                connection,
                output,
                "case/1",
                pack="letters",
                subject="case",
                body={"wording": "SOUND"},
                at=now(),
                receiver=receiver,
                parts=[Part(*pair) for pair in zip(kinds, names, strict=True)],
            )

    return _put


@pytest.fixture
def answer(settings):
    """Say what the receivers do with each kind of part from now on; the rest they take."""

    def _answer(**answers):
        settings.home.mkdir(parents=True, exist_ok=True)
        (settings.home / "answers.json").write_text(json.dumps(answers))

    _answer()
    return _answer


@pytest.fixture
def attempt(store, settings):
    """Deliver a message once, as a worker does; gives what it returned."""

    def _attempt(message_id, tries=1):
        job = Job(name_of(DELIVER, message_id), DELIVER, message_id, "letters", {}, 0, tries)
        return deliver(job, store, settings)

    return _attempt


@pytest.fixture
def lines(settings):
    def _lines(name):
        path = settings.home / f"{name}.txt"
        return path.read_text().splitlines() if path.exists() else []

    return _lines


def test_what_was_taken_is_not_sent_again_and_the_message_keeps_its_id(put, answer, attempt, lines):
    message_id = put()
    answer(report="later")
    with pytest.raises(AssayError, match=r"^The receiver ADA does not have all .* box is full\."):
        attempt(message_id)
    answer()
    attempt(message_id)
    assert lines("sent") == [
        "ADA report the report",
        "ADA picture the picture",
        "ADA report the report",
    ]
    assert lines("called") == [f"ADA {message_id}"] * 2
    attempt(message_id)
    assert len(lines("sent")) == 3


def test_what_was_taken_before_the_connection_broke_is_not_sent_again(put, answer, attempt, lines):
    message_id = put()
    answer(picture="lost")
    with pytest.raises(ConnectionError):
        attempt(message_id)
    answer()
    attempt(message_id)
    assert lines("sent") == ["ADA report the report", "ADA picture the picture"]


def test_a_part_refused_for_good_holds_nothing_up_and_names_the_way_out(
    put, answer, attempt, lines
):
    message_id = put()
    answer(report="never")
    with pytest.raises(PermanentFailure) as refused:
        attempt(message_id)
    assert refused.value.message == (
        "The receiver ADA does not take all of a message: it takes no such parts. Widen the slot."
    )
    assert lines("sent")[-1] == "ADA picture the picture"
    answer(report="unwanted")
    assert attempt(message_id).id == message_id
    assert len(lines("sent")) == 2


def test_what_is_refused_for_good_waits_for_what_may_be_taken_another_time(put, answer, attempt):
    message_id = put()
    answer(report="never", picture="later")
    with pytest.raises(AssayError, match="its box is full") as later:
        attempt(message_id)
    assert not isinstance(later.value, PermanentFailure)


def test_an_output_that_forgets_a_part_has_not_delivered_it(put, answer, attempt):
    message_id = put()
    answer(picture="silent")
    with pytest.raises(AssayError, match="no result came for 1 of its parts"):
        attempt(message_id)


def test_a_receiver_out_of_reach_rests_and_the_others_get_theirs(
    put, answer, attempt, lines, monkeypatch
):
    ada, grace = put("ADA"), put("GRACE")
    answer(receiver="ADA")
    with pytest.raises(Unreachable, match="Nobody is there"):
        attempt(ada)
    answer()
    with pytest.raises(Unreachable, match=r"The receiver ADA was out of reach a moment ago\."):
        attempt(ada)
    attempt(grace)
    assert lines("called") == [f"ADA {ada}", f"GRACE {grace}"]
    monkeypatch.setattr(delivery, "monotonic", lambda: float("inf"))
    attempt(ada)
    assert lines("called")[2:] == [f"ADA {ada}"]


def test_a_message_waits_for_a_person_after_as_many_tries_as_its_output_allows(
    put, answer, attempt, lines
):
    limited, unlimited = put(), put(output="letters.ever")
    answer(report="lost")
    with pytest.raises(ConnectionError):
        attempt(limited, tries=2)
    with pytest.raises(PermanentFailure) as given_up:
        attempt(limited, tries=3)
    assert given_up.value.message == "Given up after 3 tries: ConnectionError"
    before = lines("called")
    with pytest.raises(PermanentFailure, match="No worker survived sending it, in 3 tries"):
        attempt(limited, tries=4)
    assert lines("called") == before
    with pytest.raises(ConnectionError):
        attempt(unlimited, tries=100_000)


def test_an_output_that_just_returns_has_sent_everything(put, answer, attempt, store, settings):
    message_id = put("", "letters.post")
    attempt(message_id)
    posted = json.loads((settings.home / "posted.json").read_text())
    assert posted == [message_id, {"wording": "SOUND"}]
    assert outbox.message(store, message_id).missing == ()


def test_a_message_without_parts_runs_an_output_that_yields(put, answer, attempt, lines):
    message_id = put(kinds=())
    attempt(message_id)
    assert lines("called") == [f"ADA {message_id}"]


def test_an_output_that_nobody_declares_is_named(put, attempt):
    message_id = put(output="letters.fax")
    with pytest.raises(ConfigError, match=r"letters\.fax.*letters\.box, letters\.ever"):
        attempt(message_id)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"name": "line"}, "welds.line"),
        ({"send": "welds_pack.send"}, "no path module:function"),
        ({"max_tries": 0}, "max_tries is 0"),
    ],
)
def test_an_output_that_cannot_send_is_refused(given, problem):
    with pytest.raises(ConfigError, match=problem):
        MessageOutput(**{"name": "welds.line", "send": "welds_pack:send", **given})
