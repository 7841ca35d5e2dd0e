"""The conformance statement says what the code does: its tables are compared with the lists."""

import re
from pathlib import Path

from pydicom.uid import UID

from core.service.intake.limits import Limits
from domains.xray.answers import capture, delivery, report_sr
from domains.xray.node import scp, scp_handlers, sop_classes, stow
from domains.xray.node.part10 import IMPLEMENTATION_UID

TEXT = (Path(sop_classes.__file__).parent / "CONFORMANCE.md").read_text()


def section(title):
    """Give the text under a heading, as far as the next one of any level."""
    return re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", TEXT, re.M | re.S)[1]


def rows(text):
    """Give the cells of every table row but the heads."""
    found = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in found if not set(row[0]) <= set("- ")]


def pairs(text):
    return {row[1]: row[0] for row in rows(text) if row[1:] and row[1].startswith("1.2.")}


def test_the_classes_and_syntaxes_taken_are_those_of_the_code_in_their_order():
    text = section("As Storage SCP")
    judged, others = text.split("Every other storage class")
    assert list(pairs(judged).items()) == list(sop_classes.JUDGED_CLASSES.items())
    aside, syntaxes = others.split("In order of preference")
    assert pairs(aside).keys() < sop_classes.STORAGE_CLASSES - sop_classes.JUDGED_CLASSES.keys()
    assert f"{len(sop_classes.STORAGE_CLASSES)} classes in all" in aside
    assert list(pairs(syntaxes).items()) == list(sop_classes.TRANSFER_SYNTAXES.items())
    assert pairs(section("As Verification SCP")) == {sop_classes.VERIFICATION: "Verification"}


def test_every_uid_on_the_page_is_registered_under_a_name_like_the_one_given():
    uids = {**pairs(TEXT)}
    assert len(uids) > 25
    for uid, name in uids.items():
        registered = UID(uid).name
        assert registered != uid
        first = name.replace("High-Throughput", "").replace("-", " ").split()[0].strip(",")
        assert first.lower() in registered.lower().replace("-", " "), (name, registered)


def test_the_statuses_are_those_that_are_answered():
    stated = {
        row[0] for row in rows(section("As Storage SCP")) if re.fullmatch("[0-9AC]{4}", row[0])
    }
    answered = (
        scp_handlers.SUCCESS,
        scp_handlers.NO_ROOM,
        scp_handlers.MISMATCH,
        scp_handlers.CONFLICT,
        scp_handlers.INVALID_INSTANCE,
        scp_handlers.WRONG_CLASS,
        scp_handlers.NOT_AUTHORISED,
    )
    assert stated == {f"{code:04X}" for code in answered}
    for code in (stow.NOT_UNDERSTOOD, stow.WRONG_SYNTAX):
        assert f"{code:04X}" in section("DICOMweb")


def test_results_are_sent_as_the_classes_and_syntaxes_that_are_named():
    sent = rows(section("Associations asked for"))
    classes = {row[1] for row in sent} - {"UID", sop_classes.VERIFICATION}
    assert classes == {report_sr.COMPREHENSIVE_SR, capture.SECONDARY_CAPTURE}
    names = (
        sop_classes.TRANSFER_SYNTAXES[uid]
        for uid in (delivery.EXPLICIT_LITTLE, delivery.IMPLICIT_LITTLE)
    )
    assert {row[3] for row in sent if row[1] in classes} == {", ".join(names)}


def test_the_bounds_and_the_names_are_those_of_the_code():
    limits = Limits()
    assert IMPLEMENTATION_UID in section("Implementation")
    assert str(scp.MAX_PDU) in section("Implementation")
    assert f"| {limits.senders}, or" in section("Implementation")
    policy = section("Associations accepted")
    assert f"after {limits.silence_s:.0f} seconds" in policy
    assert f"{limits.object_s:.0f} seconds pass" in policy
    assert f"({limits.object_bytes >> 20} MiB)" in policy
    assert f"than {limits.total_bytes >> 20} MiB" in policy
