"""Index maps as a job: a real store, a real worker's process."""

import pytest
import rasterio

from core.errors import PermissionDenied
from core.people import Person, Role
from core.records.failed_jobs import job_status
from core.records.values import name_of
from core.service.store import open_store
from core.settings import Settings
from domains.crops.survey.index_job import INDEX_MAPS, mapped_indices, submit_indices
from tests.core.jobs.running import work_once
from tests.domains.crops.survey.mosaics import filled, write

ADA = Person.alone("Ada")


@pytest.mark.slow
def test_a_mosaic_is_mapped_once_and_a_file_that_is_none_says_why(tmp_path):
    settings, out = Settings(home=tmp_path / "home"), tmp_path / "out"
    good = write(tmp_path / "m.tif", filled((64, 64)))
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 no mosaic")
    assert mapped_indices(out) is None
    with open_store(settings) as store:
        submit_indices(store, good, out, by=ADA, key="m/1")
        submit_indices(store, bad, tmp_path / "none", by=ADA, key="m/2")
        work_once(store, settings, lanes=["survey"])
        problem = job_status(store, name_of(INDEX_MAPS, "m/2")).problem
    made = mapped_indices(out)
    assert made.names == ("exg", "vari")
    assert made.refused["ndvi"] == "There is no near infrared band."
    assert "cannot be read as a GeoTIFF" in problem
    assert mapped_indices(tmp_path / "none") is None
    with rasterio.open(out / "exg.tif") as file:
        red, green, blue = 60, 140, 40
        assert file.read(1)[0, 0] == pytest.approx((2 * green - red - blue) / 240, abs=1e-7)


def test_who_may_only_look_asks_for_nothing(tmp_path):
    viewer = Person("eva", "Eva", Role.VIEWER)
    with open_store(Settings(home=tmp_path)) as store, pytest.raises(PermissionDenied):
        submit_indices(store, tmp_path, tmp_path, by=viewer, key="m/1")
