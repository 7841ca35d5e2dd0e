"""What a recipe says of part ids."""

from __future__ import annotations

import re
from typing import Literal

import zxingcpp
from pydantic import Field, field_validator

from domains.parts.station.options import StrictModel

PART_OF_OTHERS = "UPCE"
"""Part of a damaged EAN-13 reads as a UPC-E, check digit included: it counts only on its own."""


class PartIdOptions(StrictModel):
    """Where a part's id comes from, and what it must look like."""

    source: Literal["none", "code", "trigger", "file_name"] = "none"
    pattern: str = Field(default=r".{1,64}", description="Regular expression of the whole id.")
    check_digit: Literal["none", "gs1", "luhn"] = "none"
    formats: tuple[str, ...] = Field(default=(), description="Code formats; empty = any.")
    agree: int = Field(default=2, ge=1, le=5, description="Decodes that must agree.")

    @field_validator("pattern")
    @classmethod
    def _is_regular_expression(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as exc:
            raise ValueError(f"expected a regular expression, got {pattern!r}: {exc}") from exc
        return pattern

    @field_validator("formats")
    @classmethod
    def _are_known(cls, formats: tuple[str, ...]) -> tuple[str, ...]:
        for name in formats:
            zxingcpp.barcode_format_from_str(name)
        if PART_OF_OTHERS in formats and len(formats) > 1:
            raise ValueError(f"{PART_OF_OTHERS} stands beside others, parts of which read as one")
        return formats
