"""What a jar of a Java process is: the names in its directory, which say what is packed into it.

The file is the process's own, and may hold anything: what is read of it is bounded, and a file that
is not a jar has no names. Nested jars (Spring Boot) count by their own names.
"""

import struct
from typing import BinaryIO, Final

_END: Final = b"PK\x05\x06"
_END_SIZE: Final = 22
_LONGEST_COMMENT: Final = 0xFFFF
_LARGEST_DIRECTORY: Final = 16 << 20


def read_jar_directory(file: BinaryIO) -> bytes:
    """Return the central directory of a zip file as it is written (APPNOTE 4.3.12), else nothing."""
    try:
        size = file.seek(0, 2)
        tail = min(size, _END_SIZE + _LONGEST_COMMENT)
        file.seek(size - tail)
        end = file.read(tail)
        at = end.rfind(_END)
        if at < 0 or at + _END_SIZE > len(end):
            return b""
        length, _ = struct.unpack_from("<II", end, at + 12)
        if length > _LARGEST_DIRECTORY:
            return b""
        # As every reader of zip files has it: something may stand before the archive.
        begin = size - tail + at - length
        file.seek(max(begin, 0))
        return file.read(length)
    except (OSError, ValueError):
        return b""
