"""Nothing that a person keeps is replaced by an output."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from core.errors import BundleError, ConfigError
from core.model.bundle.destination import (
    check_bundle_destination,
    check_export_destination,
    check_file_destination,
    check_folder_destination,
)
from core.service.training.train import TrainSpec, train
from core.settings import Settings

NOBODY = 65534


@pytest.fixture
def bundle(tiny_product, tmp_path):
    return Path(shutil.copytree(tiny_product.bundle, tmp_path / "plates"))


def test_a_bundle_with_its_policies_and_signature_may_be_replaced(bundle):
    (bundle / "SIGNATURE").write_bytes(b"s")
    assert (bundle / "policies").is_dir()

    check_bundle_destination(bundle)
    check_bundle_destination(bundle.parent / "new")
    (bundle.parent / "empty").mkdir()
    check_bundle_destination(bundle.parent / "empty")


@pytest.mark.parametrize(
    "kept", ["NOTES.txt", "pictures/a.png", "report.html", "policies/notes.txt", "probe/mine.png"]
)
def test_a_bundle_folder_in_which_a_person_keeps_something_is_not_replaced(bundle, kept):
    (bundle / kept).parent.mkdir(exist_ok=True)
    (bundle / kept).write_bytes(b"kept")

    with pytest.raises(BundleError, match=f"holds files that are not the bundle's: {kept}"):
        check_bundle_destination(bundle)


def test_a_link_kept_in_a_bundle_folder_counts_as_kept(bundle):
    (bundle / "line").symlink_to(bundle.parent)

    with pytest.raises(BundleError, match="line"):
        check_bundle_destination(bundle)


def test_a_data_set_with_sums_of_its_own_is_no_bundle_and_training_does_not_even_begin(tmp_path):
    (tmp_path / "good").mkdir()
    (tmp_path / "good/a.png").write_bytes(b"kept")
    (tmp_path / "SHA256SUMS").write_text("0  good/a.png\n")
    spec = TrainSpec("parts", tmp_path / "no data here", tmp_path)

    with pytest.raises(BundleError, match="is not a bundle"):  # not: there are no data
        train(spec, Settings(home=tmp_path / "home"))

    assert (tmp_path / "good/a.png").read_bytes() == b"kept"


def test_a_file_in_the_way_is_named_before_training(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")

    with pytest.raises(BundleError, match="is a file"):
        check_bundle_destination(tmp_path / "file")
    with pytest.raises(ConfigError, match="file is no folder"):
        check_bundle_destination(tmp_path / "file/bundle")


@pytest.fixture
def as_nobody():
    """Run a test as an ordinary user where root runs the tests: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_a_closed_folder_is_named_before_training(as_nobody):
    # A folder that everybody may pass through, unlike pytest's own.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        with pytest.raises(ConfigError, match="may not be written"):
            check_bundle_destination(Path(folder, "bundle"))
        Path(folder).chmod(0o755)
        check_bundle_destination(Path(folder, "bundle"))


def test_a_file_output_replaces_an_earlier_one_and_nothing_else(tmp_path):
    earlier, other = tmp_path / "earlier.html", tmp_path / "picture.png"
    earlier.write_bytes(b"x" * 99 + b"made by us" + b"y" * 100_000)
    other.write_bytes(b"a picture")

    check_file_destination(earlier, b"made by us")
    check_file_destination(tmp_path / "new.html", b"made by us")
    with pytest.raises(ConfigError, match="is not an earlier output"):
        check_file_destination(other, b"made by us")
    with pytest.raises(ConfigError, match="is a folder"):
        check_file_destination(tmp_path, b"made by us")
    with pytest.raises(ConfigError, match="there is no folder"):
        check_file_destination(tmp_path / "no/such.html", b"made by us")


def test_a_folder_output_wants_nothing_else_beside_it(tmp_path):
    check_folder_destination(tmp_path / "new", frozenset())
    (tmp_path / "manifest.csv").write_text("relabelled by hand")

    check_folder_destination(tmp_path, frozenset({"manifest.csv"}))
    with pytest.raises(ConfigError, match=r"holds other files: manifest\.csv"):
        check_folder_destination(tmp_path, frozenset())


def test_an_export_replaces_an_earlier_one_with_nothing_else_in_it(tmp_path):
    known = frozenset({"models/model.onnx", "LICENSE"})

    def check(path):
        check_export_destination(path, known, "models/model.onnx", b"made by us")

    check(tmp_path)
    check(tmp_path / "new")
    (tmp_path / "LICENSE").write_text("of somebody else's project")
    with pytest.raises(ConfigError, match="exists and is no export"):
        check(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.onnx").write_bytes(b"somebody else's model")
    with pytest.raises(ConfigError, match="exists and is no export"):
        check(tmp_path)
    (tmp_path / "models/model.onnx").write_bytes(b"graph " * 50_000 + b"made by us")
    check(tmp_path)
    (tmp_path / "scripts/__pycache__").mkdir(parents=True)
    (tmp_path / "scripts/__pycache__/network.pyc").write_bytes(b"made by Python")
    check(tmp_path)
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval/predictions.csv").write_text("kept")
    with pytest.raises(ConfigError, match=r"not the export's: eval/predictions\.csv"):
        check(tmp_path)
    with pytest.raises(ConfigError, match="is a file"):
        check(tmp_path / "LICENSE")
