"""What a test reads off a drawn page, and presses on it."""

from __future__ import annotations

from core.records.worklist import counts


def texts(page) -> str:
    assert not page.exception, page.exception
    return "\n".join(element.proto.body for element in page.get("html"))


def press(page, label: str):
    next(button for button in page.button if plain(button) == label).click()
    return page.run()


def plain(button) -> str:
    """The button's word without the key behind it, and without what escapes it."""
    return button.label.split(" `")[0].replace("\\", "")


def waiting(store) -> int:
    return sum(counts(store, "parts").waiting.values())
