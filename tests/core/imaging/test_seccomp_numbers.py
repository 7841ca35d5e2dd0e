"""The numbers of the system calls against the kernel's own headers, for both architectures."""

import re
from pathlib import Path

import pytest

from core.imaging import seccomp

GENERIC = Path("/usr/include/asm-generic/unistd.h")
X86 = next(iter(Path("/usr/include").glob("*/asm/unistd_64.h")), Path("unistd_64.h"))
ABSENT = "the kernel's headers are missing: apt-get install linux-libc-dev"

FILTERED = (
    seccomp._REFUSED
    | seccomp._MISSING
    | {name: numbers[:2] for name, numbers in seccomp._OPENING.items()}
    | seccomp._OWN_PROCESS
    | {"prlimit64": seccomp._LIMITS, "clone": seccomp._CLONE}
)


def stated(header):
    """Return the numbers by name; the generic table gives some through a second macro."""
    found = dict(re.findall(r"#define\s+__NR_(\w+)\s+(\S+)", header.read_text()))
    through = dict(re.findall(r"#define\s+(__NR3264_\w+)\s+(\d+)", header.read_text()))
    numbers = {name: through.get(value, value) for name, value in found.items()}
    return {name: int(value) for name, value in numbers.items() if value.isdigit()}


@pytest.mark.parametrize(("column", "header"), [(0, X86), (1, GENERIC)])
def test_the_filter_has_the_numbers_of_the_kernel(column, header):
    if not header.exists():
        pytest.skip(ABSENT)
    kernel = stated(header)
    newest = max(kernel.values())
    # Calls younger than the headers have one number on every architecture.
    known = {name: n for name, n in FILTERED.items() if max(n) <= newest}

    assert len(known) > 60
    assert {name: n[column] for name, n in known.items()} == {
        name: kernel.get(name, -1) for name in known
    }
    assert all(x86 == generic for x86, generic in FILTERED.values() if max(x86, generic) >= 424)
