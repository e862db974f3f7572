"""Chooses whose files a target has: this host's, a running process's, or a container's."""

from probe.model.surroundings import Container, RunningProcess, Surroundings
from probe.surroundings.file_view import HOST_FILES, FileView


def open_view(runs_in: Surroundings | None) -> FileView:
    """Return the files of `runs_in`; looks at none yet.

    What reads as somebody else is imported on first use: most probes read their own host's files.
    """
    match runs_in:
        case RunningProcess():
            from probe.surroundings.process_files import ProcessFiles

            return ProcessFiles(runs_in)
        case Container():
            from probe.surroundings.container_files import ContainerFiles

            return ContainerFiles(runs_in)
        case None:
            return HOST_FILES
