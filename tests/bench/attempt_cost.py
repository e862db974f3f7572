"""CPU of one full attempt against the client end of a bare pyOpenSSL handshake, as a ratio.

The backend runs in a process of its own, so that only the probe's CPU is counted. Full means:
mutual TLS 1.3, accept, an empty gRPC export, diagnosis, ledger and metrics updated. Bare means:
a Connection on a prebuilt Context, do_handshake and the memory BIO, with the same files, and no
socket. Ten attempts are in flight, as in a service with more than a few targets: a process that
sleeps before each attempt pays for its wake-ups too; that figure is shown as well. Both sides are
measured in turn, in one run; the ratio is the median of the rounds' ratios.
"""

import asyncio
import gc
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from OpenSSL import SSL

from probe.attempt.masking import EvidenceMasker
from probe.attempt.variant import UNVARIED, vary_offer
from probe.credentials.store import CredentialStore
from probe.diagnosis.diagnose import diagnose
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.pipeline import Pipeline
from probe.text.secret_register import SecretRegister
from tests.support.backends import Backend
from tests.support.pki import Authority, write_pem

ROUNDS = 25
ATTEMPTS = 60
IN_FLIGHT = 10
LIMIT = 1.75
SECRETS = 1000
"""Secrets in the register meanwhile, because masking evidence is a part of each attempt."""


def serve(folder: str, pipe: Connection) -> None:
    """Run a healthy gRPC backend until the parent closes its end of the pipe."""

    async def main() -> None:
        place = Path(folder)
        server_ca, client_ca = Authority.root("server CA"), Authority.root("client CA")
        server = server_ca.issue("collector", usages=("serverAuth",))
        client = client_ca.issue("exporter", sans=(), usages=("clientAuth",))
        write_pem(place, "server.crt", server.pem)
        write_pem(place, "server.key", server.key_pem)
        write_pem(place, "client-ca.crt", client_ca.pem)
        settings = TlsSettings(
            ca_file=str(write_pem(place, "ca.crt", server_ca.pem)),
            cert_file=str(write_pem(place, "tls.crt", client.pem)),
            key_file=str(write_pem(place, "tls.key", client.key_pem)),
            server_name_override="localhost",
        )
        backend = Backend(name="healthy", server=server, client_ca=client_ca)
        await backend.start()
        pipe.send((backend.port, settings))
        await asyncio.get_running_loop().run_in_executor(None, pipe.poll, None)
        await backend.stop()

    uvloop.run(main())


def bare_handshake(context: SSL.Context, server: SSL.Context) -> float:
    """Return the CPU seconds of the client's end of one handshake in memory."""
    spent = 0.0

    def timed(step: Callable[[], bytes | int | None]) -> bytes | int | None:
        nonlocal spent
        began = time.process_time()
        try:
            return step()
        except SSL.WantReadError:
            return None
        finally:
            spent += time.process_time() - began

    began = time.process_time()
    client = SSL.Connection(context, None)
    client.set_connect_state()
    client.set_tlsext_host_name(b"localhost")
    client.set_alpn_protos([b"h2"])
    spent += time.process_time() - began
    peer = SSL.Connection(server, None)
    peer.set_accept_state()
    for _ in range(3):
        timed(client.do_handshake)
        flight = timed(lambda: client.bio_read(65536))
        if isinstance(flight, bytes):
            peer.bio_write(flight)
        with suppress(SSL.WantReadError):
            peer.do_handshake()
        try:
            answer = peer.bio_read(65536)
        except SSL.WantReadError:
            continue
        timed(partial(client.bio_write, answer))
    timed(lambda: client.recv(1))
    return spent


def server_context(folder: Path) -> SSL.Context:
    """Return a server of the same files that demands a client certificate."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate_chain_file(str(folder / "server.crt"))
    context.use_privatekey_file(str(folder / "server.key"))
    context.load_verify_locations(str(folder / "client-ca.crt"))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    context.set_alpn_select_callback(lambda _connection, offered: offered[0])
    return context


@dataclass(frozen=True)
class Costs:
    """Medians over the rounds, in seconds of CPU; `ratio` is the median of full over bare."""

    full: float
    alone: float
    bare: float
    diagnosis: float
    masking: float
    ratio: float


async def measure(target: Target, folder: Path) -> Costs:
    """Measure full attempts and bare handshakes in turn."""
    ledger = Ledger([target])
    Metrics(ledger)
    register = SecretRegister()
    for number in range(SECRETS):
        register.add(f"token-{number * 7919:x}-of-another-target")
    masker = EvidenceMasker(register)
    pipeline = Pipeline(ledger, register=register)
    offer, _ = vary_offer(target.exporter, target.protocol, target.tls, UNVARIED)
    context = CredentialStore().open(target).read().context(offer)
    server = server_context(folder)
    ((_, evidence, diagnosis),) = await pipeline.probe_addresses(target)
    assert diagnosis.outcome == "confirmed", diagnosis
    gc.freeze()
    full, alone, bare, judged, masked = [], [], [], [], []

    async def several(count: int) -> None:
        for _ in range(count):
            await pipeline.probe_addresses(target)

    for _ in range(ROUNDS):
        began = time.process_time()
        await asyncio.gather(*(several(ATTEMPTS // IN_FLIGHT) for _ in range(IN_FLIGHT)))
        full.append((time.process_time() - began) / ATTEMPTS)
        bare.append(statistics.mean(bare_handshake(context, server) for _ in range(ATTEMPTS)))
        began = time.process_time()
        for _ in range(IN_FLIGHT):
            await pipeline.probe_addresses(target)
        alone.append((time.process_time() - began) / IN_FLIGHT)
        began = time.process_time()
        for _ in range(ATTEMPTS):
            diagnose(evidence)
        judged.append((time.process_time() - began) / ATTEMPTS)
        began = time.process_time()
        for _ in range(ATTEMPTS):
            masker.mask_evidence(evidence)
        masked.append((time.process_time() - began) / ATTEMPTS)
    return Costs(
        full=statistics.median(full),
        alone=statistics.median(alone),
        bare=statistics.median(bare),
        diagnosis=statistics.median(judged),
        masking=statistics.median(masked),
        ratio=statistics.median(f / b for f, b in zip(full, bare, strict=True)),
    )


def main() -> int:
    """Print the figures; exit 1 where the limit is exceeded."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        backend = spawn.Process(target=serve, args=(folder, theirs), daemon=True)
        backend.start()
        port, settings = ours.recv()
        target = Target(
            name="bench", endpoint=Endpoint("127.0.0.1", port), tls=settings, timeout=5.0
        )
        costs = uvloop.run(measure(target, Path(folder)))
        ours.close()
        backend.terminate()
    print(f"full attempt, {IN_FLIGHT} in flight  {costs.full * 1e6:6.0f} us of CPU")
    print(f"full attempt, one at a time {costs.alone * 1e6:6.0f} us of CPU")
    print(f"bare handshake, client end  {costs.bare * 1e6:6.0f} us of CPU")
    print(f"ratio                       {costs.ratio:6.2f} (limit {LIMIT})")
    print(
        f"diagnosis                   {costs.diagnosis * 1e6:6.0f} us, "
        f"{costs.diagnosis / costs.full:.1%} of an attempt (limit 3 %)"
    )
    print(
        f"masking                     {costs.masking * 1e6:6.0f} us with {SECRETS} secrets, "
        f"{costs.masking / costs.full:.1%} of an attempt (limit 3 %)"
    )
    return 0 if costs.ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
