"""Settings that cannot be used are named at once, before anything is done."""

import pytest

from core.errors import ConfigError
from core.settings import Settings


def test_every_faulty_variable_is_named(monkeypatch):
    monkeypatch.setenv("ASSAY_WORKERS", "many")
    monkeypatch.setenv("ASSAY_MAX_PIXELS", "0")

    with pytest.raises(ConfigError) as caught:
        Settings()

    assert "ASSAY_WORKERS = 'many'" in caught.value.message
    assert "ASSAY_MAX_PIXELS = '0'" in caught.value.message


@pytest.mark.parametrize("below", ["", "deep/er"])
def test_a_home_that_is_a_file_or_below_one_is_refused(tmp_path, below):
    (tmp_path / "home").write_text("a file")

    with pytest.raises(ConfigError, match="home is a file; expected a folder"):
        Settings(home=tmp_path / "home" / below)


def test_a_home_that_is_not_there_yet_is_one_to_make(tmp_path):
    assert Settings(home=tmp_path / "new" / "home").home == tmp_path / "new" / "home"
