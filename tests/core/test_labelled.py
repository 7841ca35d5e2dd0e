from collections import Counter
from pathlib import Path

import pytest

from core.errors import DataError
from core.labelled import Row, lone_group, read_labelled


def a_folder(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"never opened")
    return root


def a_table(root: Path, text: str, name: str = "manifest.csv") -> Path:
    (root / name).write_text(text, encoding="utf-8")
    return root / name


def test_a_folder_per_class_gives_the_first_folder_as_the_label(tmp_path):
    a_folder(tmp_path, "good/a.jpg", "good/line 2/b.PNG", "bad/a.jpg", "bad/notes.txt", "README.md")

    rows = read_labelled(tmp_path).rows

    assert rows == [
        Row(tmp_path / "bad/a.jpg", "bad", "", "bad/a.jpg", {}, grouped=False),
        Row(tmp_path / "good/a.jpg", "good", "", "good/a.jpg", {}, grouped=False),
        Row(tmp_path / "good/line 2/b.PNG", "good", "", "good/line 2/b.PNG", {}, grouped=False),
    ]


@pytest.mark.parametrize(
    "header",
    ["filename,label", "Filename,Label", "FILE,class", "image, Class ", "\ufefffile,label"],
)
def test_a_csv_of_names_and_labels_is_read_whatever_its_columns_are_called(tmp_path, header):
    a_folder(tmp_path, "images/1.jpg", "images/2.jpg")
    table = a_table(tmp_path, f"{header}\nimages/1.jpg,good\n\nimages/2.jpg, bad \n", "labels.csv")

    rows = read_labelled(table).rows

    assert [(row.file, row.label, row.split) for row in rows] == [
        (tmp_path / "images/1.jpg", "good", ""),
        (tmp_path / "images/2.jpg", "bad", ""),
    ]


def test_a_manifest_gives_split_group_and_further_columns(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg", "3.jpg", "unlisted/4.jpg")
    table = a_table(
        tmp_path,
        'site,split,file,group,label\n"A, east",train,1.jpg,part 1,good\n'
        "B,test,2.jpg,,bad\nB,cal,3.jpg,part 3,good\n",
    )

    rows = read_labelled(tmp_path).rows

    assert rows == [
        Row(tmp_path / "1.jpg", "good", "train", "part 1", {"site": "A, east"}),
        Row(tmp_path / "2.jpg", "bad", "test", "2.jpg", {"site": "B"}, grouped=False),
        Row(tmp_path / "3.jpg", "good", "cal", "part 3", {"site": "B"}),
    ]
    assert read_labelled(table).rows == rows


def test_an_empty_split_column_leaves_the_split_open(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    a_table(tmp_path, "file,label,split\n1.jpg,good,\n2.jpg,bad,\n")

    assert [row.split for row in read_labelled(tmp_path).rows] == ["", ""]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Train", "train"),
        ("training", "train"),
        ("val", "cal"),
        ("valid", "cal"),
        ("VALIDATION", "cal"),
        ("calibration", "cal"),
        ("testing", "test"),
        ("ext_test", "ext_test"),
        ("Holdout B", "Holdout B"),
    ],
)
def test_the_common_words_for_a_split_are_known_and_others_are_kept(tmp_path, written, read):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    a_table(tmp_path, f"file,label,split\n1.jpg,good,train\n2.jpg,bad,{written}\n")

    assert [row.split for row in read_labelled(tmp_path).rows] == ["train", read]


