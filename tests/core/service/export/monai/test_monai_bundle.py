"""A MONAI bundle: MONAI's own runner, in a process of its own, scores as Assay does."""

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from core.errors import ConfigError
from core.service.assessment.paths import assess_paths
from core.service.export.export import export_bundle
from core.service.export.monai.runner import run_bundle
from core.service.export.monai.writer import file_names

pytestmark = pytest.mark.slow

DISPOSITIONS = ["negative", "positive", "defer"]
SIZES = [(96, 96), (131, 300), (224, 224), (460, 500), (700, 523), (900, 1900)]
NEEDED = {"version", "monai_version", "pytorch_version", "numpy_version", "task", "description"}
NEEDED |= {"authors", "copyright", "network_data_format", "required_packages_version"}
FORMAT = {"type", "format", "modality", "num_channels", "spatial_shape", "dtype", "value_range"}
FORMAT |= {"is_patch_data", "channel_def"}


@pytest.fixture(scope="module")
def plates(tiny_product, tmp_path_factory):
    """Plates as twenty kinds of files: sizes, JPEG and PNG, grey, colour, lying, transparent."""
    folder = tmp_path_factory.mktemp("plates")
    pictures = tiny_product.pictures("test")
    for number, (height, width) in enumerate(SIZES):
        plate = cv2.imread(str(pictures[2 * number]), cv2.IMREAD_GRAYSCALE)
        grey = Image.fromarray(cv2.resize(plate, (width, height), interpolation=cv2.INTER_CUBIC))
        colour = Image.merge("RGB", (grey, grey.point(lambda level: 0.9 * level), grey))
        grey.save(folder / f"{number}-grey.jpg", quality=92)
        colour.save(folder / f"{number}-colour.jpg", quality=90)
        colour.save(folder / f"{number}-colour.png")
    lying = Image.Exif()
    lying[0x0112] = 6
    grey.save(folder / "lying.jpg", exif=lying)
    glass = colour.convert("RGBA")
    glass.putalpha(grey)
    glass.save(folder / "glass.png")
    return folder


@pytest.fixture(scope="module")
def exported(tiny_product, plates, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "plates"
    bundle, policy = tiny_product.opened()
    return out, export_bundle(bundle, policy, "monai", out, tiny_product.settings, plates)


def test_it_is_written_after_the_runner_agreed_on_every_picture(exported, plates, tiny_product):
    out, agreed = exported
    probes = list((tiny_product.bundle / "probe").iterdir())
    assert agreed.compared == len(probes) + len(list(plates.iterdir()))
    assert agreed.left_out == 0
    assert agreed.apart < 1e-5
    files = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    assert files == {
        "LICENSE",
        "configs/inference.json",
        "configs/metadata.json",
        "docs/README.md",
        "docs/data_license.txt",
        "models/model.onnx",
        "scripts/__init__.py",
        "scripts/network.py",
        "scripts/reader.py",
    }
    assert files == file_names()


def test_a_folder_with_results_in_it_is_not_replaced_and_is_seen_before_the_work(
    exported, tiny_product, tmp_path
):
    out = shutil.copytree(exported[0], tmp_path / "out")
    (out / "eval").mkdir()
    (out / "eval/predictions.csv").write_text("kept")
    bundle, policy = tiny_product.opened()
    no_network = replace(bundle, path=tmp_path / "nowhere")

    with pytest.raises(ConfigError, match=r"not the export's: eval/predictions\.csv"):
        export_bundle(no_network, policy, "monai", out, tiny_product.settings)


def test_it_scores_the_same_where_it_was_carried_to(exported, plates, tiny_product, tmp_path):
    moved = shutil.copytree(exported[0], tmp_path / "elsewhere")
    found = run_bundle(moved, plates, tmp_path)
    bundle, _ = tiny_product.opened()
    files = sorted(plates.iterdir())
    result = assess_paths(bundle, files, settings=tiny_product.settings)
    for file, one in zip(files, result, strict=True):
        p, numbers = one.prediction, found[file.name]
        assert p is not None
        np.testing.assert_allclose(numbers[:2], p.probabilities, atol=1e-5)
        assert numbers[2] == pytest.approx(p.positive_probability, abs=1e-5)
        assert DISPOSITIONS[int(numbers[5])] == one.verdict.disposition.value


def test_its_metadata_has_what_the_specification_asks_for(exported, tiny_product):
    words = json.loads((exported[0] / "configs/metadata.json").read_text())
    assert words.keys() >= NEEDED
    given, made = words["network_data_format"]["inputs"], words["network_data_format"]["outputs"]
    assert given["image"].keys() >= FORMAT
    assert made["pred"].keys() >= FORMAT
    assert made["pred"]["num_channels"] == len(made["pred"]["channel_def"]) == 6
    assert made["pred"]["channel_def"]["1"] == "probability of scratched"
    bundle, policy = tiny_product.opened()
    result = (exported[0] / "docs/README.md").read_text()
    assert bundle.label in result
    assert policy.id in result
    assert "Research and decision support" in result
    assert "Apache License" in (exported[0] / "LICENSE").read_text()
