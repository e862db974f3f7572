"""Faults of a target's files: missing, cut, swapped, expired, unreadable; and correct replacements.

A running probe keeps using the last good files, as a Collector does, so files that cannot
be used are a finding.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.faults.certificates import ClientFiles
from tests.faults.fault import Parameters, TargetFault
from tests.faults.name_server import rights_cannot_be_dropped
from tests.faults.truth import HEALTHY, Truth, truth
from tests.faults.world import Site, World

_BETWEEN: Final = frozenset({"client_cert_key_mismatch"})
"""What is true between the replacements of two files that belong together."""

Damage = Callable[[World, ClientFiles], object]


def _files(name: str, right: Truth, damage: Damage) -> TargetFault:
    def strike(world: World, site: Site, _parameters: Parameters) -> None:
        damage(world, world.files[site.name])

    def heal(world: World, site: Site, _parameters: Parameters) -> None:
        world.files[site.name].write(world.certificates, world.certificates.client())

    return TargetFault(
        name=name,
        truth=lambda _site, _parameters: right,
        strike=strike,
        heal=heal,
        on_the_way=_BETWEEN,
    )


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def _other_client(**how: object) -> Damage:
    def damage(world: World, files: ClientFiles) -> None:
        made = world.certificates
        authority = made.other_ca if how.get("of_another_ca") else None
        files.write(
            made,
            made.client(
                authority,
                expired=bool(how.get("expired")),
                usage=str(how.get("usage", "clientAuth")),
            ),
        )

    return damage


def _swap_key(world: World, files: ClientFiles) -> None:
    files.replace(files.key_file, world.certificates.client().key_pem)


def _other_ca_file(world: World, files: ClientFiles) -> None:
    files.replace(files.ca_file, world.certificates.other_ca.pem)


FILE_FAULTS: Final = (
    _files(
        "cert_file_deleted",
        truth("cert_file is gone", findings="client_file_missing"),
        lambda _world, files: files.cert_file.unlink(),
    ),
    _files(
        "key_file_deleted",
        truth("key_file is gone", findings="client_file_missing"),
        lambda _world, files: files.key_file.unlink(),
    ),
    _files(
        "ca_file_deleted",
        truth("ca_file is gone", findings="server_ca_file_missing"),
        lambda _world, files: files.ca_file.unlink(),
    ),
    _files(
        "cert_file_cut",
        truth("cert_file is cut off", findings="client_file_malformed"),
        lambda _world, files: _cut(files.cert_file),
    ),
    _files(
        "key_file_cut",
        truth("key_file is cut off", findings="client_file_malformed"),
        lambda _world, files: _cut(files.key_file),
    ),
    _files(
        "ca_file_emptied",
        truth("ca_file is empty", findings="server_ca_file_malformed"),
        lambda _world, files: files.ca_file.write_bytes(b""),
    ),
    _files(
        "key_swapped", truth("the key is another's", findings="client_cert_key_mismatch"), _swap_key
    ),
    _files(
        "client_expired",
        truth("the client certificate has expired", "client_cert_expired"),
        _other_client(expired=True),
    ),
    _files(
        "client_of_another_ca",
        truth("the client certificate is another CA's", "client_ca_untrusted"),
        _other_client(of_another_ca=True),
    ),
    _files(
        "client_for_servers",
        truth("the client certificate is for servers", "client_cert_wrong_usage"),
        _other_client(usage="serverAuth"),
    ),
    _files(
        "ca_file_of_another_ca",
        truth("ca_file holds another CA", "server_ca_untrusted"),
        _other_ca_file,
    ),
    _files("files_renewed", HEALTHY, _other_client()),
    *(
        ()
        if rights_cannot_be_dropped()
        else (
            _files(
                "key_file_unreadable",
                truth("key_file cannot be read", findings="client_file_permission"),
                lambda _world, files: files.key_file.chmod(0),
            ),
            _files(
                "ca_file_unreadable",
                truth("ca_file cannot be read", findings="server_ca_file_permission"),
                lambda _world, files: files.ca_file.chmod(0),
            ),
        )
    ),
)
