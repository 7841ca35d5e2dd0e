"""An area on the ground as text."""

from __future__ import annotations

from domains.crops.exports.rates import HECTARE_M2
from domains.crops.locale import N_, Language, Sentence

_HECTARES, _METRES = N_("{hectares} ha"), N_("{metres} m²")
_SMALL_M2 = 100.0


def describe_area(area_m2: float, language: Language) -> str:
    """Return an area in hectares; in square metres where hectares would round it away."""
    if 0.0 < area_m2 < _SMALL_M2:
        return language.render(Sentence(_METRES, {"metres": round(area_m2, 1)}))
    return language.render(Sentence(_HECTARES, {"hectares": round(area_m2 / HECTARE_M2, 3)}))
