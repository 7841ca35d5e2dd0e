"""Answers through a PACS of somebody else's making and back, and through restarts of either side.

Orthanc takes them by C-STORE and by STOW-RS, DCMTK's storescp by C-STORE.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from sqlalchemy import select

from core.errors import AssayError
from core.records import failed_jobs, queue
from core.records.connection import reading
from core.records.deployment import Stage
from core.records.outbox import DELIVER, Message
from core.records.queue import State
from core.records.tables import JOBS
from core.service.delivery import deliver
from domains.xray.answers.answer import JudgedImage
from domains.xray.answers.capture import capture
from domains.xray.answers.delivery import require_kept, store_by_dimse, store_by_stow
from domains.xray.answers.objects import encode
from domains.xray.answers.report_sr import report
from domains.xray.node.peers import Node, Peer
from tests.domains.xray.answers.answers import (
    NAMES,
    a_decision,
    a_source,
    an_answer,
    an_explanation,
)
from tests.domains.xray.answers.pacs import HOST, Orthanc, a_free_port
from tests.domains.xray.answers.ward import Ward, a_radiograph, job_of
from tests.domains.xray.radiographs import CANARY

# A socket that never connected is dropped by pynetdicom without being closed.
pytestmark = [
    pytest.mark.service,
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.usefixtures("collected"),
]

PATIENTS = [
    "Doe^Jane",
    "Müller-Lüdenscheidt^Jürgen",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Иванов^Иван",
]


def answers(patient: str, place: int) -> list[bytes]:
    """Write a report and a capture for one patient, each in a study of his own."""
    study = f"1.2.3.{place}"
    source = a_source(place, PatientName=patient, PatientID=f"ID-{place}", StudyInstanceUID=study)
    answer = an_answer(JudgedImage(1, a_decision(chr(97 + place)), source), study=source)
    drawn = capture(answer, answer.images[0], an_explanation(), NAMES)
    return [encode(report(answer, NAMES)), encode(drawn)]


def by_name(files: list[bytes]) -> dict[str, bytes]:
    return {dcmread(BytesIO(file)).SOPInstanceUID: file for file in files}


def values(file: bytes) -> list[tuple[object, str, str]]:
    """List everything that a file says, element by element, but for the file meta group."""
    return [(e.tag, e.VR, repr(e.value)) for e in dcmread(BytesIO(file)).iterall()]


def all_values(files: Mapping[str, bytes]) -> dict[str, list[tuple[object, str, str]]]:
    return {name: values(file) for name, file in files.items()}


@pytest.mark.parametrize("protocol", ["dimse", "stow"])
def test_every_value_comes_back_from_orthanc_as_it_was_sent(orthanc, protocol):
    sent = [file for place, name in enumerate(PATIENTS, 1) for file in answers(name, place)]
    objects: list[Dataset] = [dcmread(BytesIO(file)) for file in sent]
    if protocol == "dimse":
        port = orthanc.dicom_port
        peer = Peer(name="PACS", ae_title="ORTHANC", host=HOST, port=port)
        require_kept(store_by_dimse(objects, peer, Node()), peer)
    else:
        peer = Peer(name="WEB", protocol="stow", url=orthanc.url)
        require_kept(store_by_stow(objects, peer), peer)
    assert all_values(orthanc.files()) == all_values(by_name(sent))
    known = [orthanc.get_json(f"/patients/{one}") for one in orthanc.get_json("/patients")]
    assert {one["MainDicomTags"]["PatientName"] for one in known} == set(PATIENTS)


@pytest.fixture
def storescp(dcmtk, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    with running_storescp(tmp_path / "received") as server:
        yield server


@contextmanager
def running_storescp(folder: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """Run DCMTK's receiver until the block ends, however it ends; give its port and its folder."""
    folder.mkdir()
    port = a_free_port()
    command = ["storescp", "-od", str(folder), "-aet", "DCMTK", *options]
    with subprocess.Popen([*command, str(port)]) as server:
        try:
            wait_for(port, server)
            yield port, folder
        finally:
            server.terminate()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    echo = ["echoscu", "-aec", "DCMTK", HOST, str(port)]
    while subprocess.run(echo, capture_output=True, check=False).returncode:
        assert server.poll() is None, "storescp ended at its start"
        time.sleep(0.1)


def test_dcmtk_takes_an_answer_and_sends_it_on_to_orthanc(storescp, orthanc):
    port, folder = storescp
    sent = answers(PATIENTS[1], 1)
    peer = Peer(name="DCMTK", ae_title="DCMTK", host=HOST, port=port)
    require_kept(store_by_dimse([dcmread(BytesIO(file)) for file in sent], peer, Node()), peer)
    expected = all_values(by_name(sent))
    received = list(folder.iterdir())
    assert all_values(by_name([path.read_bytes() for path in received])) == expected
    onward = ["storescu", "-aet", "ASSAY", "-aec", "ORTHANC", HOST, str(orthanc.dicom_port)]
    subprocess.run([*onward, *map(str, received)], check=True, capture_output=True)
    assert all_values(orthanc.files()) == expected


