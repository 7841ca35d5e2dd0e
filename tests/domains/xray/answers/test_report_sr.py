"""Reports, read back by other code than those that wrote them."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from highdicom.sr import MeasurementReport, srread
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset, dcmread

from core.types import Certificate, Disposition, Finding, Reason
from domains.xray.answers.answer import CaseResult, JudgedImage, UidMaker
from domains.xray.answers.objects import NOTICE, encode
from domains.xray.answers.report_items import SCHEME
from domains.xray.answers.report_sr import report
from domains.xray.decoding.source import CONTEXT
from tests.domains.xray.answers.answers import (
    ESCAPE,
    NAMES,
    OVERKILL,
    a_decision,
    a_source,
    an_answer,
)

AMBIGUOUS = Finding(Reason.AMBIGUOUS, "Positive probability 0.500.")
LATERAL = Finding(Reason.WRONG_INPUT, "view: expected PA or AP, got LL.", "view")
LONGEST = {"AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64}
LONGEST |= {"LT": 10240, "SH": 16, "ST": 1024, "TM": 14, "UI": 64, "UT": 2**32 - 2}


def read(answer: CaseResult) -> Dataset:
    return dcmread(BytesIO(encode(report(answer, NAMES))))


def groups(dataset: Dataset) -> list[dict[str, object]]:
    """Walk the tree by hand: each measurement group as what it says under each code."""
    measured = next(
        i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "126010"
    )
    return [_statements(group) for group in measured.ContentSequence]


def _statements(group: Dataset) -> dict[str, object]:
    items: dict[str, object] = {}
    for item in group.ContentSequence:
        name = item.ConceptNameCodeSequence[0].CodeValue
        match item.ValueType:
            case "NUM":
                value = item.MeasuredValueSequence[0]
                items[name] = value.get("FloatingPointValue", float(value.NumericValue))
            case "CODE":
                code = item.ConceptCodeSequence[0]
                items[name] = (code.CodingSchemeDesignator, code.CodeValue, code.CodeMeaning)
            case "TEXT":
                items[name] = [*items.get(name, []), item.TextValue]  # type: ignore[misc]
            case "UIDREF":
                items[name] = item.UID
            case "IMAGE":
                items[name] = item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    return items


def test_a_report_says_verdict_probability_certificates_bundle_policy_and_reasons():
    image = JudgedImage(1, a_decision("a", 0.5, Disposition.DEFER, AMBIGUOUS, LATERAL), a_source())
    (study, _) = groups(read(an_answer(image)))
    assert study["DISPOSITION"] == (SCHEME, "DEFER", "READ")
    assert study["PROBABILITY"] == 0.5
    assert study["REASON"] == [
        f"AMBIGUOUS: {Reason.AMBIGUOUS.sentence} Positive probability 0.500.",
        f"WRONG_INPUT: {Reason.WRONG_INPUT.sentence} view: expected PA or AP, got LL.",
    ]
    assert study["MODEL"] == ["chest@0123456789ab"]
    assert study["MODEL_SHA256"] == ["b" * 64]
    assert study["POLICY"] == ["0123456789abcdef"]
    assert study["NOTICE"] == [NOTICE]


@pytest.mark.parametrize("certificate", [ESCAPE, OVERKILL])
def test_both_certificates_are_told_to_the_last_bit(certificate: Certificate):
    (study, _) = groups(read(an_answer()))
    side = certificate.kind.upper()
    figures = [study[f"{side}_{word}"] for word in ("ALPHA", "BOUND", "CONF", "N", "K")]
    given = [getattr(certificate, name) for name in ("alpha", "bound", "confidence", "n", "k")]
    assert figures == given
    assert study[f"{side}_CERT"][2] == ("Yes" if certificate.certified else "No")


def test_each_image_of_the_study_has_a_group_that_refers_to_it():
    images = (
        JudgedImage(1, a_decision("a", 0.25, Disposition.NEGATIVE), a_source(1)),
        JudgedImage(2, a_decision("c", None, Disposition.DEFER, LATERAL), a_source(2)),
    )
    study, first, second = groups(read(an_answer(*images)))
    assert study["DISPOSITION"] == (SCHEME, "DEFER", "READ")
    assert study["PROBABILITY"] == 0.25
    assert (first["DISPOSITION"], first["121112"]) == ((SCHEME, "NEGATIVE", "NORMAL"), "1.2.3.4.1")
    assert (second["DISPOSITION"], second["121112"]) == ((SCHEME, "DEFER", "READ"), "1.2.3.4.2")
    assert "PROBABILITY" not in second


def test_a_report_is_preliminary_unverified_and_by_a_device():
    dataset = read(an_answer())
    assert (dataset.PreliminaryFlag, dataset.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert dataset.CompletionFlag == "COMPLETE"
    context = _statements(dataset)
    assert context["121005"] == ("DCM", "121007", "Device")
    assert context["121013"] == ["Assay 0.2.0"]


def test_a_report_stands_in_the_study_of_its_images_and_names_them_as_evidence():
    images = tuple(JudgedImage(n, a_decision(c), a_source(n)) for n, c in ((1, "a"), (2, "c")))
    dataset = read(an_answer(*images))
    assert dataset.StudyInstanceUID == "1.2.3.4"
    (study,) = dataset.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID) == ("1.2.3.4", "1.2.3.4.0")
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence]
    assert named == ["1.2.3.4.1", "1.2.3.4.2"]
    assert {name: str(dataset[name].value) for name in CONTEXT if name in dataset} == {
        name: text for name, text in images[0].source.context.items() if text
    }


def test_highdicom_reads_a_report_as_tid_1500():
    answer = an_answer()
    content = srread(BytesIO(encode(report(answer, NAMES)))).content
    assert isinstance(content, MeasurementReport)
    (study, image) = content.get_image_measurement_groups()
    assert image.source_images[0].referenced_sop_instance_uid == "1.2.3.4.1"
    assert image.finding_type is None
    assert {one.name.value for one in study.get_qualitative_evaluations()} == {
        "DISPOSITION",
        "ESCAPE_CERT",
        "OVERKILL_CERT",
    }


def test_a_report_made_again_is_the_same_and_one_of_other_decisions_has_another_name():
    assert encode(report(an_answer(), NAMES)) == encode(report(an_answer(), NAMES))
    other = an_answer(JudgedImage(1, a_decision("c"), a_source()))
    later = an_answer(version=2, predecessor="2.25.17")
    names = {NAMES.report(one) for one in (an_answer(), other, later)}
    assert len(names | {UidMaker(b"another key").report(an_answer())}) == 4


def test_a_later_report_names_the_one_it_replaces():
    dataset = read(an_answer(version=3, predecessor="2.25.17"))
    (study,) = dataset.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    (before,) = series.ReferencedSOPSequence
    assert (study.StudyInstanceUID, series.SeriesInstanceUID, before.ReferencedSOPInstanceUID) == (
        "1.2.3.4",
        dataset.SeriesInstanceUID,
        "2.25.17",
    )
    assert dataset.InstanceNumber == 3
    assert "PredecessorDocumentsSequence" not in read(an_answer())


@pytest.mark.parametrize(
    ("patient", "charset", "warning"),
    [
        ("Doe^Jane", None, ""),
        ("Müller-Lüdenscheidt^Jürgen", "ISO_IR 100", ""),
        # DCMTK reads UTF-8 but cannot check lengths in it, and says so.
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "ISO_IR 192", "does not support"),
    ],
)
def test_dsrdump_has_nothing_to_say_against_a_report(dcmtk, tmp_path, patient, charset, warning):
    file = tmp_path / "report.dcm"
    file.write_bytes(encode(report(an_answer(study=a_source(PatientName=patient)), NAMES)))
    assert dcmread(file).get("SpecificCharacterSet") == charset
    dumped = subprocess.run(["dsrdump", str(file)], capture_output=True, check=True)
    complaints = dumped.stderr.decode().splitlines()
    assert [one for one in complaints if not (warning and warning in one)] == []
    shown = dumped.stdout.decode("latin-1" if charset == "ISO_IR 100" else "utf-8")
    assert patient in shown
    assert "ABNORMAL" in shown


def test_every_string_of_a_report_is_within_the_limit_of_its_value_representation():
    decision = a_decision(
        "a", 1 / 3, Disposition.DEFER, Finding(Reason.FAULT, "x" * 5000), bundle="n" * 300
    )
    names = "=".join(["N" * 64] * 3)
    study = a_source(PatientName=names, PatientID="I" * 64, AccessionNumber="A" * 16)
    dataset = read(an_answer(JudgedImage(1, decision, study), study=study))
    checked = 0
    for element in dataset.iterall():
        values = element.value if element.VM > 1 else [element.value]
        if element.VR in LONGEST:
            assert all(len(str(value or "")) <= LONGEST[element.VR] for value in values), (
                element.tag
            )
            checked += 1
        if element.VR == "PN":
            assert all(len(group) <= 64 for group in str(element.value).split("="))
    assert checked > 200
    assert dataset.PatientID == "I" * 64


@settings(max_examples=12, deadline=None)
@given(
    patient=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40),
    number=st.text(max_size=70),
    description=st.text(max_size=70),
)
def test_what_a_file_says_of_the_patient_comes_back_as_it_was_or_not_at_all(
    patient: str, number: str, description: str
):
    study = a_source(PatientName=patient, PatientID=number, StudyDescription=description)
    dataset = read(an_answer(study=study))
    for name, value in (("PatientID", number), ("StudyDescription", description)):
        assert str(dataset.get(name, "") or "") in {value.strip(" "), value.rstrip(" "), value, ""}
    assert str(dataset.PatientName).rstrip(" =^") in {patient.rstrip(" =^"), ""}


def test_a_report_of_a_verdict_on_nothing_but_an_unreadable_file_says_read(tmp_path: Path):
    lost = Finding(Reason.UNREADABLE, "The decoder ran out of memory on this picture.")
    answer = an_answer(JudgedImage(1, a_decision("a", None, Disposition.DEFER, lost), a_source()))
    (study, image) = groups(read(answer))
    assert study["DISPOSITION"] == image["DISPOSITION"] == (SCHEME, "DEFER", "READ")
    assert "PROBABILITY" not in study
    assert study["REASON"] == [f"UNREADABLE: {Reason.UNREADABLE.sentence} {lost.detail}"]


def test_a_uid_that_breaks_the_rules_is_named_as_it_is_and_quoted_nowhere(caplog):
    caplog.set_level("DEBUG")
    source = a_source(SOPInstanceUID="1.02.003")
    written = encode(report(an_answer(JudgedImage(1, a_decision(), source), study=source), NAMES))
    # In the content and as evidence, with a zero byte each to make the length even.
    assert written.count(b"1.02.003") == 2
    assert "1.02.003" not in caplog.text
    assert source.study not in caplog.text
