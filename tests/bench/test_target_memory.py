"""A target keeps little alive: what a service allocates for each one more, in bytes that hold anywhere.

Each target has another host, name and label, as in a real fleet, and a service of its own is made for
each size of fleet, so that nothing but the targets differs. `make bench ONLY=fleet` measures what the
process of a large fleet takes.
"""

import gc
import json
import logging
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final

import click
import pytest

from probe.cli.load_configuration import make_loader
from probe.config.configuration import Configuration
from probe.service.service import Service
from tests.support.demo_pki import PKI

pytestmark = [
    pytest.mark.serial,
    pytest.mark.slow,
    pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="counted on Python 3.11"),
]

COUNTED: Final = 7_200
"""Bytes of a target when they were last counted."""
LARGEST: Final = 1.05
SMALLEST: Final = 0.9
"""Less than this is an improvement that belongs into the number, or a later loss is not seen."""
ATTEMPTS: Final = 6
FEW: Final = 30
MANY: Final = 130


async def load(folder: Path, port: int, count: int) -> Configuration:
    """Return a configuration of so many targets, read from a file."""
    settings = PKI.settings(folder, PKI.exporter())
    tls = {"ca_file": settings.ca_file, "cert_file": settings.cert_file,
           "key_file": settings.key_file, "server_name_override": "localhost"}  # fmt: skip
    targets: list[dict[str, Any]] = [
        {
            "name": f"collector-{number:05}",
            "endpoint": f"https://127.0.{number // 200}.{number % 200 + 1}:{port}",
            "labels": {"team": f"team-{number % 50}", "pod": f"pod-{number:05}"},
        }
        for number in range(count)
    ]
    file = folder / f"fleet-{count}.yml"
    file.write_text(json.dumps({"defaults": {"tls": tls}, "targets": targets}), encoding="utf-8")
    with click.Context(click.Command("run")):
        loader = make_loader(file, None, human=False)
    return await loader.read()


async def attempt_all(configuration: Configuration) -> Service:
    """Return a service that has attempted each target some times."""
    service = Service(configuration)
    service._schedule.replace(configuration.targets)
    for _ in range(ATTEMPTS):
        for target in configuration.targets:
            assert await service._attempt(target)
    return service


async def test_a_target_keeps_as_little_alive_as_it_did(tmp_path: Path) -> None:
    """Evidence, diagnosis, history, experiments, request, samples, settings: all of it."""
    backend = PKI.backend("many")
    await backend.start(host="0.0.0.0")  # each target has an address of its own
    logging.disable(logging.CRITICAL)
    gc.collect()
    tracemalloc.start()
    try:
        found = []
        for count in (FEW, FEW, MANY):  # the first one fills caches
            before = tracemalloc.get_traced_memory()[0]
            service = await attempt_all(await load(tmp_path, backend.port, count))
            gc.collect()
            found.append(tracemalloc.get_traced_memory()[0] - before)
            del service
            gc.collect()
        each = (found[2] - found[1]) / (MANY - FEW)
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)
        await backend.stop()
    assert each <= COUNTED * LARGEST, f"{each:.0f} bytes of a target, and it was {COUNTED}"
    assert each >= COUNTED * SMALLEST, f"only {each:.0f} bytes of a target: write that into COUNTED"
