"""Labels of crops, ``crop_condition``: what they roll up to, and which crop they are of."""

from __future__ import annotations

import re

from core.packs import Subjects

HEALTHY, DISEASED, PEST, DEFICIENT = "healthy", "diseased", "pest", "deficient"

_PESTS = (
    "aphid", "armyworm", "beetle", "borer", "bug", "bugs", "caterpillar", "hopper", "leafhopper",
    "looper", "mealybug", "miner", "mite", "mites", "pest", "pests", "planthopper", "sawfly",
    "slug", "slugs", "thrips", "weevil", "whitefly",
)  # fmt: skip
_DEFICIENCIES = ("deficiency", "deficient", "chlorosis")
_TWO_WORDS = frozenset(
    {
        "bell_pepper", "broad_bean", "finger_millet", "money_plant", "oil_palm", "palm_oil",
        "pearl_millet", "pigeon_pea", "spring_onion", "sugar_beet", "sweet_corn", "sweet_potato",
        "sweet_pepper", "winter_wheat", "spring_wheat",
    }
)  # fmt: skip
_CONDITIONS = frozenset({"early", "late", "leaf", "no", "nutrient", "nitrogen", "powdery", "not"})


def _with_word(words: tuple[str, ...]) -> frozenset[str]:
    """Return patterns of labels that have one of the words, whatever stands beside it."""
    return frozenset(p for w in words for p in (w, f"*_{w}", f"{w}_*", f"*_{w}_*"))


SUPERCLASSES = {
    HEALTHY: frozenset[str](),
    PEST: _with_word(_PESTS),
    DEFICIENT: _with_word(_DEFICIENCIES),
    DISEASED: frozenset({"*"}),
}


def crop_of_label(label: str) -> str:
    """Return the crop that a label begins with; empty where it names a condition alone."""
    words = _slug(label).split("_")
    if "_".join(words[:2]) in _TWO_WORDS:
        return "_".join(words[:2])
    return "" if len(words) < 2 or words[0] in _CONDITIONS else words[0]


def crop_of_product(product: str) -> str:
    """Return the crop that a product names, ``tomato`` of ``Tomato/north field``."""
    return _slug(product.partition("/")[0])


def _slug(text: str) -> str:
    return re.sub(r"[\W_]+", "_", text.casefold()).strip("_")


SUBJECTS = Subjects("crop", crop_of_label, crop_of_product)
