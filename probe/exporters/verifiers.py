"""Which model judges for which runtime: what `verify_path` is given."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from probe.exporters import (
    boringssl_path,
    curl_names,
    go_path,
    java_path,
    javascript_names,
    openssl_path,
    webpki_path,
)
from probe.exporters.java_hostnames import check_by_jdk, check_by_jdk_client, check_by_okhttp
from probe.exporters.openssl_path import OpenSslUse
from probe.exporters.path_verdict import Verifier

PYTHON_HTTP: Final = OpenSslUse(level=2, loads_all=True, checks_common_name=False)
"""CPython's default ciphers say @SECLEVEL=2; urllib3 never asks for a common name."""
PYTHON_3_13_HTTP: Final = replace(PYTHON_HTTP, partial=True, strict=True)
"""From Python 3.13 on, urllib3 sets VERIFY_X509_PARTIAL_CHAIN and VERIFY_X509_STRICT."""
NODE: Final = OpenSslUse(
    level=1,
    goes_on=True,
    reads_trust=True,
    check_name=javascript_names.is_named,
    name_says="Hostname/IP does not match certificate's altnames",
)
CURL: Final = OpenSslUse(
    level=2,
    partial=True,
    loads_all=True,
    wants_issuer=True,
    check_name=curl_names.is_named,
    name_says="SSL: no alternative certificate subject name matches target host name",
)
"""curl over a distribution's OpenSSL: Debian and Ubuntu build it with security level 2."""

VERIFIERS: Final[Mapping[str, Verifier]] = {
    "collector": go_path.verify_for_go,
    "go-grpc": go_path.verify_for_go,
    "go-http": go_path.verify_for_go,
    "python-grpc": boringssl_path.verify_for_grpc_core,
    "python-http": openssl_path.make_verifier(PYTHON_HTTP),
    "node-grpc": openssl_path.make_verifier(NODE),
    "node-http": openssl_path.make_verifier(NODE),
    "curl": openssl_path.make_verifier(CURL),
    "java-okhttp": java_path.make_verifier(check_by_okhttp),
    "java-jdk": java_path.make_verifier(check_by_jdk_client),
    "java-grpc": java_path.make_verifier(check_by_jdk),
    "rust-tonic": webpki_path.make_verifier("ring"),
    "rust-reqwest": webpki_path.make_verifier("aws-lc-rs"),
}


def get_verifier(runtime: str) -> Verifier:
    """Return the model of `runtime`; the Collector's where it has none."""
    return VERIFIERS.get(runtime, VERIFIERS["collector"])


IGNORE_ANCHOR_DATES: Final = frozenset(
    {"java-okhttp", "java-jdk", "java-grpc", "rust-tonic", "rust-reqwest"}
)
"""Runtimes that trust an anchor beyond its own dates: PKIX (RFC 5280 §6.1) and webpki look at none."""
