"""Which files of a folder are photos of their own."""

from domains.crops.photos.companions import count_side_files, find_companions


def test_a_raw_file_and_its_developed_twin_are_one_capture():
    names = [
        "a/DJI_1.DNG",
        "a/DJI_1.JPG",
        "a/DJI_2.dng",
        "b/DJI_1.DNG",
        "a/dji_3.jpg",
        "a/DJI_3.Dng",
    ]

    found = find_companions(names)

    assert [names[one] for one in found.photos] == [
        "a/DJI_1.JPG", "a/DJI_2.dng", "b/DJI_1.DNG", "a/dji_3.jpg"
    ]  # fmt: skip
    assert {names[one] for one in found.raw_only} == {"a/DJI_2.dng", "b/DJI_1.DNG"}
    assert (found.raw_twins, found.side_files) == (2, 0)


def test_a_thumbnail_of_a_film_is_no_photo():
    found = find_companions(["DJI_1.THM", "DJI_2.JPG", "IMG_3.HEIC", "IMG_3.MOV"])

    assert found.photos == (1, 2)
    assert found.side_files == 2


def test_files_beside_a_photo_are_counted_and_lone_films_are_not():
    others = ["a/IMG_1.mov", "a/IMG_1.AAE", "a/DJI_2.SRT", "a/notes.txt", "b/IMG_1.MOV"]

    assert count_side_files(others, ["a/IMG_1.HEIC", "a/DJI_2.JPG"]) == 3


def test_names_with_points_and_without_endings():
    names = ["IMG.2024.05.jpg", "noending", ".jpg", "", ".", "..", "/", "a.zip/"]

    assert find_companions(names).photos == tuple(range(8))
