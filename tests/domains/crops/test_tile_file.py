"""A tile of a mosaic as a file: every pixel back, and believed only where a survey wrote it."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.imaging.files import wrap_bytes
from core.service.assessment.assessor import CLAIMED_TILE, Assessor
from core.service.assessment.recording import record_one
from core.service.assessment.replay import replay
from core.service.bundles.archive import keep
from core.service.bundles.open import open_bundle, policy_of
from core.service.evaluation.evaluate import evaluate
from core.service.store import open_store
from core.types import Disposition, Reason, Tile
from domains.crops import pack
from domains.crops.demo.field import HEALTHY, STRESSED
from domains.crops.photos.reasons import PhotoReason
from domains.crops.survey.mosaic import Mosaic
from domains.crops.tile_file import tile_in, write_tile

PLACE = Tile("c0ffee" * 10 + "0123", 1200, 300)
CROP = np.random.default_rng(3).integers((20, 90, 10), (80, 190, 60), (100, 140, 3), np.uint8)
DARK = (CROP // 16).astype(np.uint8)
"""Too dark for a photo; a tile is not held to that."""


def as_png(pixels, **text):
    """Give a PNG of another writer, with chunks of text."""
    made, file = PngImagePlugin.PngInfo(), BytesIO()
    for name, value in text.items():
        made.add_text(name.replace("_", "-"), value)
    Image.fromarray(pixels).save(file, "PNG", pnginfo=made)
    return file.getvalue()


def test_every_reader_gives_every_pixel_back():
    data = write_tile(CROP, PLACE)

    frame = pack.read(data, 10**6, 0)

    np.testing.assert_array_equal(frame.pixels, CROP)
    np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(data))), CROP)
    assert frame.tile == PLACE
    assert frame.meta["site"] == "mosaic c0ffeec0ffee"
    with Image.open(BytesIO(data)) as other:
        other.verify()  # every chunk's checksum
        assert other.info["assay-tile"] == f"{PLACE.parent} 1200 300"
    assert write_tile(CROP, PLACE) == data


@pytest.mark.parametrize(
    "text",
    ["", "x" * 64 + " 1 2", "ab" * 32 + " -1 2", "ab" * 32 + " 1", "ab" * 32 + f" 1 {10**10}",
     "ab" * 32 + " 1 2 3", "ab" * 32 + " 1 2" + "\n"],
)  # fmt: skip
def test_what_names_no_place_is_no_tile(text):
    assert tile_in(as_png(CROP, assay_tile=text)) is None
    assert pack.read(as_png(CROP, assay_tile=text), 10**6, 0).tile is None


def test_a_tile_may_be_claimed_by_anybody_in_the_first_place_alone():
    own = f"{'ab' * 32} 1 2"
    assert tile_in(as_png(CROP, assay_tile=own)) == Tile("ab" * 32, 1, 2)
    assert tile_in(as_png(CROP, note="first", assay_tile=own)) is None
    assert tile_in(write_tile(CROP, PLACE)[:60]) is None
    assert tile_in(b"") is None


@pytest.mark.trained
def test_a_sent_file_that_calls_itself_a_tile_skips_no_check_and_passes_never(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    bundle = open_bundle(field.bundle, settings)
    policy = policy_of(bundle)
    keep(bundle, policy, settings)
    data, photo = write_tile(DARK, PLACE), as_png(DARK)
    with Assessor(bundle, policy, settings) as assessor, open_store(settings) as store:
        plain = assessor.one(photo)
        sent = record_one(assessor, store, data, name="sent.png")
        (many,) = (one.assessment for one in assessor.many([wrap_bytes("sent.png", data)]))
        assert replay(sent.decision, store, settings) == []

    assert PhotoReason.TOO_DARK.value in [one.check for one in plain.verdict.findings]
    for made in (sent.assessment, many):
        found = {one.check: one.reason for one in made.verdict.findings}
        assert made.verdict.disposition is Disposition.DEFER
        assert found[CLAIMED_TILE] is Reason.WRONG_INPUT
        assert made.tile is None
        assert dict(made.meta) == {}
    with Assessor(bundle, policy, settings, reads_tiles=True) as believing:
        made = believing.one(data)
    assert made.tile == PLACE
    assert PhotoReason.TOO_DARK.value not in [one.check for one in made.verdict.findings]


@pytest.mark.trained
def test_labelled_tiles_are_evaluated_as_the_survey_judges_them_and_as_one_group(field, tmp_path):
    settings = field.settings_at(tmp_path / "home")
    bundle = open_bundle(field.bundle, settings)
    policy = policy_of(bundle)
    with Mosaic(field.mosaic, settings, tile_m=2.0, size=bundle.backbone.size) as mosaic:
        places = [(row, column) for row in range(2, 11) for column in range(2, 11)]
        files, side = list(mosaic.files(places)), mosaic.grid.height
    for (row, column), data in zip(places, files, strict=True):
        ground = field.severity[row * side : (row + 1) * side, column * side : (column + 1) * side]
        label = STRESSED if ground.mean() > 0.6 else HEALTHY
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        parent = ("ab" * 32, "cd" * 32)[column % 2]
        tile = write_tile(pack.read(data, 10**7, 0).pixels, Tile(parent, row * side, column * side))
        (tmp_path / "data" / label / f"{row}-{column}.png").write_bytes(tile)

    found = evaluate(bundle, tmp_path / "data", policy=policy, settings=settings)

    assert found.figures["n"] == 81
    assert found.figures["deferred"] < 0.5
    mosaics = [{row.group for row in found.rows if f"-{c}.png" in row.file.name} for c in (3, 4)]
    assert [len(groups) for groups in mosaics] == [1, 1]
    assert len({row.group for row in found.rows}) == 2
