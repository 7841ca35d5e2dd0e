"""Every picture on a page opens in the viewer."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import dashboard
import domains
from dashboard.enlarge import Enlarged

OPENS = {
    "dashboard/widgets.py": "opens = (enlarged or Enlarged()).attributes()",
    "domains/crops/pages/case_answer.py": "opens = widgets.enlarge(found).attributes()",
    "domains/crops/pages/index_view.py": "{Enlarged().attributes()}",
    "domains/parts/pages/learn_choice.py": "{Enlarged().attributes()}",
    "domains/parts/pages/learn_sources.py": "opens = Enlarged().attributes()",
    "domains/parts/pages/board.js": "write(frame, 'data-enlarge', tile.full)",
    "dashboard/case_list.js": "a link to its case",
}
"""Every file that draws a picture, with what opens it in the viewer."""


def drawn() -> dict[str, str]:
    """Return the text of every file of a page that draws a picture, by its path."""
    root = Path(dashboard.__file__).parents[1]
    folders = (Path(dashboard.__file__).parent, Path(domains.__file__).parent)
    files = [one for folder in folders for one in folder.rglob("*") if one.suffix in (".py", ".js")]
    texts = {str(one.relative_to(root)): one.read_text() for one in files}
    pages = {name: text for name, text in texts.items() if "/pages/" in name or "board/" in name}
    pages |= {name: text for name, text in texts.items() if name.startswith("dashboard/")}
    draws = re.compile(r"<img |createElement\('img'\)|element\([^)]*'img'|st\.image\(")
    return {name: text for name, text in pages.items() if draws.search(text)}


def test_every_place_that_draws_a_picture_is_listed_with_what_opens_it():
    found = drawn()
    assert set(found) == set(OPENS)
    for name, text in found.items():
        assert OPENS[name] in text or name == "dashboard/case_list.js", name


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (Enlarged(), {"data-enlarge": ""}),
        (Enlarged("/f"), {"data-enlarge": "/f"}),
        (
            Enlarged('/f"><b>', "/p", "/h"),
            {"data-enlarge": '/f"><b>', "data-plain": "/p", "data-heat": "/h"},
        ),
    ],
)
def test_the_attributes_say_what_a_picture_opens_as_and_are_never_markup(made, expected):
    read: list[dict[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            read.append(dict(attrs))

    Reader().feed(f"<button {made.attributes()}>")
    assert read == [expected]