def test_a_group_leaks_between_train_cal_and_test_but_not_into_rows_set_aside(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    table = "file,label,split,group\n1.jpg,good,train,a\n2.jpg,bad,{},a\n3.jpg,bad,train,b\n"

    a_table(tmp_path, table.format("unsure"))
    assert len(read_labelled(tmp_path).rows) == 3
    a_table(tmp_path, table.format("validation"))
    with pytest.raises(DataError, match="the group a leaks between the splits cal, train"):
        read_labelled(tmp_path)


def test_the_first_group_column_that_a_table_has_says_what_belongs_together(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    a_table(tmp_path, "file,label,group,Patient\n1.jpg,good,a,p1\n2.jpg,bad,b,p2\n")

    rows = read_labelled(tmp_path, ("study", "patient", "group")).rows

    assert [row.group for row in rows] == ["p1", "p2"]
    assert [row.columns for row in rows] == [{"group": "a"}, {"group": "b"}]
    assert [row.group for row in read_labelled(tmp_path).rows] == ["a", "b"]


def test_a_group_that_all_pictures_share_groups_nothing_and_is_told(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    table = a_table(
        tmp_path, "file,label,split,group\n1.jpg,good,train,block 1\n2.jpg,bad,cal,block 1\n"
    )

    rows = read_labelled(tmp_path).rows

    assert [(row.group, row.grouped) for row in rows] == [("1.jpg", False), ("2.jpg", False)]
    assert [row.columns for row in rows] == [{"group": "block 1"}] * 2
    assert lone_group(rows) == ("group", "block 1")
    table.write_text(table.read_text().replace("cal,block 1", "cal,"))
    rows = read_labelled(tmp_path).rows
    assert [row.group for row in rows] == ["block 1", "2.jpg"]
    assert lone_group(rows) == ("", "")


@pytest.mark.parametrize(
    "table", ["file,label\n1.jpg,a\n2.jpg,b\n", "file,label,group\n1.jpg,a,\n2.jpg,b,\n"]
)
def test_pictures_without_a_group_stand_alone_and_nothing_is_told(tmp_path, table):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    a_table(tmp_path, table)

    rows = read_labelled(tmp_path).rows

    assert [(row.group, row.grouped) for row in rows] == [("1.jpg", False), ("2.jpg", False)]
    assert lone_group(rows) == lone_group([]) == ("", "")


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ("good", ("good",)),
        ("scratch|dent", ("scratch", "dent")),
        (" a | |b|", ("a", "b")),
        ("", ()),
    ],
)
def test_a_label_of_several_names_each_of_them(label, labels):
    assert Row(Path("1.jpg"), label, "", "1.jpg").labels == labels


def test_good_pictures_alone_are_read_where_they_suffice(tmp_path):
    a_folder(tmp_path, "good/1.jpg", "good/2.jpg")

    assert len(read_labelled(tmp_path, min_labels=1).rows) == 2
    with pytest.raises(DataError, match=r"at least 2 labels, got 1 \(good\)"):
        read_labelled(tmp_path)
    with pytest.raises(DataError, match=r"at least 1 labels, got 0 \(none\)"):
        read_labelled(a_table(tmp_path, "file,label\n", "empty.csv"), min_labels=1)


def test_all_faults_are_named_at_once(tmp_path):
    a_folder(tmp_path / "set", "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    a_folder(tmp_path, "outside.jpg")
    (tmp_path / "set" / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    a_table(
        tmp_path / "set",
        "file,label,split,group\n"
        "1.jpg,good,train,p1\n"
        "2.jpg,good,cal,p1\n"
        "gone.jpg,good,train,\n"
        "../outside.jpg,good,train,\n"
        "link.jpg,good,train,\n"
        "./1.jpg,good,train,\n"
        "3.jpg,,train,\n"
        "4.jpg,good,,\n"
        ",good,train,\n"
        "too,few\n",
    )

    with pytest.raises(DataError) as caught:
        read_labelled(tmp_path / "set")

    message = str(caught.value)
    for fault in (
        "line 4: there is no file gone.jpg",
        "line 5: ../outside.jpg leads out of",
        "line 6: link.jpg leads out of",
        "line 7: ./1.jpg was already listed at line 2",
        "line 8: no label",
        "line 9: expected a split as in the other rows, got nothing",
        "line 10: no file",
        "line 11: expected 4 cells, got 2",
        "the group p1 leaks between the splits cal, train",
        "expected at least 2 labels, got 1 (good)",
    ):
        assert fault in message
    assert "manifest.csv" in caught.value.hint


def test_at_most_ten_faults_are_listed_and_the_rest_counted(tmp_path):
    a_table(tmp_path, "file,label\n" + "".join(f"{i}.jpg,{i % 2}\n" for i in range(25)))

    with pytest.raises(DataError) as caught:
        read_labelled(tmp_path)

    assert caught.value.message.count("there is no file") == 10
    assert "and 15 more" in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column file | filename | image | "),
        ("", " and none label | class | class_name; its header is ."),
        ("file,kind\n", "no column label | class | class_name; its header is file, kind"),
        ("name;label\n", "no column file"),
        ("file,label,note,note\n", "two columns of one name"),
        ("file,label\n1.jpg\0,good\n", "line 2: no file"),
        ('file,label\n"1.jpg,good\n', "line 2: a quotation mark does not close"),
    ],
)
def test_a_table_without_its_columns_says_what_it_has(tmp_path, text, message):
    a_table(tmp_path, text)

    with pytest.raises(DataError) as caught:
        read_labelled(tmp_path)

    assert message in caught.value.message


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\x81,good\n")

    with pytest.raises(DataError, match="line 2: its bytes are neither UTF-8 nor Windows-1252"):
        read_labelled(tmp_path / "labels.csv")


def test_a_file_in_a_loop_of_links_is_a_missing_file(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "a.jpg")
    a_table(tmp_path, "file,label\na.jpg,good\n")

    with pytest.raises(DataError, match=r"there is no file a\.jpg"):
        read_labelled(tmp_path)


def test_pictures_outside_class_folders_and_missing_data_are_refused(tmp_path):
    a_folder(tmp_path, "loose.jpg", "good/a.jpg", "bad/b.jpg")

    with pytest.raises(DataError, match=r"loose\.jpg lies in no class folder"):
        read_labelled(tmp_path)
    with pytest.raises(DataError, match="no labelled data at"):
        read_labelled(tmp_path / "gone")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "count", "labels"),
    [("parts/magnetic_tile", 1116, {"good", "defective"}), ("parts/ball_screw", 438, None)],
)
def test_the_shared_manifests_are_read_whole(shared_data, name, count, labels):
    rows = read_labelled(shared_data / name).rows

    assert len(rows) == count
    assert {row.split for row in rows} == {"train", "cal", "test"}
    assert labels is None or {row.label for row in rows} == labels


