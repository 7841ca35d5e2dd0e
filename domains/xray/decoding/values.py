"""Values of a DICOM data set as plain Python: nothing here raises, whatever the header holds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

LONGEST_TEXT = 128
_CODE = re.compile(r"[A-Z0-9 _]{1,16}")


def value_of(dataset: Dataset, keyword: str) -> Any:  # noqa: ANN401
    """Return an element's value; None where it is missing, empty or cannot be read.

    This is where pydicom meets untrusted values, and it raises what it likes on them, quoting
    the value: nothing of that may get out.
    """
    try:
        value = dataset.get(keyword)
    except Exception:
        return None
    return None if value is None or value == "" else value


def is_stated(dataset: Dataset, keyword: str) -> bool:
    """Return whether an element holds more than padding, also where its value does not read."""
    if keyword not in dataset:
        return False
    element = dataset.get_item(keyword)
    if isinstance(element.value, bytes):
        return bool(element.value.strip(b" \x00\\"))
    return any(str(one).strip() for one in list_values(element.value))


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none where it is missing or no sequence."""
    value = value_of(dataset, keyword)
    return [item for item in list_values(value) if hasattr(item, "get")]


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return a value as one line of 128 printable characters at most, joined by a backslash.

    Control characters, which could forge a line or hide one, are dropped.
    """
    try:
        joined = "\\".join(str(one) for one in list_values(value_of(dataset, keyword)))
    except (ValueError, TypeError, AttributeError, LookupError):
        return ""
    return "".join(c for c in joined if c.isprintable())[:LONGEST_TEXT].strip()


def code_of(dataset: Dataset, keyword: str) -> str:
    """Return a value of a closed vocabulary, upper case; ``OTHER`` for what is stated and no code.

    Only this may be quoted in a finding: free text may name a patient.
    """
    text = text_of(dataset, keyword).upper()
    if not text:
        return "OTHER" if is_stated(dataset, keyword) else ""
    return text if _CODE.fullmatch(text) else "OTHER"


def number_of(dataset: Dataset, keyword: str) -> float | None:
    """Return the first value as a finite number, or None."""
    try:
        number = float(list_values(value_of(dataset, keyword))[0])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def whole_of(dataset: Dataset, keyword: str) -> int | None:
    """Return the first value as a whole number, or None."""
    number = number_of(dataset, keyword)
    return int(number) if number is not None and number.is_integer() else None


def list_values(value: Any) -> list[Any]:  # noqa: ANN401
    """Return the values of an element as a list, whether it holds none, one or several."""
    if value is None:
        return []
    is_many = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    return [*value] if is_many else [value]
