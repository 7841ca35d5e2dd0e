"""A seccomp filter: the system calls that a process without network, writes and children needs.

Source: Linux kernel documentation, userspace-api/seccomp_filter, and ``linux/bpf_common.h``.
A refused call fails with EPERM, so that a library which only tries something goes on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_REFUSE, _UNKNOWN = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_THREAD = 0x10000
_X32 = 0x40000000

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Columns: x86-64 and the generic table (aarch64); -1 where an architecture has no such call.
_REFUSED = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "accept": (43, 202),
    "bind": (49, 200),
    "listen": (50, 201),
    "fork": (57, -1),
    "vfork": (58, -1),
    "execve": (59, 221),
    "execveat": (322, 281),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "mount": (165, 40),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "open_by_handle_at": (304, 265),
    "creat": (85, -1),
    "truncate": (76, 45),
    "rename": (82, -1),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "mkdir": (83, -1),
    "mkdirat": (258, 34),
    "rmdir": (84, -1),
    "link": (86, -1),
    "linkat": (265, 37),
    "unlink": (87, -1),
    "unlinkat": (263, 35),
    "symlink": (88, -1),
    "symlinkat": (266, 36),
    "mknod": (133, -1),
    "mknodat": (259, 33),
    "chmod": (90, -1),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, -1),
    "fchown": (93, 55),
    "lchown": (94, -1),
    "fchownat": (260, 54),
    "utime": (132, -1),
    "utimes": (235, -1),
    "utimensat": (280, 88),
    "futimesat": (261, -1),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_MISSING = {"clone3": (435, 435), "openat2": (437, 437)}  # libraries fall back on ENOSYS
_OPENING = {"open": (2, -1, 1), "openat": (257, 56, 2)}  # with the place of the flags
_OWN_PROCESS = {"kill": (62, 129), "tgkill": (234, 131)}  # only on the process itself
_LIMITS = (302, 261)  # prlimit64
_CLONE = (56, 220)

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def refuse_harmful_calls() -> bool:
    """Return whether this thread's system calls, and its threads', are filtered for ever.

    Refused are network, new processes and programs, signals and access to other processes, and
    whatever changes a file system. ``no_new_privs`` must be set.

    Returns:
        Whether the filter stands; False on an architecture without a table here and on a kernel
        without seccomp.
    """
    if platform.machine() not in _ARCHITECTURES:
        return False
    code = build_filter(*_ARCHITECTURES[platform.machine()], os.getpid())
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def build_filter(column: int, architecture: int, process: int) -> bytes:
    """Return the program in classic BPF, eight bytes an instruction.

    Args:
        column: Which column of the tables of call numbers counts.
        architecture: AUDIT_ARCH_* of the process; a call of any other kills it.
        process: Its process id, which alone it may signal.
    """
    code = [
        *(_op(_LOAD, _ARCHITECTURE), _op(_EQUAL, architecture, 1, 0), _op(_RETURN, _KILL)),
        *(_op(_LOAD, _NUMBER), _op(_AT_LEAST, _X32, 0, 1), _op(_RETURN, _KILL)),
    ]
    for numbers in _REFUSED.values():
        code += _answer(numbers[column], _REFUSE)
    for numbers in _MISSING.values():
        code += _answer(numbers[column], _UNKNOWN)
    for *both, place in _OPENING.values():
        code += _unless(both[column], place, _ANY_BIT, _WRITING, matches=True)
    code += _unless(_CLONE[column], 0, _ANY_BIT, _CLONE_THREAD, matches=False)
    for numbers in _OWN_PROCESS.values():
        code += _unless(numbers[column], 0, _EQUAL, process, matches=False)
    code += _unless(_LIMITS[column], 0, _EQUAL, 0, matches=False)
    code.append(_op(_RETURN, _ALLOW))
    return b"".join(code)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _answer(number: int, action: int) -> list[bytes]:
    if number < 0:
        return []
    return [_op(_EQUAL, number, 0, 1), _op(_RETURN, action)]


def _unless(number: int, place: int, test: int, value: int, *, matches: bool) -> list[bytes]:
    """Return instructions that refuse a call whose argument's low half passes or fails a test."""
    if number < 0:
        return []
    passed, failed = (0, 1) if matches else (1, 0)
    return [
        _op(_EQUAL, number, 0, 4),
        _op(_LOAD, _ARGUMENTS + 8 * place),
        _op(test, value, passed, failed),
        _op(_RETURN, _REFUSE),
        _op(_LOAD, _NUMBER),
    ]
