"""What a host that implements WASI gives a module: the functions of preview 1 and the packages of 0.2.

Source: WASI preview 1 witx (wasi_snapshot_preview1, 46 functions with sock_accept) and the wasi:cli/command world of
WASI 0.2, which includes the six packages below. Threads and HTTP belong to neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from bactools.core.records import Import

PREVIEW1_MODULE = "wasi_snapshot_preview1"

PREVIEW1 = frozenset(
    """
    args_get args_sizes_get environ_get environ_sizes_get clock_res_get clock_time_get
    fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags fd_fdstat_set_rights
    fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread fd_prestat_get fd_prestat_dir_name
    fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync fd_tell fd_write
    path_create_directory path_filestat_get path_filestat_set_times path_link path_open path_readlink
    path_remove_directory path_rename path_symlink path_unlink_file
    poll_oneoff proc_exit proc_raise sched_yield random_get
    sock_accept sock_recv sock_send sock_shutdown
    """.split()
)

WASI_02_PACKAGES = ("wasi:cli/", "wasi:clocks/", "wasi:filesystem/", "wasi:io/", "wasi:random/", "wasi:sockets/")


def called(item: Import) -> str:
    """The name of an import; of a component's, that of the interface."""
    return f"{item.module} {item.name}".strip()


def provided(item: Import, generations: Collection[str]) -> bool:
    """Whether hosts of these WASI generations ("" is preview 1, "p2", "p3") give this import."""
    if item.module == PREVIEW1_MODULE:
        return "" in generations and item.name in PREVIEW1
    name = f"{item.module}{item.name}" if item.module.startswith("wasi:") else item.name
    interface, _, version = name.partition("@")
    if not interface.startswith(WASI_02_PACKAGES):
        return False
    return ("p2" in generations and version.startswith("0.2")) or ("p3" in generations and version.startswith("0.3"))
