"""A Collector's TLS settings as plain frozen data, and `Secret`, the text that nothing shows."""

from dataclasses import dataclass
from typing import NoReturn, Self

from probe.text.description import describe_path


class Secret:
    """Text that no repr, log, page or JSON shows; `reveal()` is its only way out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hold `text`."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        """Show that something is held, not what."""
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        """Two secrets are equal when their texts are."""
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        """Hash by text, so that a Target can be compared and kept in a set."""
        return hash(("Secret", self._text))

    def __deepcopy__(self, memo: object) -> Self:
        """Stand for its copy: it never changes."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which would write the text."""
        raise TypeError("a Secret is not written anywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """A Collector exporter's client TLS settings, by the Collector's own key names.

    `configtls.ClientConfig` of the Collector is the source of every key's meaning; a file path is
    as the user wrote it (what can't be a path is described), and each `*_pem` holds what the file
    would.
    """

    ca_file: str | None = None
    ca_pem: str | None = None
    cert_file: str | None = None
    cert_pem: str | None = None
    key_file: str | None = None
    key_pem: Secret | None = None
    include_system_ca_certs_pool: bool = False
    insecure: bool = False
    insecure_skip_verify: bool = False
    server_name_override: str = ""
    min_version: str = ""
    max_version: str = ""
    cipher_suites: tuple[str, ...] = ()
    include_insecure_cipher_suites: bool = False
    curve_preferences: tuple[str, ...] = ()
    reload_interval: float | None = None

    def __post_init__(self) -> None:
        """Put a description in the place of what can't be a path: it may be the key itself."""
        for name in ("ca_file", "cert_file", "key_file"):
            text = getattr(self, name)
            if text and (shown := describe_path(text)) != text:
                object.__setattr__(self, name, shown)

    @property
    def has_client_certificate(self) -> bool:
        """Whether the user asked for a client certificate, by either half of the pair."""
        return any((self.cert_file, self.cert_pem, self.key_file, self.key_pem))

    @property
    def plaintext(self) -> bool:
        """Whether the connection has no TLS: `insecure` and no CA (configtls.ClientConfig)."""
        return self.insecure and not (self.ca_file or self.ca_pem)
