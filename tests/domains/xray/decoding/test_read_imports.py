"""A process that reads radiographs has imported what that takes before the first one comes."""

import subprocess
import sys

from tests.domains.xray.radiographs import a_chest, an_object, part10

LATE = """
import sys
from core.packs import entry_of, load, load_to_read
entry = entry_of("xray")
load(entry)
assert "pydicom" not in sys.modules, "whoever only names the pack must not wait for it"
pack = load_to_read(entry)
before = set(sys.modules)
pack.read(sys.stdin.buffer.read(), 10**6, 0)
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_the_first_radiograph_imports_nothing_more():
    file = part10(an_object(a_chest(side=16), SpecificCharacterSet="ISO_IR 100"))
    done = subprocess.run(
        [sys.executable, "-c", LATE], input=file, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    late = set(done.stdout.decode().split())
    assert not late & {"pydicom", "domains", "pydantic", "gdcm", "openjpeg", "jpeg_ls", "PIL"}
