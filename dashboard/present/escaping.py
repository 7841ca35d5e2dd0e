"""Text from outside, made safe to show."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePath

LONGEST_NAME = 48
_INVISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def display_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Return the last part of a file name as text without control or direction characters.

    Those are written as escapes, and the middle of a long name is left out. The result is text,
    not HTML: whoever writes HTML escapes it.
    """
    last = PurePath(name).name or name
    plain = "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c) in _INVISIBLE else c for c in last
    )
    if len(plain) <= longest:
        return plain
    head = (longest - 1) // 2
    return f"{plain[:head]}…{plain[-(longest - 1 - head) :]}"


def escape_markdown(text: str) -> str:
    """Return text so that Streamlit, which reads every widget's label as Markdown, shows it as is.

    CommonMark 6.1: a backslash before ASCII punctuation takes its meaning away; Streamlit's own
    signs (``:red[``, ``:material/``, ``$``) and GFM's bare links begin with such signs too.
    """
    plain = " ".join(text.split())
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", plain)
