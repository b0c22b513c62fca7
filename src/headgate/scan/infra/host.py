"""What of a host gives a container the whole of it."""

from __future__ import annotations

CAPABILITIES = frozenset(
    {
        "ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH",
        "BPF", "SYS_BOOT",
    }
)  # fmt: skip
"""Capabilities with which a process can leave its container."""
_SOCKETS = (
    "docker.sock", "containerd.sock", "crio.sock", "podman.sock", "cri-dockerd.sock",
)  # fmt: skip
_ROOTS = frozenset(
    {"/", "/etc", "/root", "/proc", "/sys", "/boot", "/dev", "/usr", "/lib", "/home", "/var",
     "/var/lib/docker", "/var/lib/kubelet", "/etc/kubernetes", "/var/run", "/run", "/var/lib/etcd"}
)  # fmt: skip


def is_engine_socket(path: str) -> bool:
    """Whether it is the socket of a container engine: who may write to it is root on the host."""
    return path.rstrip("/").endswith(_SOCKETS)


def is_host_root(path: str) -> bool:
    """Whether it is a directory whose owner owns the host."""
    return path.startswith("/") and (path.rstrip("/") or "/") in _ROOTS
