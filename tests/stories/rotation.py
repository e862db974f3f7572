"""Stories of files that were renewed on disk, and of exporters and backends that still use the old ones."""

from probe.model.certificate import Rotation, ServedFile
from probe.model.evidence import Evidence
from tests.stories.story import story
from tests.support.certificate_facts import (
    AT,
    BACKEND,
    DAY,
    EXPORTER,
    OTHER_CA,
    SERVER_CA,
    backend,
    exporter,
)
from tests.support.evidence import answered_attempt, complete_handshake, held_credentials, target

BEFORE = exporter(begins=-360, ends=5, serial_number="0b")
RENEWED = backend(begins=-3, ends=360, serial_number="0c")
SERVER_FILE = "/etc/otelcol/server.crt"

CERT = Rotation(role="cert", path="/etc/otel/tls.crt", at=AT - DAY, before=(BEFORE,))
CA = Rotation(role="ca", path="/etc/otel/ca.crt", at=AT - DAY, before=(OTHER_CA,))


def sdk(*rotated: Rotation) -> Evidence:
    """Return a success of an SDK's target whose files were rotated."""
    settings = target(source_kinds=("sdk",), read_once=("cert", "ca"))
    return answered_attempt(
        target=settings, credentials=held_credentials(EXPORTER, rotated=rotated)
    )


@story("export", outcome="confirmed", findings=("exporter_not_reloading",))
def exporter_not_reloading() -> Evidence:
    """The certificate was renewed yesterday; an SDK that started before still has the old one."""
    return sdk(CERT)


@story("export", outcome="confirmed", findings=("exporter_not_reloading", "exporter_not_reloading"))
def exporter_not_reloading__both_files() -> Evidence:
    """Certificate and CA were both renewed: each is a finding of its own."""
    return sdk(CERT, CA)


@story("export", outcome="confirmed", findings=("exporter_not_reloading",))
def exporter_not_reloading__ca_of_a_collector() -> Evidence:
    """A Collector with reload_interval reads the pair again, and its CA never."""
    settings = target(source_kinds=("collector",), read_once=("ca",))
    return answered_attempt(
        target=settings, credentials=held_credentials(EXPORTER, rotated=(CERT, CA))
    )


def run_as_process(**held: float) -> Evidence:
    """Return a success of an SDK's process that began a day ago; `held` are the dates of its files."""
    settings = target(
        source_kinds=("sdk",),
        read_once=("cert", "ca"),
        runs_in="process 4242 (java)",
        started=AT - DAY,
    )
    return answered_attempt(target=settings, credentials=held_credentials(EXPORTER, **held))


@story("export", outcome="confirmed", findings=("exporter_not_reloading",))
def exporter_not_reloading__newer_than_the_process() -> Evidence:
    """The file was written an hour ago, and the process began a day ago."""
    return run_as_process(cert_modified=AT - 3600, ca_modified=AT - 2 * DAY)


@story("export", outcome="confirmed")
def confirmed__older_than_the_process() -> Evidence:
    """Whatever was written before the process began is what it has read."""
    return run_as_process(cert_modified=AT - 2 * DAY, ca_modified=AT - DAY)


@story("export", outcome="confirmed")
def confirmed__rotated_and_read_again() -> Evidence:
    """A Collector with reload_interval reads the renewed pair by itself: no finding."""
    settings = target(source_kinds=("collector",), read_once=("ca",))
    return answered_attempt(
        target=settings, credentials=held_credentials(EXPORTER, rotated=(CERT,))
    )


def serving(file: ServedFile, served: object = BACKEND) -> Evidence:
    """Return a success with a backend on this host whose certificate file is `file`."""
    return answered_attempt(
        credentials=held_credentials(EXPORTER, served=file),
        handshake=complete_handshake(server_chain=(served, SERVER_CA)),
    )


@story("export", outcome="confirmed", findings=("backend_not_reloading",))
def backend_not_reloading() -> Evidence:
    """The Collector's certificate was renewed three days ago, and it serves the old one."""
    file = ServedFile(path=SERVER_FILE, receiver="otlp", modified=AT - 3 * DAY, chain=(RENEWED,))
    return serving(file)


@story("export", outcome="confirmed", findings=("backend_not_reloading",))
def backend_not_reloading__in_spite_of_its_interval() -> Evidence:
    """Its reload_interval of an hour has elapsed many times."""
    file = ServedFile(
        path=SERVER_FILE,
        receiver="otlp",
        reload_interval=3600.0,
        modified=AT - 3 * DAY,
        chain=(RENEWED,),
    )
    return serving(file)


@story("export", outcome="confirmed")
def confirmed__soon_read_again() -> Evidence:
    """The file was renewed a minute ago and the receiver reads it every hour: it still has time."""
    file = ServedFile(
        path=SERVER_FILE,
        receiver="otlp",
        reload_interval=3600.0,
        modified=AT - 60,
        chain=(RENEWED,),
    )
    return serving(file)


@story("export", outcome="confirmed")
def confirmed__served_as_on_disk() -> Evidence:
    """The served certificate is the one on the disk."""
    return serving(ServedFile(path=SERVER_FILE, modified=AT - DAY, chain=(BACKEND, SERVER_CA)))


@story("export", outcome="confirmed")
def confirmed__an_older_file() -> Evidence:
    """The file is older than the served certificate: it is not the server's file."""
    file = ServedFile(path=SERVER_FILE, modified=AT - DAY, chain=(backend(begins=-200),))
    return serving(file)
