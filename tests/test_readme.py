"""What the README promises: its Python runs, its settings are all of them."""

import doctest
import shutil
from pathlib import Path

from core.settings import Settings

README = Path(__file__).parents[1] / "README.md"


def test_the_three_lines_of_python_do_what_is_shown(tiny_product, tmp_path, monkeypatch):
    shutil.copytree(tiny_product.bundle, tmp_path / "my-part")
    for number, label in enumerate(("good", "scratched"), 1):
        shutil.copy(tiny_product.pictures("test", label)[0], tmp_path / f"plate-{number}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_HOME", str(tiny_product.settings.home))
    failed, tried = doctest.testfile(str(README), module_relative=False)
    assert tried >= 3
    assert failed == 0


def test_every_setting_is_documented_with_its_default():
    text = README.read_text()
    for name, field in Settings.model_fields.items():
        row = next(x for x in text.splitlines() if x.startswith(f"| `ASSAY_{name.upper()}`"))
        shown = row.split("|")[2].strip().strip("`")
        default = int(field.default) if isinstance(field.default, bool) else field.default
        assert shown in (str(default), f"{default:g}" if isinstance(default, float) else shown)
