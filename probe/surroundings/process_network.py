"""The network of a running process: whether it is the probe's own, and how a thread enters it.

setns(2) moves one thread, and nothing moves it back: only a thread that ends thereafter enters. A
socket stays in the namespace in which it was made (network_namespaces(7)).
"""

import errno
import os
from typing import Final

from probe.model.surroundings import RunningProcess
from probe.surroundings.file_view import ViewError
from probe.surroundings.linux_calls import enter_network
from probe.surroundings.process_entry import NoRightError, enter_process, identify_file

ENTER: Final = "CAP_SYS_ADMIN"
LOOK: Final = "CAP_SYS_PTRACE"
"""What it takes to enter a network that is another one, and to see whether it is."""
_OWN: Final = "/proc/self/ns/net"
_FORBIDDEN: Final = frozenset({errno.EPERM, errno.EACCES})


class NetworkClosedError(Exception):
    """The probe may not enter the network of a process; `right` is what it lacks (capabilities(7))."""

    def __init__(self, right: str) -> None:
        """Carry the right."""
        super().__init__(right)
        self.right = right


def is_own_network(process: RunningProcess) -> bool:
    """Return whether `process` has the network that the probe has.

    Raises:
        NetworkClosedError: where the probe may not even look.
        ProcessEndedError: where the process has ended.
    """
    with enter_process(process) as entry:
        try:
            return entry.identify("ns/net") == identify_file(_OWN)
        except NoRightError:
            raise NetworkClosedError(LOOK) from None


def join_network(process: RunningProcess) -> None:
    """Move this thread, which must end when its work is done, into the network of `process`.

    Raises:
        NetworkClosedError: where the probe may not.
        ProcessEndedError: where the process has ended.
        ViewError: for another reason.
    """
    with enter_process(process) as entry:
        try:
            descriptor = entry.open("ns/net", os.O_RDONLY)
        except NoRightError:
            raise NetworkClosedError(LOOK) from None
        try:
            enter_network(descriptor)
        except OSError as error:
            if error.errno in _FORBIDDEN:
                raise NetworkClosedError(ENTER) from None
            name = errno.errorcode.get(error.errno or 0, str(error.errno))
            raise ViewError(
                f"the network of process {process.pid} was not entered: {name}"
            ) from None
        finally:
            os.close(descriptor)
