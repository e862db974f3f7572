"""How Java's exporters judge a server's chain: JSSE's X509TrustManagerImpl over PKIX.

opentelemetry-java makes a key store of the given certificates and the default TrustManagerFactory.
The senders of the JDK and gRPC's Netty channel let JSSE compare the name (HTTPS endpoint
identification); OkHttp compares it afterwards. Measured with OpenJDK 17, OkHttp 5.5, grpc-java
1.85 and Netty 4.2. Rules name classes of sun.security.
"""

from collections.abc import Callable
from typing import Final

from probe.exporters.java_certificate import JavaCertificate, JavaRefusal, read_for_java
from probe.exporters.java_checkers import (
    HANDLED,
    VALIDATION,
    Problem,
    check_dates,
    check_end_entity,
    check_handshake_key,
    check_path,
    may_issue,
    name_unhandled,
)
from probe.exporters.java_names import canonicalize_for_java
from probe.exporters.path_faults import (
    find_large_message,
    get_pool,
    make_fault,
    make_refusing_verdict,
    make_trusting_verdict,
)
from probe.exporters.path_verdict import PathRequest, PathVerdict, Verifier
from probe.model.path_fault import PathFault, PathFaultKind
from probe.x509 import extensions as ext

NameCheck = Callable[[JavaCertificate, str], str]
"""Returns what is printed where the name is not the certificate's; empty where it is."""

MAX_CHAIN: Final = 10
MAX_MESSAGE_BYTES: Final = 32_768
MAX_ANCHORS_READ: Final = 500
MAX_CANDIDATES: Final = 64
MAX_STEPS: Final = 2_000
_BUILDING: Final = (
    "PKIX path building failed: unable to find valid certification path to requested target"
)


def make_verifier(check_name: NameCheck) -> Verifier:
    """Return the model of a client that compares names in that way."""

    def verify(request: PathRequest) -> PathVerdict:
        return _verify(request, check_name)

    return verify


def _verify(request: PathRequest, check_name: NameCheck) -> PathVerdict:
    large = _find_large(request)
    if large is not None:
        return make_refusing_verdict(request, large)
    chain: list[JavaCertificate] = []
    for place, der in enumerate(request.chain):
        read = read_for_java(der)
        if isinstance(read, JavaRefusal):
            says = f"Failed to parse server certificates: {read.says}"
            fault = PathFault(
                kind="unreadable", position=place, value=read.value, rule="X509CertImpl", says=says
            )
            return make_refusing_verdict(request, fault)
        chain.append(read)
    if not chain:
        return make_refusing_verdict(request, PathFault(kind="no_anchor", says="no certificates"))
    anchors = _Anchors(request)
    if anchors.unreadable is not None:
        return make_refusing_verdict(request, anchors.unreadable)
    found = _Validation(request, chain, anchors).validate()
    problem = found if isinstance(found, Problem) else None
    if problem is None and not isinstance(found, Problem) and len(found) > 1:
        problem = check_end_entity(chain[0])
    if problem is None:
        problem = check_handshake_key(chain[0])
    if problem is None and request.reference:
        says = check_name(chain[0], request.reference)
        if says:
            limit = request.reference
            problem = Problem("name_mismatch", chain[0].raw, "HostnameChecker", says, "", limit)
    if problem is not None or isinstance(found, Problem):
        return make_refusing_verdict(request, _to_fault(request, problem))
    return make_trusting_verdict(request, [each.raw for each in found])


def _find_large(request: PathRequest) -> PathFault | None:
    """As jdk.tls.maxHandshakeMessageSize and jdk.tls.client.maxInboundCertificateChainLength."""
    count = len(request.chain)
    if count > MAX_CHAIN:
        says = f"The certificate chain length ({count}) exceeds the maximum allowed length"
        return PathFault(
            kind="too_complex",
            value=str(count),
            limit=str(MAX_CHAIN),
            rule="CertificateMessage",
            says=says,
        )
    says = "The size of the handshake message"
    return find_large_message(request, MAX_MESSAGE_BYTES, "SSLConfiguration", says)


def _to_fault(request: PathRequest, problem: Problem | None) -> PathFault:
    assert problem is not None
    return make_fault(
        problem.kind,
        request,
        problem.certificate,
        value=problem.value,
        limit=problem.limit,
        rule=problem.rule,
        says=problem.says,
    )


class _Anchors:
    """The key store: a file with one certificate that the JDK does not read makes none."""

    def __init__(self, request: PathRequest) -> None:
        self._pool = get_pool(request)
        self.unreadable: PathFault | None = None
        for place, der in enumerate(self._pool):
            if place >= MAX_ANCHORS_READ:
                break
            read = read_for_java(der)
            if isinstance(read, JavaRefusal):
                self.unreadable = PathFault(
                    kind="unreadable", value=read.value, rule="X509CertImpl", says=read.says
                )
                break

    def has(self, certificate: JavaCertificate) -> bool:
        """Whether exactly this certificate is an anchor."""
        return certificate.raw.der in self._pool

    def find(self, name: bytes) -> list[JavaCertificate]:
        """Return the anchors of that subject."""
        found = self._pool.find_by_name(name, get_java_name)[:MAX_CANDIDATES]
        read = (read_for_java(anchor.der) for anchor in found)
        return [one for one in read if isinstance(one, JavaCertificate)]


def get_java_name(subject: bytes) -> object:
    """Return what the JDK compares of a name, as the key of an index of anchors."""
    found = canonicalize_for_java(subject)
    return subject if found is None else found