@pytest.mark.shared
def test_the_shared_radiographs_are_grouped_by_patient_and_other_sites_set_aside(shared_data):
    rows = read_labelled(shared_data / "xray", ("patient", "group")).rows

    counts = Counter(row.split for row in rows)
    assert (counts["train"], counts["cal"]) == (1205, 478)
    assert {"ext_cal", "ext_test", "ext_label_conflict"} < set(counts)
    assert all(row.grouped and row.group != row.file.name for row in rows)


def test_labels_come_from_another_column_when_that_is_asked_for(tmp_path):
    a_folder(tmp_path, "1.jpg", "2.jpg")
    a_table(tmp_path, "file,label,finding\n1.jpg,abnormal,edema|nodule\n2.jpg,normal,none\n")

    rows = read_labelled(tmp_path, label_column="Finding").rows

    assert [row.labels for row in rows] == [("edema", "nodule"), ("none",)]
    assert [row.columns["label"] for row in rows] == ["abnormal", "normal"]
    with pytest.raises(DataError, match="no column view"):
        read_labelled(tmp_path, label_column="view")


def test_a_column_of_labels_needs_a_table(tmp_path):
    a_folder(tmp_path, "good/1.jpg", "bad/2.jpg")
    with pytest.raises(DataError, match="no table with that column"):
        read_labelled(tmp_path, label_column="finding")
