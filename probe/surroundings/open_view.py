"""Chooses whose files a target has: this host's, a running process's, or a container's."""

from probe.model.surroundings import Container, RunningProcess, Surroundings
from probe.surroundings.container_files import ContainerFiles
from probe.surroundings.file_view import HOST_FILES, FileView
from probe.surroundings.process_files import ProcessFiles


def open_view(runs_in: Surroundings | None) -> FileView:
    """Return the files of `runs_in`; looks at none yet."""
    match runs_in:
        case RunningProcess():
            return ProcessFiles(runs_in)
        case Container():
            return ContainerFiles(runs_in)
        case None:
            return HOST_FILES
