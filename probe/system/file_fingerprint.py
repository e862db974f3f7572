"""The fingerprint of a file: equal as long as nobody has replaced or written it."""

import os

Fingerprint = tuple[int, ...]


def read_fingerprint(path: str) -> Fingerprint:
    """Return device, inode, size and times of what `path` leads to, or why they cannot be had.

    A rename, a rewrite and a swap of a directory's link each give another one. An errno stands for
    a file that cannot be looked at, -2 for a name that is not a path.
    """
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs twice as much, at each attempt
    except OSError as error:
        return (error.errno or -1,)
    except ValueError:
        return (-2,)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
