"""Every page of an empty home, of one whose pictures are gone, and of one without its bundle."""

from __future__ import annotations

import re
import shutil

import pytest

PAGES = (
    "review", "cases", "overview", "quality", "monitor", "readers", "activity", "policies", "audit",
)  # fmt: skip
NAMES_HOME = ("review", "cases", "overview", "quality", "monitor", "activity", "policies", "audit")
"""What these pages draw with nothing to show; of Readers the settings stand there."""
TECHNICAL = re.compile(r"Errno|Traceback|\b[0-9a-f]{64}\b")


def shown(page, name: str) -> str:
    """Return what a page writes, its sidebar and the rules of style not included."""
    page.switch_page(f"views/{name}.py").run()
    assert not page.exception, (name, page.exception)
    return "\n".join(
        one.proto.body for one in page.main.get("html") if "<style>" not in one.proto.body
    )


def test_every_page_of_an_empty_home_names_its_folder_and_what_to_do(page, assessed_home):
    for file in assessed_home.glob("assay.sqlite*"):
        file.unlink()
    page.run()
    for name in PAGES:
        text = shown(page, name)
        assert text, name
        assert not TECHNICAL.search(text), (name, text)
        if name in NAMES_HOME:
            assert str(assessed_home.resolve()) in text, (name, text)
        if name in ("review", "cases", "overview", "quality"):
            assert "<code>assay assess BUNDLE PATH</code>" in text, name
        if name in ("monitor", "policies"):
            assert "<code>assay deploy BUNDLE --product PRODUCT</code>" in text, name


def test_a_page_without_its_pictures_names_where_they_were_and_what_to_do(page, assessed_home):
    shutil.rmtree(assessed_home / "blobs")
    page.run()
    assert not page.exception
    texts = {name: shown(page, name) for name in PAGES}
    assert not [name for name, text in texts.items() if TECHNICAL.search(text)]
    assert "The file of this picture is missing from the store" in texts["review"]
    assert f"Bring {assessed_home / 'blobs'} back from a backup" in texts["review"]


@pytest.mark.parametrize("name", ["review", "overview", "quality", "monitor", "policies"])
def test_a_page_without_the_bundle_names_the_folder_it_is_missing_from(page, assessed_home, name):
    shelf = assessed_home / "bundles"
    shutil.rmtree(shelf)
    page.run()
    text = shown(page, name)
    assert not TECHNICAL.search(text), text
    assert str(shelf) in text
    assert "back from a backup" in text
    assert "Nothing is watched" not in text