def test_what_a_receiver_missed_reaches_it_after_its_restart_under_the_same_names(
    ward: Ward, orthanc, monkeypatch, caplog
):
    monkeypatch.setattr(deliver, "REST_S", 0.0)
    caplog.set_level("DEBUG")
    sends = queued(ward, orthanc, "2.1")
    orthanc.stop()
    for message in sends:
        with pytest.raises(AssayError):
            ward.deliver(message)
    orthanc.start()
    for message in sends * 2:
        ward.deliver(message)
    assert all_values(orthanc.files()) == all_values(by_name(ward.files(sends[0])))
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("core", "domains"))]
    assert not [text for text in ours if CANARY in text or "2.1" in text]


def test_a_receiver_out_of_reach_is_left_alone_for_a_while(ward: Ward, orthanc):
    message, _ = queued(ward, orthanc, "2.2")
    orthanc.stop()
    with pytest.raises(AssayError, match="there is no association"):
        ward.deliver(message)
    orthanc.start()
    with pytest.raises(AssayError, match="a moment ago"):
        ward.deliver(message)


def queued(ward: Ward, orthanc: Orthanc, study: str) -> list[Message]:
    """Judge a chest and queue its report for Orthanc, over both protocols."""
    dimse = {"ae_title": "ORTHANC", "host": HOST, "port": orthanc.dicom_port}
    ward.peers({"name": "PACS", **dimse}, {"name": "WEB", "protocol": "stow", "url": orthanc.url})
    tags = {"StudyInstanceUID": study, "SOPInstanceUID": f"{study}.1", "InstitutionName": study}
    ward.judge(a_radiograph("cal-3", spot=True, **tags))
    ward.release(Stage.SUPERVISED, study)
    sends = ward.answer(study)
    assert len(sends) == 2
    return sends


IMAGES_ONLY = """
[[TransferSyntaxes]]
[Any]
TransferSyntax1 = LocalEndianExplicit
TransferSyntax2 = LittleEndianImplicit
[[PresentationContexts]]
[ImagesOnly]
PresentationContext1 = VerificationSOPClass\\Any
PresentationContext2 = SecondaryCaptureImageStorage\\Any
[[Profiles]]
[Default]
PresentationContexts = ImagesOnly
"""


def test_an_archive_that_takes_pictures_alone_gets_them_once_and_says_why_not_the_report(
    ward: Ward, dcmtk, tmp_path
):
    (tmp_path / "images.cfg").write_text(IMAGES_ONLY)
    options = ["-xf", str(tmp_path / "images.cfg"), "Default"]
    with running_storescp(tmp_path / "received", *options) as (port, folder):
        peer = {"name": "IMAGES", "ae_title": "DCMTK", "host": HOST, "port": port}
        ward.peers(peer)
        tags = {"StudyInstanceUID": "2.5", "SOPInstanceUID": "2.5.1", "InstitutionName": "2.5"}
        ward.judge(a_radiograph("cal-3", spot=True, **tags))
        ward.release(Stage.SUPERVISED, "2.5")
        (send,) = ward.answer("2.5")
        work(ward)
        (capture,) = folder.iterdir()
        assert dcmread(capture).SOPInstanceUID == ward.objects(send)[1].SOPInstanceUID
        [trouble] = [
            one for one in failed_jobs.failed_jobs(ward.store) if one.job.id == job_of(send)
        ]
        assert (trouble.state, trouble.job.tries) == (State.FAILED, 1)
        assert "takes no Comprehensive SR Storage" in trouble.problem
        assert 'results = ["capture"]' in trouble.problem
        # The way out that it names; what was taken is not sent again.
        capture.unlink()
        ward.peers({**peer, "results": ["capture"]})
        assert failed_jobs.reopen(ward.store, job_of(send))
        work(ward)
    assert states(ward, [send]) == {State.DONE}
    assert list(folder.iterdir()) == []


WORK = """
import sys, threading
from pathlib import Path
from core.service.store import open_store
from core.jobs.worker import work
from core.settings import Settings
settings = Settings(home=Path(sys.argv[1]))
work([], open_store(settings), settings, stop=threading.Event(), once=True)
"""


def work(ward: Ward) -> None:
    """Do what waits, as `assay worker --once` does."""
    command = [sys.executable, "-c", WORK, str(ward.settings.home)]
    subprocess.run(command, check=True, timeout=120)


def test_what_a_worker_held_when_it_died_is_sent_by_the_next(ward: Ward, orthanc):
    sends = queued(ward, orthanc, "2.3")
    claimed = queue.claim(ward.store, [DELIVER], worker="dead", lease_s=0.5, limit=100)
    assert {job_of(one) for one in sends} == {job.id for job in claimed}
    while states(ward, sends) != {State.DONE}:
        work(ward)
        time.sleep(0.5)
    expected = all_values(by_name(ward.files(sends[0])))
    assert all_values(orthanc.files()) == expected


def states(ward: Ward, sends: list[Message]) -> set[str]:
    with reading(ward.store) as connection:
        query = select(JOBS.c.state).where(JOBS.c.id.in_([job_of(one) for one in sends]))
        return set(connection.scalars(query))


def test_dsrdump_has_nothing_to_say_against_what_orthanc_gives_back(dcmtk, ward, orthanc, tmp_path):
    message, *_ = queued(ward, orthanc, "2.4")
    ward.deliver(message)
    name = ward.objects(message)[0].SOPInstanceUID
    (tmp_path / "report.dcm").write_bytes(orthanc.files()[name])
    done = subprocess.run(
        ["dsrdump", str(tmp_path / "report.dcm")], capture_output=True, check=True
    )
    assert done.stderr == b""
    assert b"Research and decision suppo" in done.stdout