class _Validation:
    """As PKIXValidator.engineValidate: the chain as it was sent, and a search where that has gaps."""

    def __init__(
        self, request: PathRequest, chain: list[JavaCertificate], anchors: _Anchors
    ) -> None:
        self._at = request.at
        self._chain = chain
        self._anchors = anchors
        self._steps = MAX_STEPS

    def validate(self) -> list[JavaCertificate] | Problem:
        """Return the path with its anchor last, or the problem that is reported."""
        chain = self._chain
        if self._anchors.has(chain[0]):
            return [chain[0]]
        for place in range(1, len(chain)):
            if chain[place].subject != chain[place - 1].issuer:
                return self._build()
            if self._anchors.has(chain[place]) or self._has_key(chain[place]):
                return self._validate_path(chain[:place])
        if self._anchors.find(chain[-1].raw.issuer):
            return self._validate_path(chain)
        return self._build()

    def _has_key(self, one: JavaCertificate) -> bool:
        """Whether an anchor has the same name and key: one that was renewed."""
        return any(
            anchor.raw.spki == one.raw.spki for anchor in self._anchors.find(one.raw.subject)
        )

    def _validate_path(self, path: list[JavaCertificate]) -> list[JavaCertificate] | Problem:
        """As PKIXCertPathValidator: the first anchor that the path is valid below."""
        top = path[-1]
        problem = Problem(
            "no_anchor",
            top.raw,
            "PKIXCertPathValidator",
            f"{VALIDATION}Path does not chain with any of the trust anchors",
        )
        for anchor in self._anchors.find(top.raw.issuer):
            if not may_issue(anchor, top):
                continue
            found = self._find_problem(path, anchor)
            # The JDK tries anchors in the order of a hash: one that would do is taken for its choice.
            accepted = found or self._accept(path, anchor)
            if not isinstance(accepted, Problem):
                return accepted
            problem = accepted
        return problem

    def _accept(
        self, path: list[JavaCertificate], anchor: JavaCertificate
    ) -> list[JavaCertificate] | Problem:
        """As PKIXValidator.verifyTrustAnchor: an anchor of version 3 has to be a CA."""
        if anchor.version >= 2:
            says = f"{VALIDATION}TrustAnchor is not a CA certificate"
            if anchor.basic_constraints == -1:
                return Problem("not_a_ca", anchor.raw, "verifyTrustAnchor", says)
            if anchor.key_usage is not None and not anchor.key_usage & ext.KEY_CERT_SIGN:
                says = f"{VALIDATION}TrustAnchor does not have keyCertSign bit set"
                return Problem("not_a_ca", anchor.raw, "verifyTrustAnchor", says, "keyUsage")
        return [*path, anchor]

    def _find_problem(self, path: list[JavaCertificate], anchor: JavaCertificate) -> Problem | None:
        """As PKIXMasterCertPathValidator: from the anchor down, each checker on each certificate."""
        for problem in check_path(path, anchor, self._at, is_built=False):
            return problem
        return None

    def _build(self) -> list[JavaCertificate] | Problem:
        """As SunCertPathBuilder: a search over what was sent; the first path that is valid."""
        leaf = self._chain[0]
        unbuilt = Problem("no_anchor", leaf.raw, "SunCertPathBuilder", _BUILDING)
        if not leaf.valid_from <= self._at <= leaf.valid_until:
            return next(check_dates(leaf, self._at), unbuilt)._replace(says=_BUILDING)
        if leaf.critical - HANDLED:
            return name_unhandled(leaf)._replace(says=_BUILDING)
        self._last_problem: Problem | None = None
        found = self._search([leaf])
        if found is None:
            return (self._last_problem or self._name_gap())._replace(says=_BUILDING)
        return found

    def _name_gap(self) -> Problem:
        one = self._chain[0]
        seen = set()
        while one.raw.sha256 not in seen:
            seen.add(one.raw.sha256)
            above = [each for each in self._chain if each.subject == one.issuer]
            one = above[0] if above else one
        return Problem("no_anchor", one.raw, "SunCertPathBuilder", _BUILDING)

    def _search(self, path: list[JavaCertificate]) -> list[JavaCertificate] | Problem | None:
        self._steps -= 1
        if self._steps <= 0:
            return None
        head = path[-1]
        for anchor in self._anchors.find(head.raw.issuer):
            problem = next(check_path(path, anchor, self._at, is_built=True), None)
            if problem is None:
                return self._accept(path, anchor)
            self._last_problem = problem
            if problem.kind == "critical_extension":
                return problem
        below = len(path) - 1
        for one in self._chain:
            if one.subject != head.issuer or self._is_repeated(path, one):
                continue
            if not one.valid_from <= self._at <= one.valid_until:
                self._last_problem = next(check_dates(one, self._at), None)
                continue
            if one.critical - HANDLED:
                self._last_problem = name_unhandled(one)
                continue
            if one.basic_constraints < _count_cas(path) or one.basic_constraints == -1:
                kind: PathFaultKind = "not_a_ca" if one.basic_constraints < 0 else "path_length"
                self._last_problem = Problem(kind, one.raw, "ForwardBuilder", _BUILDING)
                continue
            if one.key_usage is not None and not one.key_usage & ext.KEY_CERT_SIGN:
                self._last_problem = Problem("not_a_ca", one.raw, "KeyChecker", _BUILDING)
                continue
            if below and head.is_self_issued and one.is_self_issued:
                return None
            found = self._search([*path, one])
            if found is not None:
                return found
        return None

    def _is_repeated(self, path: list[JavaCertificate], one: JavaCertificate) -> bool:
        return any(
            each.raw.der == one.raw.der
            or (
                each.subject == one.subject
                and each.raw.spki == one.raw.spki
                and each.names == one.names
            )
            for each in path
        )


def _count_cas(path: list[JavaCertificate]) -> int:
    return sum(not each.is_self_issued for each in path[1:])
