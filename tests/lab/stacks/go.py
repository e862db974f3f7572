"""Go's crypto/tls under net/http: the Collector's own TLS, with a clock that can be moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.lab.compiled import go_server
from tests.lab.servers import process, started
from tests.lab.stack import Serving, Stack, days_ahead, lacking

PROGRAM: Final = Path(__file__).with_name("go_server.go")


@contextmanager
def serve_go(
    folder: Path, serving: Serving, *, refuses_names: bool = False, takes_any: bool = False
) -> Iterator[int]:
    """Run a backend.

    With `refuses_names` its policy accepts no verified client; with `takes_any` it names the
    authorities and takes a certificate of any other as well.
    """
    command = [str(go_server(PROGRAM)), "-tls", serving.tls]
    command += ["-cert", str(serving.server.cert_file), "-key", str(serving.server.key_file)]
    command += ["-ahead", f"{24 * days_ahead(serving.clock)}h"]
    if serving.client_ca_file is not None:
        command += ["-client-ca", str(serving.client_ca_file)]
    if takes_any:
        command.append("-any")
    if refuses_names:
        command.append("-refuse-names")
    with process(command, folder / "go.log") as log:
        yield int(started(log, r"port (\d+)")[1])


GO: Final = Stack(
    name="go",
    start=serve_go,
    missing=lacking("go"),
    # Go 1.24 and newer know X25519MLKEM768; Go takes RSA 1024, and looks neither at the keyUsage and
    # basicConstraints of the end entity nor at a list of revoked certificates.
    lets_in=frozenset(
        {"no_group", "rsa_1024", "no_digital_signature", "ca_as_end_entity", "revoked"}
    ),
    undecided={
        "expired_root_unseen": "certificate_expired (45) does not tell the root's end from a clock"
    },
)
