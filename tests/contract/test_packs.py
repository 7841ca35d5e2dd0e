"""What every installed pack must do, ours and third parties'; a new pack is covered for free."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError
from core.labelled import read_labelled
from core.packs import entry_of, installed
from core.service.data.labels import flag_positive
from core.types import Disposition, Frame, Reason

ROOT = Path(__file__).parents[2]
MOST_PIXELS = 64_000_000
GREEN = np.array([90.0, 150.0, 70.0])
GREY = ("xray",)  # packs whose ordinary pictures have no colour


@pytest.fixture(params=sorted(installed()))
def pack(request):
    return installed()[request.param]


def picture(seed=0, height=180, width=240, mode="RGB"):
    """Bytes of a PNG with texture everywhere and one bright bar, so that no check finds it flat."""
    rng = np.random.default_rng(seed)
    # One brightness a pixel, so that it is as green everywhere as a leaf is.
    pixels = (GREEN + rng.normal(0, 20, (height, width, 1))).clip(0, 255)
    pixels[height // 3 : height // 2, width // 4 : width // 2] += 80
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert(mode).save(file, "PNG")
    return file.getvalue()


def prepared(pack, data, size=224):
    return pack.prepare(pack.read(data, MOST_PIXELS, size), size)


def test_it_is_registered_under_its_own_name(pack):
    assert installed()[pack.name] is pack
    assert entry_of(pack.name).count(":") == 1


def test_its_words_are_complete_and_distinct(pack):
    words = [pack.wording[d] for d in Disposition]
    assert len(set(words)) == 3
    assert all(word == word.strip() and word for word in words)
    assert len(set(pack.error_names)) == 2
    assert len(set(pack.unit_names)) == 2


def test_it_reads_its_own_kind_of_picture_upright_and_whole(pack):
    frame = pack.read(picture(), MOST_PIXELS, 0)
    assert isinstance(frame, Frame)
    assert frame.source_size == (180, 240)


@pytest.mark.parametrize("size", [96, 224])
def test_it_prepares_to_the_size_asked(pack, size):
    ready = prepared(pack, picture(), size)
    assert ready.pixels.shape == (size, size, 3)
    assert ready.pixels.std() > 5


def test_preparing_twice_gives_the_same_bits(pack):
    one, other = prepared(pack, picture(3)), prepared(pack, picture(3))
    assert one.pixels.tobytes() == other.pixels.tobytes()
    assert one.measures == other.measures
    assert one.findings == other.findings


def test_an_ordinary_picture_passes_its_own_checks(pack):
    mode = "L" if pack.name in GREY else "RGB"
    assert prepared(pack, picture(mode=mode)).findings == ()


def test_a_blank_picture_does_not(pack):
    file = io.BytesIO()
    Image.new("RGB", (240, 180), (128, 128, 128)).save(file, "PNG")
    reasons = {finding.reason for finding in prepared(pack, file.getvalue()).findings}
    assert reasons & {Reason.POOR_QUALITY, Reason.WRONG_INPUT}


def test_measures_are_finite_and_the_same_ones_for_every_picture(pack):
    one, other = prepared(pack, picture(1)).measures, prepared(pack, picture(2, 90, 70)).measures
    assert list(one) == list(other)
    assert all(np.isfinite(value) for value in [*one.values(), *other.values()])


def test_colour_and_grey_of_the_same_picture_measure_alike(pack):
    grey = Image.open(io.BytesIO(picture(mode="L")))
    file = io.BytesIO()
    grey.convert("RGB").save(file, "PNG")
    one, other = prepared(pack, picture(mode="L")), prepared(pack, file.getvalue())
    assert one.measures == pytest.approx(other.measures)


@pytest.mark.parametrize(
    "data",
    [b"", b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, picture()[:-40], picture()[:60]],
    ids=["empty", "text", "broken header", "cut at the end", "cut at the start"],
)
def test_bad_bytes_are_an_input_error_with_a_way_out(pack, data):
    with pytest.raises(InputError) as caught:
        pack.read(data, MOST_PIXELS, 224)
    assert caught.value.message


def test_a_picture_over_the_pixel_limit_is_refused_before_decoding(pack):
    with pytest.raises(InputError, match=r"240|43"):
        pack.read(picture(), 100, 0)


def test_one_of_its_negative_labels_and_any_other_make_two_sides(pack):
    for good in pack.negative_labels:
        classes = (good.replace("*", "Some").upper(), "something else")
        assert flag_positive(classes, pack.negative_labels) == (False, True)


def test_any_of_its_group_columns_says_which_pictures_belong_together(pack, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(b"")
    for column in pack.group_columns:
        table = f"file,label,{column.title()}\na.png,x,1\nb.png,y,1\nc.png,y,2\n"
        (tmp_path / "manifest.csv").write_text(table)
        rows = read_labelled(tmp_path, pack.group_columns).rows
        assert [row.group for row in rows] == ["1", "1", "2"]


def test_loading_it_costs_a_decoder_process_no_heavy_library(pack):
    code = (
        "import sys, json, core.packs as p; p.load(sys.argv[1]);"
        "print(json.dumps([m for m in ('torch','sklearn','streamlit','monai','pandas','sqlalchemy')"
        " if m in sys.modules]))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, entry_of(pack.name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(ran.stdout) == []


def test_its_data_sets_have_a_card(pack):
    for data_set in pack.data_sets:
        card = (ROOT / "data" / f"{data_set.name}.md").read_text()
        assert "licence" in card.lower()
        assert data_set.summary


def test_its_pages_are_files(pack):
    assert [page for page in pack.pages if not page.is_file()] == []


def test_the_readme_has_a_page_on_it(pack):
    if entry_of(pack.name).startswith("domains."):
        assert f"`{pack.name}`" in (ROOT / "README.md").read_text()
