"""Landlock: this process may read the folders it is given and change nothing in any file system.

Source: Linux kernel documentation, userspace-api/landlock. glibc has no wrappers, so the three
system calls are made by number; these are the same on every architecture.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # flag of landlock_create_ruleset: answer the version of the interface
_PATH_BENEATH = 1

_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# Rights that each version of the interface added: execute to make_sym, refer, truncate, ioctl.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_TCP_RIGHTS = 0b11  # bind and connect, since version 4
_SCOPES = 0b11  # abstract sockets and signals out of the process, since version 6

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def find_version() -> int:
    """Return the version of the kernel's Landlock interface; 0 where it has none."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def allow_reading(paths: Iterable[Path]) -> int:
    """Return the version by which this thread may, for ever, only read beneath some paths.

    Everything else in the file system, TCP, abstract sockets and signals to other processes are
    refused as far as the kernel's version of the interface knows them. Files that are open already
    stay usable. ``no_new_privs`` must be set.

    Args:
        paths: Folders and files; those that do not exist are passed over.

    Returns:
        The version of the interface; 0 where the kernel has none and nothing was confined.

    Raises:
        OSError: The kernel has Landlock and refused the rules.
    """
    version = find_version()
    if not version:
        return 0
    rights = sum(added for since, added in _FILE_RIGHTS.items() if since <= version)
    ruleset = _Ruleset(rights, _TCP_RIGHTS if version >= 4 else 0, _SCOPES if version >= 6 else 0)
    # An older kernel knows a shorter structure, and takes a longer one whose rest is zero.
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    try:
        for path in paths:
            _add(rules, path)
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return version


def _add(rules: int, path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = _PathBeneath(_READ_FILE | (_READ_DIR if is_folder else 0), descriptor)
        _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock, system call {number}: {os.strerror(error)}")
    return result
