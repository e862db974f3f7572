"""Reads configuration as a process finds it: below its root, from its directory, with its rights."""

from probe.config.yaml_document import MAX_BYTES
from probe.model.surroundings import RunningProcess
from probe.surroundings.file_view import IrregularFileError, ViewError
from probe.surroundings.open_view import open_view


def read_process_file(process: RunningProcess, path: str) -> bytes:
    """Return the first bytes of a file, one more than the limit of a longer one.

    Raises:
        OSError: as the process gets it.
        ValueError: where the probe cannot look, or it is not a regular file.
    """
    try:
        return open_view(process).read(path, MAX_BYTES + 1)
    except IrregularFileError:
        raise ValueError("it is not a regular file") from None
    except ViewError as error:
        raise ValueError(error.detail) from None
