"""What may be said to loosen what holds a container: capabilities that there are, processes that a host can have."""

from __future__ import annotations

CAPABILITIES = frozenset(
    (
        "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE"
        " DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD"
        " NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN"
        " SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME"
        " SYS_TTY_CONFIG WAKE_ALARM"
    ).split()
)
"""Those of Linux (capabilities(7)), and Docker's word for all of them."""

MOST_PIDS = 2**22
"""Processes and threads of a host (Linux: PID_MAX_LIMIT); a control group takes no higher limit."""


def capability(name: str) -> str:
    """As capabilities(7) has it, without the prefix that may be left out."""
    return name.upper().removeprefix("CAP_")
