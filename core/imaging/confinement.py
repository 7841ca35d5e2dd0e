"""What a decoder process may reach: its own memory, the libraries on its import path, no more.

An exploited codec runs with the rights of its process. So the process gets an environment of
harmless names, may not gain rights, reads nothing but code, writes nothing, and talks to nobody;
and its parent's memory and environment are closed to it. What the kernel has of this is reported.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from core.imaging.landlock import allow_reading
from core.imaging.seccomp import refuse_harmful_calls

_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_MEBI = 1024 * 1024
_CPU_SECONDS = 3600
_HARMLESS = frozenset(
    {
        *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "PATH", "LD_LIBRARY_PATH"),
        *("VIRTUAL_ENV", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONWARNINGS"),
        *("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"),
    }
)
_SYSTEM = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/lib", "/lib64")
_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom", "/proc/self")
_CODE = frozenset({".py", ".pyc", ".so", ".zip"})


def keep_harmless(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a decoder needs: no password, no key, no setting."""
    return {name: value for name, value in environment.items() if name in _HARMLESS}


def close_to_children() -> None:
    """Make this process's memory and environment unreadable for its children of the same user.

    They would otherwise be open below /proc. It also writes no core dump any more.
    """
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def confine(memory_mb: int, paths: Iterable[str]) -> list[str]:
    """Return what confines this process, from now on and for ever, to what decoding needs.

    Must run while there is one thread: Landlock binds the calling thread and those it starts.

    Args:
        memory_mb: Limit of the address space.
        paths: Import paths of what has still to be loaded; empty ones count for nothing.

    Returns:
        What confines it, such as ``limits``, ``landlock 6``, ``seccomp``.
    """
    _limit(memory_mb)
    layers = ["limits"]
    libc = ctypes.CDLL(None)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return layers
    layers.append("no_new_privs")
    version = allow_reading(_readable(paths))
    if version:
        layers.append(f"landlock {version}")
    if refuse_harmful_calls():
        layers.append("seccomp")
    return layers


def _limit(memory_mb: int) -> None:
    limits = {
        resource.RLIMIT_AS: memory_mb * _MEBI,
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


def _readable(paths: Iterable[str]) -> Iterator[Path]:
    """Yield the folders and files that hold code: the import path, without what lies beside it.

    The import path of a checkout or of the folder a command runs in may hold a store and pictures:
    there only packages and modules count.
    """
    installed = [Path(place).resolve() for place in {sys.prefix, sys.base_prefix}]
    yield from installed
    yield from map(Path, (*_SYSTEM, *_FILES))
    for place in filter(None, sys.path):
        folder = Path(place).resolve()
        if not any(folder.is_relative_to(root) for root in installed):
            yield from _code_in(folder)
    for package in {path.partition(":")[0].partition(".")[0] for path in paths if path}:
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(place)


def _code_in(folder: Path) -> Iterator[Path]:
    if folder.name in ("site-packages", "dist-packages") or folder.suffix == ".zip":
        yield folder
        return
    try:
        members = list(os.scandir(folder))
    except OSError:
        return
    for member in members:
        path = Path(member.path)
        is_package = (path / "__init__.py").is_file() or path.suffix == ".dist-info"
        if is_package or path.suffix in _CODE:
            yield path
