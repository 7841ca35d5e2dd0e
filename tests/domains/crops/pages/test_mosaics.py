"""What the page says of a mosaic that cannot be surveyed."""

import pytest

from core.errors import DataError
from core.settings import Settings
from domains.crops.pages.jobs import name_file
from domains.crops.survey.mosaic import Mosaic


def test_the_reason_names_the_file_as_its_sender_does(tmp_path):
    kept = tmp_path / "0f3a.file"
    kept.write_bytes(b"II*\0 no mosaic")
    with pytest.raises(DataError) as caught:
        Mosaic(kept, Settings(home=tmp_path), tile_m=2.0)
    shown = name_file(str(caught.value), kept, "north.tif")
    assert shown.startswith("north.tif: ")
    assert str(tmp_path) not in shown
