"""Measures what `explain` makes of a client whose library it does not know.

`python -m tools.messages.hold_out`: for each corpus of tests/corpora/clients the files of the table
that explain this client's library are left out, and the corpus is measured with them and without.
What is right without them is right by the rows of other libraries and by families of sentences, as
with a client that nobody has recorded. `--only WORD` keeps the corpora whose name has the word.
"""

import argparse
from pathlib import Path
from typing import Final

from probe.messages.explain import explain
from probe.messages.table import MessageTable, parse_table
from tools.messages.measure import is_right, read_texts

_ROOT: Final = Path(__file__).parents[2]
_CLIENTS: Final = _ROOT / "tests" / "corpora" / "clients"
_TABLE: Final = _ROOT / "probe" / "messages" / "table"

_LIBRARIES: Final = (
    ("bun", "bun boringssl"),
    ("collector", "collector go grpc_go exporters_go"),
    ("curl_gnutls", "curl gnutls"),
    ("curl_nss", "curl nss"),
    ("curl", "curl openssl"),
    ("deno", "deno rustls"),
    ("dotnet", "dotnet schannel windows_languages"),
    ("elixir", "erlang"),
    ("erlang", "erlang"),
    ("gnutls", "gnutls"),
    ("go", "go grpc_go collector exporters_go"),
    ("grpc", "node exporters_node"),
    ("java", "java_net jsse other_jvm otel_java exporters_java"),
    ("node", "node exporters_node openssl"),
    ("okhttp", "okhttp jsse java_net otel_java exporters_java"),
    ("openssl", "openssl"),
    ("perl", "perl"),
    ("php", "php curl"),
    ("python_curl", "curl boringssl"),
    ("python_grpc", "python exporters_python boringssl"),
    ("python_mbedtls", "mbedtls"),
    ("python_otlp_grpc", "python exporters_python boringssl"),
    ("python_pycurl", "curl gnutls"),
    ("python", "python exporters_python"),
    ("ruby", "ruby"),
    ("rust", "rustls exporters_others"),
    ("tonic", "rustls exporters_others"),
    ("undici", "node exporters_node"),
    ("wget", "gnutls"),
)
"""The beginning of a corpus's name, and the files of the table that only its library explains."""


def list_left_out(corpus: str) -> tuple[str, ...]:
    """Return the files of the table that are left out for a corpus."""
    name = corpus.removeprefix("server-").removeprefix("pair-")
    return next(
        (tuple(files.split()) for start, files in _LIBRARIES if name.startswith(start)),
        (name.partition("-")[0],),
    )


def load_table(left_out: tuple[str, ...]) -> MessageTable:
    """Return the table without some of its files."""
    files = {file.stem: file.read_text(encoding="utf-8") for file in sorted(_TABLE.glob("*.toml"))}
    return parse_table({name: text for name, text in files.items() if name not in left_out})


def count_right(corpus: Path, table: MessageTable) -> tuple[int, int]:
    """Return how many texts of a corpus are right, and how many there are."""
    texts = read_texts(corpus)
    return sum(is_right(explain(each["text"], table), each["cause"]) for each in texts), len(texts)


def main() -> None:
    """Print one line for each corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    whole = load_table(())
    tables: dict[tuple[str, ...], MessageTable] = {}
    sums = [0, 0, 0]
    print(f"{'corpus':32} {'texts':>5} {'right':>5} {'held out':>8}  without")
    for corpus in sorted(_CLIENTS.glob("*.jsonl")):
        if options.only not in corpus.stem:
            continue
        left_out = list_left_out(corpus.stem)
        table = tables.setdefault(left_out, load_table(left_out))
        right, count = count_right(corpus, whole)
        held_out, _ = count_right(corpus, table)
        print(f"{corpus.stem:32} {count:5} {right:5} {held_out:8}  {', '.join(left_out)}")
        sums = [sums[0] + count, sums[1] + right, sums[2] + held_out]
    print(f"{'all':32} {sums[0]:5} {sums[1]:5} {sums[2]:8}")


if __name__ == "__main__":
    main()
