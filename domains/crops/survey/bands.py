"""Which band of a file is which: by what the file states, never by its place in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.errors import UnreadableImage

RED, GREEN, BLUE = "red", "green", "blue"
RED_EDGE, NEAR_INFRARED, ALPHA = "red edge", "near infrared", "alpha"
COLOURS = (RED, GREEN, BLUE)

_HINT = (
    "Name the bands of the file in their order, such as --bands red,green,blue,nir; a band of no "
    "use is called other."
)
_WORDS = {
    NEAR_INFRARED: r"near[ _-]?infra[ _-]?red|nir",
    RED_EDGE: r"red[ _-]?edge|reg|re",
    RED: r"red",
    GREEN: r"green|gre",
    BLUE: r"blue|blu",
    ALPHA: r"alpha",
}
_INTERPRETED = {
    "red": RED,
    "green": GREEN,
    "blue": BLUE,
    "alpha": ALPHA,
    "rededge": RED_EDGE,
    "nir": NEAR_INFRARED,
}
# Central wavelengths in nanometres; red ends where the red edge of vegetation begins.
_WAVELENGTHS = {
    BLUE: (430, 510),
    GREEN: (520, 590),
    RED: (620, 690),
    RED_EDGE: (700, 750),
    NEAR_INFRARED: (760, 920),
}


def band_at(wavelength_nm: float) -> str:
    """Return the band of a central wavelength; empty where there is none."""
    for name, (low, high) in _WAVELENGTHS.items():
        if low <= wavelength_nm <= high:
            return name
    return ""


def band_called(text: str) -> str:
    """Return the band that a name or a description names; empty where it names none or several."""
    left, found = text.casefold().replace("_", " "), []
    for name, words in _WORDS.items():
        left, count = re.subn(rf"\b(?:{words})\b", " ", left)
        found += [name] * bool(count)
    wavelengths = re.findall(r"\b(\d{3,4})(?:\.\d+)? ?nm\b", left)
    found += [band_at(float(value)) for value in wavelengths]
    return found[0] if len(set(found)) == 1 else ""


def identify(
    interpretations: Sequence[str], descriptions: Sequence[str], given: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the name of each band of a file; ``band 4`` of one that it does not name.

    Args:
        interpretations: The file's colour interpretation of each band, as GDAL names it.
        descriptions: The file's description of each; empty for none.
        given: What a person says that they are; counts before all else.

    Raises:
        UnreadableImage: The file contradicts itself, has no colours, or does not say which bands
            they are.
    """
    if given:
        names = _named(given, len(interpretations))
    else:
        pairs = zip(interpretations, descriptions, strict=True)
        names = [_stated(number, *pair) for number, pair in enumerate(pairs, 1)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UnreadableImage(f"The file has two bands called {twice[0]}.", hint=_HINT)
    if missing := [name for name in COLOURS if name not in names]:
        described = ", ".join(filter(None, descriptions)) or ", ".join(interpretations)
        raise UnreadableImage(
            f"The file does not say which of its bands is {missing[0]}; expected red, green and "
            f"blue, got {described}.",
            hint=_HINT,
        )
    return tuple(names)


def _named(given: Sequence[str], count: int) -> list[str]:
    if len(given) != count:
        raise UnreadableImage(
            f"The file has {count} bands, and {len(given)} were named.", hint=_HINT
        )
    return [
        f"band {number}" if word.strip() in ("other", "") else band_called(word) or word.strip()
        for number, word in enumerate(given, 1)
    ]


def _stated(number: int, interpretation: str, description: str) -> str:
    by_colour, by_text = _INTERPRETED.get(interpretation, ""), band_called(description)
    if by_colour and by_text and by_colour != by_text:
        raise UnreadableImage(
            f"Band {number} is {by_colour} by its colour and {by_text} by its description.",
            hint=_HINT,
        )
    return by_colour or by_text or f"band {number}"
