"""`Place`: one container with all that its exporters have in common, and how they are read from there."""

from collections.abc import Mapping
from dataclasses import dataclass

from probe.config.errors import ConfigurationError, UnknownSettingError
from probe.config.file_reader import decode_text
from probe.config.sources.manifest.container_variables import Unknown, Variables
from probe.config.sources.manifest.pods import ContainerSpec
from probe.model.surroundings import Container
from probe.surroundings.container_files import ContainerFiles, UnknownFileError


@dataclass(frozen=True, slots=True)
class Place:
    """One container."""

    title: str
    """Like `Deployment otel/gateway, container collector`."""
    spec: ContainerSpec
    container: Container
    variables: Variables
    services: Mapping[str, str]
    """The variables that the kubelet makes of Services."""
    host_aliases: Mapping[str, str]
    """The addresses that the pod's own hosts file gives to names."""
    faults: tuple[ConfigurationError, ...] = ()
    """Why it does not start."""

    def list_arguments(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return command and arguments, with their `$(NAME)` expanded.

        Raises:
            UnknownSettingError: where one of them is not known.
        """
        command, args = (
            tuple(self._expand(node.text) for node in nodes)
            for nodes in (self.spec.command, self.spec.args)
        )
        return command, args

    def _expand(self, text: str) -> str:
        value = self.variables.expand(text, services=self.services)
        if isinstance(value, Unknown):
            raise UnknownSettingError(f"its arguments are not known: {value.reason}")
        return value if isinstance(value, str) else text

    def read_file(self, path: str) -> bytes:
        """Return what the container would read at `path`.

        Raises:
            OSError: as the container would get it.
            UnknownSettingError: where the manifest does not say what is there.
        """
        try:
            return ContainerFiles(self.container).read(path, 1 << 24)
        except UnknownFileError as error:
            raise UnknownSettingError(error.detail) from None

    def read_text(self, path: str) -> str:
        """Return the text of a file.

        Raises:
            OSError, ValueError: where it cannot be read.
            UnknownSettingError: where the manifest does not say what is there.
        """
        return decode_text(self.read_file(path))

    def name_origin(self, path: str) -> str:
        """Return which object and key the file at `path` is, or the path."""
        found = (one.origin for one in self.container.files if one.path == path)
        return next(found, path)
