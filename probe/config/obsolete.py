"""Keys of the configuration that no longer have an effect: each is a warning for one release."""

from collections.abc import Iterator

from probe.config.yaml_document import Document

_ALERTMANAGER = (
    "alertmanager has no effect any more, and the next release refuses it: the probe sends no "
    "alerts. Let Prometheus scrape /metrics and evaluate the output of `mtls-probe rules`, name "
    "your Alertmanager under alerting in Prometheus's own configuration, and remove the key here"
)


def obsolete_keys(document: Document) -> Iterator[str]:
    """Yield a warning for each obsolete key of `document`; none of its value is shown."""
    if isinstance(document.value, dict) and "alertmanager" in document.value:
        path = ("alertmanager",)
        line = document.line(path)
        yield f"{document.file_of(path)}, line {line}: {_ALERTMANAGER}"
