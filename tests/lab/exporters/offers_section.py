"""The part of docs/exporters.md on what each exporter offers, from what was measured."""

from collections.abc import Iterator
from typing import Final

from tests.lab.exporters.narrow import read_narrow
from tests.lab.exporters.offers import read_measured
from tests.lab.narrow_servers import NARROW, Kind

_KINDS: Final[dict[Kind, str]] = {
    "cipher": "One cipher suite",
    "group": "One key exchange group",
    "signature": "One signature scheme",
    "version": "One version of TLS",
}
_INTRO: Final = """
## Backends that take one thing

A server (nginx; Go for the hybrid groups) that allows one suite, group, signature scheme or version \
and nothing else, without a client certificate: ✓ the export arrived, ✗ it did not. The suffix is the \
version of TLS. `collector` is the Collector over gRPC.
"""


def render_offers() -> Iterator[str]:
    """Yield the section."""
    measured = read_narrow()
    yield _INTRO
    for kind, title in _KINDS.items():
        yield f"### {title}\n"
        yield f"| | {' | '.join(f'`{each}`' for each in measured)} |\n|---|{':-:|' * len(measured)}"
        yield "\n".join(
            f"| {name} | {' | '.join('✗✓'[arrived[name]] for arrived in measured.values())} |"
            for name, narrow in NARROW.items()
            if narrow.kind == kind
        )
        yield ""
    yield "## The size of the ClientHello\n"
    yield (
        "Above 1,460 bytes it takes two TCP segments, which something on the way may not bear "
        "(`client_hello_too_large`).\n"
    )
    yield "| exporter | bytes | key shares |\n|---|--:|---|"
    yield "\n".join(
        f"| `{exporter}` | {one['size']} | {one['offer']['key_shares'].replace(' ', ', ')} |"
        for exporter, one in read_measured().items()
    )
