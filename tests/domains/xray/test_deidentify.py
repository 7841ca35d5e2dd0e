import io
import re

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.datadict import dictionary_VR
from typer import Typer
from typer.testing import CliRunner

from core.errors import ConfigError, UnreadableImage
from domains.xray.decoding.reader import read
from domains.xray.privacy.confidentiality import _table, deidentify_data, other_uid
from domains.xray.privacy.deidentify import deidentify, deidentify_folder, key_at
from tests.domains.xray.radiographs import CANARY, a_chest, an_object, encodings, part10

KEY = b"a secret of the hospital"
BORN = "19610203"
TEXTS = {"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
VALUES = {"DA": BORN, "DT": BORN, "UI": "1.2.3.4.77", "AS": "065Y", "CS": CANARY}


def telling(vr: str) -> object:
    """Give a value that identifies somebody."""
    return CANARY if vr in TEXTS else VALUES.get(vr)


def a_file(number: int = 1, **tags: object) -> bytes:
    return part10(an_object(a_chest(side=64), SOPInstanceUID=f"1.2.3.4.{number}", **tags))


def canaries(data: bytes) -> list[bytes]:
    # A new UID is a random number, which may have the year of birth in it.
    rest = re.sub(rb"2\.25\.\d+", b"", data)
    return [mark for mark in (b"CANARY", b"canary", b"1961", b"1.2.3.4") if mark in rest]


def test_nothing_that_the_profile_lists_is_left_at_any_depth():
    dataset = an_object(a_chest(side=64))
    item = Dataset()
    filled = 0
    for tag in _table():
        try:
            vr = dictionary_VR(tag)
        except KeyError:  # newer than pydicom's dictionary
            vr = "LO"
        value = telling(vr)
        if value is None or tag >> 16 in (0, 2):
            continue
        for place in (dataset, item):
            place.add_new(tag, vr, [value] if vr == "SQ" else value)
        filled += 1
    deep = Dataset()
    deep.ViewCodeSequence = [item]
    dataset.AcquisitionContextSequence = [item]
    dataset.ViewCodeSequence = [item, deep]
    dataset.BurnedInAnnotation = "NO"

    uid, data = deidentify_data(part10(dataset), KEY)

    assert filled > 450
    assert canaries(part10(dataset))
    assert canaries(data) == []
    kept = dcmread(io.BytesIO(data))
    assert kept.SOPInstanceUID == kept.file_meta.MediaStorageSOPInstanceUID == uid
    assert len(kept.ViewCodeSequence) == 2
    assert kept.pixel_array.tolist() == a_chest(side=64).tolist()


def test_what_the_profile_does_not_know_goes_too():
    dataset = an_object(a_chest(side=64))
    block = dataset.private_block(0x0011, CANARY, create=True)
    block.add_new(1, "LO", CANARY)
    item = Dataset()
    item.private_block(0x0013, CANARY, create=True).add_new(1, "UT", CANARY)
    dataset.ViewCodeSequence = [item]
    dataset.add_new((0x5000, 0x3000), "OW", b"CANARY")
    dataset.add_new((0x5000, 0x2500), "LO", CANARY)
    dataset.add_new((0x6000, 0x0010), "US", 64)
    dataset.add_new((0x6000, 0x3000), "OW", b"CANARY" * 90)
    dataset.add_new((0x6000, 0x0022), "LO", CANARY)
    dataset.add_new((0x0019, 0x1234), "UN", b"CANARY")
    dataset.EvaluatorName = CANARY
    dataset.SegmentDescription = CANARY
    dataset.ProcedureCreationDate = BORN
    whole = bytearray(part10(dataset))
    whole[:6] = b"CANARY"

    _, data = deidentify_data(bytes(whole), KEY)

    assert canaries(data) == []
    assert not [element for element in dcmread(io.BytesIO(data)) if element.tag.is_private]


def test_an_attribute_under_a_wrong_representation_is_treated_by_its_tag():
    dataset = an_object(a_chest(side=64))
    del dataset.AccessionNumber
    dataset.add_new(0x00200052, "LO", CANARY)
    dataset.add_new(0x00080050, "UT", CANARY)

    assert canaries(deidentify_data(part10(dataset), KEY)[1]) == []


def test_uids_are_stable_consistent_across_a_study_and_depend_on_the_key():
    first = dcmread(io.BytesIO(deidentify_data(a_file(1), KEY)[1]))
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    item.ReferencedSOPInstanceUID = "1.2.3.4.1"
    second = dcmread(io.BytesIO(deidentify_data(a_file(2, SourceImageSequence=[item]), KEY)[1]))
    other = dcmread(io.BytesIO(deidentify_data(a_file(1), KEY[::-1])[1]))

    assert deidentify_data(a_file(1), KEY) == deidentify_data(a_file(1), KEY)
    assert first.StudyInstanceUID == second.StudyInstanceUID != other.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID
    (reference,) = second.SourceImageSequence
    assert reference.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert reference.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert first.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert first.StudyInstanceUID == other_uid("1.2.3.4", KEY)
    assert first.StudyInstanceUID.is_valid
    assert first.StudyInstanceUID.startswith("2.25.")


def test_a_patient_keeps_one_pseudonym_and_two_patients_two():
    names = {
        who: dcmread(io.BytesIO(deidentify_data(a_file(1, PatientID=who), KEY)[1])).PatientID
        for who in (f"{CANARY}1", f"{CANARY}2")
    }
    again = dcmread(io.BytesIO(deidentify_data(a_file(9, PatientID=f"{CANARY}1"), KEY)[1]))

    assert len(set(names.values())) == 2
    assert again.PatientID == str(again.PatientName) == names[f"{CANARY}1"]
    unnamed = a_file(1, PatientID="", PatientName="")
    assert dcmread(io.BytesIO(deidentify_data(unnamed, KEY)[1])).PatientID == ""


def test_the_file_says_what_was_done_to_it():
    kept = dcmread(io.BytesIO(deidentify_data(a_file(), KEY)[1]))

    assert kept.PatientIdentityRemoved == "YES"
    assert kept.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert kept.LongitudinalTemporalInformationModified == "REMOVED"
    assert kept.StudyDate == kept.AccessionNumber == ""
    assert "PatientAge" not in kept
    assert kept.Modality == "DX"
    assert kept.preamble == bytes(128)


def test_pixels_are_kept_in_every_encoding():
    for name, file in encodings(a_chest(side=64)).items():
        before, after = (read(one, 10**8, 64) for one in (file, deidentify_data(file, KEY)[1]))

        np.testing.assert_array_equal(before.pixels, after.pixels, err_msg=name)
        assert before.meta["transfer_syntax"] == after.meta["transfer_syntax"]
        assert not [text for text in after.meta.values() if CANARY in text]


def test_pixels_that_say_who_it_is_are_refused_unless_told():
    embedded = an_object(a_chest(side=64))
    embedded.add_new((0x6000, 0x0010), "US", 64)
    for file in (a_file(BurnedInAnnotation="YES"), part10(embedded)):
        with pytest.raises(UnreadableImage, match="pixels"):
            deidentify_data(file, KEY)

        assert deidentify_data(file, KEY, keep_pixels=True)[0] == other_uid("1.2.3.4.1", KEY)


def test_damaged_files_are_refused_without_a_word_of_what_they_hold():
    whole = a_file()
    name = whole.index(b"CANARY")
    for file in (whole[200:], whole[: name + 3], whole[:-1], b"", b"DICM".join([whole[:128], b""])):
        with pytest.raises(UnreadableImage) as caught:
            deidentify_data(file, KEY)
        assert CANARY not in str(caught.value)


@pytest.mark.shared
def test_every_shared_object_that_can_be_read_loses_its_patient(shared_data):
    folder = shared_data / "xray" / "dicom"
    done, refused = 0, []
    for path in sorted(folder.glob("*.dcm")):
        data = path.read_bytes()
        try:
            _, new = deidentify_data(data, KEY)
        except UnreadableImage:
            refused.append(path.stem)
            continue
        done += 1
        before, after = (dcmread(io.BytesIO(one)) for one in (data, new))
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID"):
            value = str(before.get(keyword, "")).encode()
            assert len(value) < 5 or value not in new.replace(b"\0", b""), (path.name, keyword)
        assert before.get("PixelData") == after.get("PixelData"), path.name

    assert done >= 25, refused


def test_a_folder_is_written_under_new_names_and_again_changes_nothing(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "below").mkdir(parents=True)
    for number in (1, 2):
        (source / "below" / f"{CANARY}{number}").write_bytes(a_file(number))
    (source / f"{CANARY}.txt").write_text(CANARY)

    tallies = [deidentify_folder(source, out, KEY, max_bytes=10**7) for _ in range(2)]

    assert tallies[0] == tallies[1]
    assert tallies[0].written == 2
    assert tallies[0].refused == {"It is no DICOM file.": 1}
    expected = sorted(f"{other_uid(f'1.2.3.4.{number}', KEY)}.dcm" for number in (1, 2))
    assert sorted(path.name for path in out.iterdir()) == expected
    assert canaries(b"".join(path.read_bytes() for path in out.iterdir())) == []


def test_two_objects_of_one_uid_are_not_laid_over_each_other(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    (source / "a").write_bytes(a_file(1))
    (source / "b").write_bytes(a_file(1, Modality="CR"))

    tally = deidentify_folder(source, tmp_path / "out", KEY, max_bytes=10**7)

    assert (tally.written, sum(tally.refused.values())) == (1, 1)
    (kept,) = (tmp_path / "out").iterdir()
    assert dcmread(kept).Modality == "DX"


def test_the_command_makes_a_key_once_and_says_no_name(tmp_path):
    source, key_file = tmp_path / f"{CANARY}.dcm", tmp_path / "key"
    source.write_bytes(a_file())
    app = Typer()
    app.command()(deidentify)
    order = [str(source), str(tmp_path / "out"), "--key-file", str(key_file)]

    first, again = (CliRunner().invoke(app, order) for _ in range(2))

    assert first.exit_code == again.exit_code == 0
    assert first.output == again.output == "1 written, 0 refused.\n"
    assert len(key_at(key_file)) == 64
    assert key_file.stat().st_mode & 0o777 == 0o600
    (kept,) = (tmp_path / "out").iterdir()
    assert canaries(kept.read_bytes()) == []
    source.write_bytes(a_file()[:300])
    broken = CliRunner().invoke(app, order)
    assert broken.exit_code == 1
    assert CANARY not in broken.output


def test_a_key_that_is_easily_guessed_is_refused(tmp_path):
    (tmp_path / "key").write_text("12345\n")

    with pytest.raises(ConfigError, match="expected at least 16 bytes, got 5"):
        key_at(tmp_path / "key")


def test_the_table_is_the_profile_s():
    table = _table()

    assert len(table) == 652
    assert set(table.values()) == {"X", "Z", "D", "U"}
    for keyword_tag, action in (
        (0x00100010, "Z"),
        (0x00080018, "U"),
        (0x00101040, "X"),
        (0x00080023, "D"),
        (0x00081140, "U"),
        (0x00080022, "Z"),
    ):
        assert table[keyword_tag] == action
