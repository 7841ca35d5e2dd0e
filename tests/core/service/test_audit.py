"""Noted heads as a person keeps them in a file."""

import pytest

from core.errors import ConfigError
from core.service.audit import read_heads


def test_heads_are_read_a_line_each_whatever_editor_wrote_them(tmp_path):
    (tmp_path / "heads").write_bytes("\ufeff1:aa\r\n2:bb\r\n".encode())

    assert read_heads(tmp_path / "heads") == ["1:aa", "2:bb"]


@pytest.mark.parametrize(("data", "why"), [(b"\x89PNG", "it is no text"), (None, "No such file")])
def test_a_file_of_heads_that_cannot_be_read_is_named(tmp_path, data, why):
    if data is not None:
        (tmp_path / "heads").write_bytes(data)

    with pytest.raises(ConfigError, match=why):
        read_heads(tmp_path / "heads")
