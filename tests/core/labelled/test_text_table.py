"""Tables as Excel, Windows, R and annotation tools write them."""

from __future__ import annotations

import pytest

from core.errors import DataError
from core.labelled import read_labelled
from core.labelled.text_table import read_text_table

WANTED = (("file", "filename"), ("label",))
ROWS = [("good/1.png", "good"), ("bad/2.png", "bad")]


@pytest.fixture
def pictures(tmp_path):
    for name, _ in ROWS:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"never opened")
    return tmp_path


def written(delimiter=",", header="filename{}label", name=lambda text: text):
    lines = [header.format(delimiter)]
    return "\r\n".join([*lines, *(f"{name(file)}{delimiter}{label}" for file, label in ROWS), ""])


def backslashes(text):
    return text.replace("/", "\\")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(written(";").encode(), id="semicolon"),
        pytest.param(("sep=;\r\n" + written(";")).encode(), id="sep line"),
        pytest.param(('"sep=|"\n' + written("|")).encode(), id="quoted sep line"),
        pytest.param(written("\t").encode(), id="tab"),
        pytest.param(written().encode("utf-8-sig"), id="UTF-8 with a mark"),
        pytest.param(written().encode("utf-16"), id="UTF-16"),
        pytest.param(written("\t").encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(written().encode("utf-16-be"), id="UTF-16 big end first"),
        pytest.param(written().encode("utf-32"), id="UTF-32"),
        pytest.param(written(header=" FileName {} Label ").encode(), id="header in other letters"),
        pytest.param(written(header="file name{}class-name").encode(), id="header of words"),
        pytest.param(written(name=backslashes).encode(), id="backslashes"),
        pytest.param(written(name=lambda s: ".\\" + backslashes(s)).encode(), id="dot backslash"),
        pytest.param(
            written(name=lambda s: "C:\\Users\\op\\" + backslashes(s)).encode(), id="a drive"
        ),
        pytest.param(
            written(name=lambda s: "\\\\nas\\x\\" + backslashes(s)).encode(), id="a share"
        ),
        pytest.param(written(name=lambda s: "/home/op/" + s).encode(), id="another machine's"),
        pytest.param(written(name=str.upper).encode(), id="other letters than on the disk"),
        pytest.param(written(name=lambda s: f'"{s}"').encode(), id="quoted"),
        pytest.param((written() + ",\r\n,\r\n\r\n").encode(), id="empty rows at the end"),
        pytest.param(written().replace("\r\n", "\r").encode(), id="old Mac"),
    ],
)
def test_a_table_is_read_whoever_wrote_it(pictures, data):
    (pictures / "labels.csv").write_bytes(data)

    rows = read_labelled(pictures / "labels.csv").rows

    assert [(row.file, row.label) for row in rows] == [(pictures / a, b) for a, b in ROWS]


def test_columns_without_a_name_are_passed_over(pictures):
    lines = [f"{i},{i},{file},{label},\n" for i, (file, label) in enumerate(ROWS)]
    (pictures / "labels.csv").write_text(",,filename,label,\n" + "".join(lines))

    assert [row.columns for row in read_labelled(pictures / "labels.csv").rows] == [{}, {}]


def test_windows_letters_are_read_with_a_notice(pictures):
    (pictures / "labels.csv").write_bytes(written().replace(",bad", ",groß").encode("cp1252"))

    found = read_labelled(pictures / "labels.csv")

    assert [row.label for row in found.rows] == ["good", "groß"]
    assert found.notices == (
        "labels.csv is no UTF-8 and was read as Windows-1252; line 3 then says: bad/2.png,groß",
    )


def test_paths_of_another_machine_are_told(pictures):
    text = written(name=lambda s: "D:\\set\\" + backslashes(s))
    (pictures / "labels.csv").write_text(text)

    assert read_labelled(pictures / "labels.csv").notices == (
        "2 paths that begin as D:\\set\\ were looked for beside the table.",
    )


def test_two_files_that_fit_one_name_are_not_guessed(pictures):
    (pictures / "good" / "1.PNG").write_bytes(b"never opened")
    (pictures / "labels.csv").write_text(written(name=str.upper))

    with pytest.raises(DataError, match=r"line 2: there is no file GOOD/1\.PNG"):
        read_labelled(pictures / "labels.csv")


def test_a_row_is_named_by_the_line_on_which_it_begins(tmp_path):
    text = 'sep=,\nfile,label,note\n1.png,good,"two\nlines"\n2.png,bad\n'
    (tmp_path / "t.csv").write_text(text)

    table = read_text_table(tmp_path / "t.csv", WANTED)

    assert [at for at, _ in table.lines] == [3, 5]
    with pytest.raises(DataError, match="line 5: expected 3 cells, got 2"):
        read_labelled(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04...", "is a workbook or archive, not a CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook or archive, not a CSV"),
        (b"\x89PNG\r\n\x1a\n\0\0", "line 2: its bytes|is no text|no column"),
        (b"\xff\xfef\0i", "is no utf-16 text"),
        (b'file,label\n1.png,good\n"2.png,bad\n3.png,bad\n', "line 3: a quotation mark does not"),
        (b"good/1.png,good\nbad/2.png,bad\n", "the first line must name the columns"),
        (b"filename,label\ngood/1.png,good\nbad/2.png,\n", "line 3: no label"),
        (b"filename,label\ngood/1.png,good\ngood/1.png,bad\n", "at line 2, labelled good there"),
    ],
)
def test_what_cannot_be_read_is_named(pictures, data, message):
    (pictures / "labels.csv").write_bytes(data)

    with pytest.raises(DataError, match=message):
        read_labelled(pictures / "labels.csv")
