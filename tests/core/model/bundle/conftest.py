"""A bundle that a test may spoil."""

import shutil

import pytest


@pytest.fixture
def copied(tiny_product, tmp_path):
    folder = tmp_path / "plates"
    shutil.copytree(tiny_product.bundle, folder)
    return folder
