"""Whose rights decide when the probe opens a file for an exporter of another user.

The kernel decides, ACLs and all, where the probe may take the exporter's ids for its access to files
(setfsuid(2)): on a thread of its own, which ends thereafter. Elsewhere the mode bits and the ACL are
read and judged here, as acl(5) says.
"""

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from probe.model.surroundings import RunningProcess
from probe.surroundings.file_view import ViewError
from probe.surroundings.linux_calls import (
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    set_effective,
    set_file_ids,
    set_groups,
)
from probe.surroundings.process_entry import ProcessEntry, identify_file

_BYPASS: Final = frozenset({CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH})
_READ, _SEARCH = 4, 1
_ACL: Final = "system.posix_acl_access"
_ACL_ENTRY: Final = 8
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""Tags of <linux/posix_acl.h>."""


class UnreadableHereError(ViewError):
    """The exporter may read a file, and the probe may not."""


@dataclass(frozen=True, slots=True)
class IdRanges:
    """The ids of a user namespace as this process sees them (user_namespaces(7)): first, count."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, number: int) -> bool:
        """Return whether the id has a meaning in that namespace."""
        return any(first <= number < first + count for first, count in self.ranges)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads, as the kernel would judge it."""

    process: RunningProcess
    bypasses: bool
    """Whether its capabilities open every file of the ids below."""
    uids: IdRanges | None = None
    """Those that its capabilities reach; None: all."""
    gids: IdRanges | None = None

    def bypasses_for(self, found: os.stat_result) -> bool:
        """Return whether it needs no permission (capable_wrt_inode_uidgid in the kernel)."""
        return (
            self.bypasses
            and (self.uids is None or found.st_uid in self.uids)
            and (self.gids is None or found.st_gid in self.gids)
        )


def describe_user(entry: ProcessEntry) -> Reader:
    """Return who the process is, with the reach of its capabilities.

    Those of a process in another user namespace are good for the ids which that one maps.
    """
    process = entry.process
    if not process.reads_everything:
        return Reader(process, bypasses=False)
    if entry.identify("ns/user") == identify_file("/proc/self/ns/user"):
        return Reader(process, bypasses=True)
    uids, gids = (_read_ranges(entry.read(name)) for name in ("uid_map", "gid_map"))
    return Reader(process, True, uids, gids)


def _read_ranges(raw: bytes) -> IdRanges:
    """Return the outer ids of a map: each line has inner id, outer id and count."""
    ranges = []
    for line in raw.splitlines():
        with suppress(ValueError):
            _, first, count = map(int, line.split())
            ranges.append((first, count))
    return IdRanges(tuple(ranges))


def borrow_rights(reader: Reader) -> "BorrowedRights | JudgedRights":
    """Take the rights of `reader` for this thread, which must do nothing else and end thereafter."""
    process = reader.process
    if reader.bypasses and reader.uids is None:
        return JudgedRights(reader)
    try:
        set_groups(process.groups)
        set_file_ids(process.uid, process.gid)
        set_effective(_BYPASS, on=False)
    except (OSError, AttributeError):
        return JudgedRights(reader)
    return BorrowedRights(reader)


@dataclass(frozen=True, slots=True)
class BorrowedRights:
    """The kernel judges: this thread has the reader's ids."""

    reader: Reader

    def open(
        self, name: str, flags: int, folder: int, found: os.stat_result, *, search: bool
    ) -> int:
        """Open `name` in `folder` as the reader."""
        del search
        try:
            return os.open(name, flags, dir_fd=folder)
        except PermissionError:
            if not self.reader.bypasses_for(found):
                raise
        set_effective(_BYPASS, on=True)
        try:
            return os.open(name, flags, dir_fd=folder)
        finally:
            set_effective(_BYPASS, on=False)


@dataclass(frozen=True, slots=True)
class JudgedRights:
    """The bits and the ACL of each file are judged here; the probe opens it with its own rights."""

    reader: Reader

    def open(
        self, name: str, flags: int, folder: int, found: os.stat_result, *, search: bool
    ) -> int:
        """Open `name` in `folder` where the reader may."""
        wanted = _SEARCH if search else _READ
        bits = find_permissions(self.reader, found, _read_acl(name, folder, search=search))
        if not bits & wanted and not self.reader.bypasses_for(found):
            raise PermissionError(13, os.strerror(13))
        try:
            return os.open(name, flags, dir_fd=folder)
        except PermissionError:
            who = self.reader.process.name
            raise UnreadableHereError(
                f"the probe may not read a file that {who} may read: it needs the same user and "
                "groups as that process, or CAP_DAC_READ_SEARCH"
            ) from None


def find_permissions(reader: Reader, found: os.stat_result, acl: bytes = b"") -> int:
    """Return the bits (4 read, 2 write, 1 search) that `reader` has on a file, as acl(5) says."""
    process, mode = reader.process, stat.S_IMODE(found.st_mode)
    groups = {process.gid, *process.groups}
    if process.uid == found.st_uid:
        return mode >> 6 & 7
    # The kernel does not ask the ACL where its mask, which the group's bits show, gives nothing.
    entries = _parse_acl(acl) if mode & 0o070 else []
    if not entries:
        return (mode >> 3 if found.st_gid in groups else mode) & 7
    mask = next((bits for tag, bits, _ in entries if tag == _MASK), 7)
    for tag, bits, number in entries:
        if tag == _USER and number == process.uid:
            return bits & mask
    of_groups = [
        bits
        for tag, bits, number in entries
        if (tag == _GROUP_OBJ and found.st_gid in groups) or (tag == _GROUP and number in groups)
    ]
    if of_groups:
        # Any of them that has the wanted bit is enough.
        return (of_groups[0] if len(of_groups) == 1 else _join_bits(of_groups)) & mask
    return mode & 7


def _join_bits(each: list[int]) -> int:
    joined = 0
    for bits in each:
        joined |= bits
    return joined


def _parse_acl(raw: bytes) -> list[tuple[int, int, int]]:
    """Return tag, permissions and id of each entry (struct posix_acl_xattr_entry, version 2)."""
    if len(raw) < 4 or int.from_bytes(raw[:4], "little") != 2:
        return []
    entries = (raw[at : at + _ACL_ENTRY] for at in range(4, len(raw), _ACL_ENTRY))
    return [
        (
            int.from_bytes(one[:2], "little"),
            int.from_bytes(one[2:4], "little"),
            int.from_bytes(one[4:], "little"),
        )
        for one in entries
        if len(one) == _ACL_ENTRY
    ]


def _read_acl(name: str, folder: int, *, search: bool) -> bytes:
    """Return the ACL of the directory that is searched, or of the file that is read; empty without.

    getxattr(2) takes no descriptor of O_PATH: the way is through procfs.
    """
    path = f"/proc/thread-self/fd/{folder}" + ("" if search or name == "." else f"/{name}")
    try:
        return os.getxattr(path, _ACL, follow_symlinks=search or name == ".")
    except OSError:
        return b""
