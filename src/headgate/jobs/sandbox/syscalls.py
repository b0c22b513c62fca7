"""Numbers of the system calls that jobs do not get, for each machine that is supported."""

from __future__ import annotations

from collections.abc import Mapping

X86_64 = "x86_64"
AARCH64 = "aarch64"

AUDIT_ARCH: Mapping[str, int] = {X86_64: 0xC000003E, AARCH64: 0xC00000B7}
"""What seccomp calls the machine (linux/audit.h)."""

_DENIED: Mapping[str, tuple[int | None, int | None]] = {
    # Mounts and namespaces.
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    # Other processes.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # Keys of the kernel, which no namespace holds apart.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Large surfaces that have often been the way into the kernel.
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    # The machine itself.
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "nfsservctl": (180, 42),
    # Old calls that only one machine has.
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "create_module": (174, None),
    "get_kernel_syms": (177, None),
    "query_module": (178, None),
}

_ABSENT: Mapping[str, tuple[int | None, int | None]] = {
    # Programs fall back to something that the filter can judge, or do without.
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}

_JUDGED: Mapping[str, tuple[int, int]] = {
    "clone": (56, 220),
    "unshare": (272, 97),
    "socket": (41, 198),
    "ioctl": (16, 29),
}


def _numbers(table: Mapping[str, tuple[int | None, int | None]], machine: str) -> dict[str, int]:
    column = {X86_64: 0, AARCH64: 1}[machine]
    return {
        name: number for name, numbers in table.items() if (number := numbers[column]) is not None
    }


def denied(machine: str) -> dict[str, int]:
    """Calls that fail with EPERM."""
    return _numbers(_DENIED, machine)


def absent(machine: str) -> dict[str, int]:
    """Calls that fail with ENOSYS, as on a kernel that does not have them."""
    return _numbers(_ABSENT, machine)


def judged(machine: str) -> dict[str, int]:
    """Calls that depend on their arguments."""
    return _numbers(_JUDGED, machine)
