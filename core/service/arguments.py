"""Command line arguments parsed into values: targets, budgets, named folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.errors import ConfigError
from core.types import Targets


def targets_from(
    default: Targets,
    *,
    escape: float | None,
    overkill: float | None,
    confidence: float | None,
    ood_alpha: float | None,
    review_budget: float | None,
    uncertified_negatives: bool = False,
) -> Targets:
    """Return the pack's own targets, with those that were asked for.

    Raises:
        ConfigError: A number is out of its range.
    """
    asked = {
        "escape": escape,
        "overkill": overkill,
        "confidence": confidence,
        "ood_alpha": ood_alpha,
    }
    try:
        return Targets(
            **{n: getattr(default, n) if value is None else value for n, value in asked.items()},
            review_budget=review_budget,
            uncertified_negatives=uncertified_negatives,
        )
    except ValueError as exc:
        raise ConfigError(
            f"The targets make no sense: {exc}.",
            hint="Give rates as 0.05; 1 would certify nothing, and no number of cases shows a 0.",
        ) from exc


def parse_budget(text: str, volume: float | None) -> float | None:
    """Return a review budget: ``15%`` or ``0.15`` of the pictures, or ``40/h`` at a volume an hour.

    Raises:
        ConfigError: The text is neither, or a budget an hour comes without a volume.
    """
    if not text:
        return None
    plain = text.strip().removesuffix("%").removesuffix("/h")
    try:
        number = float(plain)
    except ValueError as exc:
        raise ConfigError(
            f"The review budget {text!r} is neither a share nor a number an hour.",
            hint="Write 15% or 40/h.",
        ) from exc
    if text.strip().endswith("/h"):
        if not volume or volume <= 0:
            raise ConfigError(
                "A review budget an hour needs the pictures an hour.", hint="Add --volume 600."
            )
        return min(number / volume, 1.0)
    return number / 100.0 if text.strip().endswith("%") else number


def named_folders(pairs: Sequence[str]) -> dict[str, Path]:
    """Return ``NAME=FOLDER`` pairs as paths by name.

    Raises:
        ConfigError: One is not of that form, or its folder does not exist.
    """
    answer: dict[str, Path] = {}
    for pair in pairs:
        name, _, folder = pair.partition("=")
        if not name or not Path(folder).exists() or not folder:
            raise ConfigError(
                f"{pair!r} is not NAME=FOLDER with a folder that exists.",
                hint="For example --ood near=pictures/ood.",
            )
        answer[name] = Path(folder)
    return answer


def parse_population(pairs: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return ``NAME=LOW..HIGH`` pairs as limits by name.

    Raises:
        ConfigError: One is not of that form, or its limits are no numbers in order.
    """
    answer: dict[str, tuple[float, float]] = {}
    for pair in pairs:
        name, _, limits = pair.partition("=")
        try:
            low, high = (float(limit) for limit in limits.split(".."))
        except ValueError:
            low, high = 1.0, 0.0
        if not name or not low <= high:
            raise ConfigError(
                f"{pair!r} is not NAME=LOW..HIGH with two numbers in order.",
                hint="For example --population age_years=1..5.",
            )
        answer[name] = (low, high)
    return answer
