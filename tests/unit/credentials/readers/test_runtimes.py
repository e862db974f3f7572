"""Every runtime's model reads files as the real exporter was seen to: each measured cell is held."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.reading import FileSet
from probe.credentials.readers.runtimes import read_as, read_as_all
from probe.model.finding import Role
from tests.lab.exporters.generators.credential_set import Absent, CredentialFiles
from tests.lab.exporters.generators.files import credential_files
from tests.lab.exporters.measured_facts import read_facts

ROLES: tuple[Role, ...] = ("cert", "key", "ca")
AS = {"collector-http": "collector"}
"""Columns of the facts whose exporter reads files as another id's."""
KNOWN = frozenset(
    {
        "odd-key-usage-octets-cert",  # keyUsage of four octets: BoringSSL reads the first alone
        "odd-rsa-exponent-even-other",  # the JDK looks at such a key's numbers only when it uses it
        "odd-rsa-modulus-negative-other",
    }
)
"""Cases of certificates that models of paths judge otherwise, each in one family of runtimes."""
CONNECTED = frozenset({"connect", "fail"})


def to_file_set(case: CredentialFiles) -> FileSet:
    """Return the case's files as the readers are given them."""
    held = {role: getattr(case, role) for role in ROLES}
    missing = frozenset(
        role for role, one in held.items() if one in {Absent.MISSING, Absent.DIRECTORY}
    )
    pem = [PemFile(one) if isinstance(one, bytes) else None for one in held.values()]
    return FileSet(*pem, missing)


def list_disagreements() -> Iterator[str]:
    """Yield each cell in which a model does not stop where the exporter did, or the reverse."""
    facts = read_facts("files")
    for case in credential_files():
        readings = read_as_all(to_file_set(case))
        for column, measured in facts.items():
            reading = readings.get(AS.get(column, column))
            answer = measured.answers.get(case.id)
            if reading is None or answer is None or case.id in KNOWN:
                continue
            stops = reading.stop is not None
            # What only the handshake shows may be no fault of the files as such.
            agrees = stops == (answer.outcome != "ok") or (
                not stops and answer.outcome in CONNECTED
            )
            if not agrees:
                yield f"{column} {case.id}: {answer.outcome} {answer.text[:80]!r}, not {reading.stop}"


NOT_YET = re.compile(
    r"\S+ (odd-|label-pkcs8(-ec)?-as-encrypted-|kind-|key-pkcs8-no-null|format-expl|plain-then-encrypted)"
)
"""Cells that were measured before their models were built: odd certificates and kinds of keys."""


def test_each_measured_exporter_reads_as_its_model() -> None:
    """No cell of any exporter disagrees."""
    assert [each for each in list_disagreements() if not NOT_YET.match(each)] == []


@pytest.mark.parametrize("name", ["collector", "java-okhttp", "python-grpc", "node-grpc", "curl"])
def test_files_that_are_not_set_are_no_fault(name: str) -> None:
    """Without any file there is nothing to stop at."""
    assert read_as_all(FileSet())[name].stop is None


def test_the_half_that_is_there_is_judged_without_the_other(tmp_path: Path) -> None:
    """A key in the certificate's place is found though no key file is set."""
    good = next(case for case in credential_files() if case.id == "base-ec")
    assert isinstance(good.key, bytes)
    reading = read_as_all(FileSet(cert=PemFile(good.key)))["collector"]

    assert [stop.why for stop in reading.stops] == ["half", "no_block"]


def bend_good(role: Role, bend: Callable[[bytes], bytes]) -> FileSet:
    """Return good EC files of which one is bent."""
    good = next(case for case in credential_files() if case.id == "base-ec")
    held = {one: getattr(good, one) for one in ROLES}
    held[role] = bend(held[role])
    return FileSet(*(PemFile(raw) for raw in held.values()))


RUST: tuple[tuple[Role, Callable[[bytes], bytes], str | None, str | None], ...] = (
    ("cert", bytes, None, None),
    ("key", lambda raw: raw[:100], "block", "block"),
    ("ca", lambda raw: b"text" + raw, "no_block", "no_block"),
    ("cert", lambda raw: raw.replace(b"\n", b"\r"), None, None),
    ("cert", lambda raw: raw.rstrip(), None, "no_block"),
)


@pytest.mark.parametrize(("role", "bend", "of_tonic", "of_reqwest"), RUST)
def test_rustls_as_its_sources_have_it(
    role: Role, bend: Callable[[bytes], bytes], of_tonic: str | None, of_reqwest: str | None
) -> None:
    """Read, not measured; reqwest is given both files as one, so that a missing line break joins them."""
    for name, why in (("rust-tonic", of_tonic), ("rust-reqwest", of_reqwest)):
        stop = read_as(name, bend_good(role, bend)).stop
        assert (None if stop is None else stop.why) == why, name
