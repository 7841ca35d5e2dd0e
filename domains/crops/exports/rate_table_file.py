"""Tables of rates as they are typed or kept in a file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigError
from core.types import Disposition
from domains.crops.exports.rates import RateSource, RateTable

_TEXTS = ("unit", "product")
_FIGURES = ("act", "healthy", "default", "outside", "position_lost", "minimum", "maximum", "step")


def table_of(given: Mapping[str, object], source: RateSource = RateSource.TYPED) -> RateTable:
    """Return a table of rates.

    Args:
        given: ``unit``, ``product``, and the rates ``act``, ``healthy``, ``default``, ``outside``,
            ``position_lost``, ``minimum``, ``maximum`` and ``step``; None where one was left out.
        source: Where they come from.

    Raises:
        ConfigError: One is missing, of the wrong type, or not known.
    """
    wanted = (*_TEXTS, *_FIGURES)
    missing = [name for name in wanted if given.get(name) is None]
    unknown = sorted(set(given) - set(wanted))
    if missing or unknown:
        raise ConfigError(
            f"A table of rates lacks {', '.join(missing) or 'nothing'}"
            + (f" and has {', '.join(unknown)}, which it does not know." if unknown else "."),
            hint="Give every rate: a terminal spreads what is left out as it likes.",
        )
    figures = {name: _figure(name, given[name]) for name in _FIGURES}
    texts = {name: _text(name, given[name]) for name in _TEXTS}
    rates = {
        Disposition.POSITIVE: figures.pop("act"),
        Disposition.NEGATIVE: figures.pop("healthy"),
    }
    return RateTable(
        unit=texts["unit"],
        rates=rates,
        default=figures["default"],
        outside=figures["outside"],
        position_lost=figures["position_lost"],
        minimum=figures["minimum"],
        maximum=figures["maximum"],
        step=figures["step"],
        product=texts["product"],
        source=source,
    )


def read_table(path: Path) -> RateTable:
    """Return the table of rates in a TOML file.

    Raises:
        ConfigError: The file cannot be read, or lacks a rate.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"{path} holds no table of rates: {exc}.",
            hint='Write lines such as: unit = "kg/ha", act = 60, healthy = 20, default = 40.',
        ) from exc
    return table_of(given, RateSource.FILE)


def _figure(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(
            f"{name} is {value!r}; expected a number.", hint="Give it without its unit."
        )
    return float(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}; expected a text.", hint=f'{name} = "..."')
    return value
