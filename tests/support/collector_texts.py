"""A Collector's configuration as tests write it: files in a mapping, read without a disk."""

from collections.abc import Mapping

from hypothesis import strategies as st

from probe.config.source_content import SourceContent
from probe.config.sources.collector.read_collector import read_collector
from probe.model.target import Target

FILE = "collector.yaml"


def reading(
    *texts: str, environ: Mapping[str, str] | None = None, files: Mapping[str, str] | None = None
) -> SourceContent:
    """Read `texts` as the Collector's files, in their order; `files` are what they refer to."""
    names = [FILE, *(f"more-{number}.yaml" for number in range(1, len(texts)))]
    held = {**dict(zip(names, texts, strict=True)), **(files or {})}

    def read_text(path: str) -> str:
        if path not in held:
            raise FileNotFoundError(2, "No such file or directory", path)
        return held[path]

    return read_collector(names, environ or {}, read_text)


def with_exporter(kind: str, *lines: str, signals: tuple[str, ...] = ("traces",)) -> str:
    """Return a configuration with one exporter, which the pipelines of `signals` use.

    The exporter is in line 2.
    """
    settings = "".join(f"    {line}\n" for line in lines)
    pipelines = "".join(
        f"    {signal}: {{receivers: [nop], exporters: [{kind}]}}\n" for signal in signals
    )
    return (
        f"exporters:\n  {kind}:\n{settings}service:\n  pipelines:\n{pipelines}"
        "receivers: {nop: }\n"
    )


def exporter(
    kind: str,
    *lines: str,
    signals: tuple[str, ...] = ("traces",),
    environ: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Target:
    """Return the one target of one exporter."""
    text = with_exporter(kind, *lines, signals=signals)
    (target,) = reading(text, environ=environ, files=files).targets
    return target


def headers_of(target: Target) -> dict[str, str]:
    """Return the headers of `target` in plaintext."""
    return {name: value.reveal() for name, value in target.headers}


_scalars = st.sampled_from(
    [None, True, 5, 1.5, "", "c:4317", "https://c", "${env:A}", "${file:a}", "$$", "traces", "::"]
) | st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=6)
_keys = st.sampled_from(
    "exporters receivers extensions service pipelines traces profiles otlp otlp_http otlp/a tls"
    " headers auth authenticator bearertokenauth headers_setter endpoint traces_endpoint tpm"
    " enabled reload_interval cipher_suites cert_file name value key protocols grpc"
    " exporters::otlp".split()
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=15,
)
_exporters = st.dictionaries(st.sampled_from(["otlp", "otlp_http", "otlp/a"]), _values, max_size=3)
_USED = {"pipelines": {"traces": {"exporters": ["otlp", "otlp_http"], "receivers": ["otlp"]}}}
collector_documents = st.dictionaries(_keys, _values, max_size=5) | st.builds(
    lambda held, receivers, extensions: {
        "exporters": held,
        "receivers": {"otlp": receivers},
        "extensions": {"bearertokenauth": extensions, "headers_setter": extensions},
        "service": _USED,
    },
    _exporters,
    _values,
    _values,
)
