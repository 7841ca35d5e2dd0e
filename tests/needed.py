"""What a test needs of the machine: on a user's it is skipped without, in CI it fails."""

import os

import pytest


def skip_without(is_there: bool, sentence: str) -> None:
    """Skip the test that is running, or fail it in CI.

    Args:
        is_there: Whether the machine has what the test needs.
        sentence: What is missing, and how to get it.
    """
    if is_there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)
