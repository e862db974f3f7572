"""What is recognised of any byte string, and the exact step that corrects it."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.credentials.content import Content, read_content
from probe.credentials.formats.pem import scan_pem
from probe.credentials.formats.recognise import Format, recognise_format
from probe.credentials.named_file import COMMAND, NamedFile
from probe.model.finding import Role
from tests.support.pki import key_pem
from tests.support.strange_files import CA, ENCRYPTION, LEAF, RSA, STRANGE, only_fault

BOM = b"\xef\xbb\xbf"


def read(raw: bytes, role: Role = "cert", *, go: bool = False) -> Content:
    """Read `raw` as a file of that role."""
    return read_content(raw, NamedFile(role, f"/etc/otel/{role}", go=go))


HARMLESS = {
    "plain": LEAF.pem,
    "crlf": LEAF.pem.replace(b"\n", b"\r\n"),
    "text around": b"subject=CN = client\n\n" + LEAF.pem + b"# a comment\n",
    "trailing white space": LEAF.pem.replace(b"\n", b" \t\n"),
    "no last newline": LEAF.pem.rstrip(),
    "combined with its key": LEAF.pem + LEAF.key_pem,
    "key first": LEAF.key_pem + LEAF.pem,
    "text with a BOM": BOM + b"# made by an editor\n" + LEAF.pem,
}


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize("go", [True, False], ids=["go", "openssl"])
def test_harmless_surroundings(raw: bytes, go: bool) -> None:
    """CRLF, text, comments and white space hide nothing from any reader."""
    content = read(raw, go=go)

    assert content.certificates == (LEAF.certificate,)
    assert content.faults == content.remarks == ()


KEYS = {
    "pkcs8": key_pem(RSA),
    "pkcs1": key_pem(RSA, PrivateFormat.TraditionalOpenSSL),
    "sec1": key_pem(LEAF.key, PrivateFormat.TraditionalOpenSSL),
    "ec parameters first": b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    + key_pem(LEAF.key, PrivateFormat.TraditionalOpenSSL),
    "behind a certificate": LEAF.pem + LEAF.key_pem,
}


@pytest.mark.parametrize("raw", KEYS.values(), ids=KEYS)
def test_keys_are_read(raw: bytes) -> None:
    """Each form that Go and OpenSSL read is read, and is in no repr."""
    content = read(raw, "key", go=True)

    assert content.key is not None
    assert content.faults == ()
    assert "key=" not in repr(content)


@pytest.mark.parametrize(("raw", "role", "kind", "fact", "fix"), STRANGE.values(), ids=STRANGE)
def test_what_a_file_really_is(raw: bytes, role: Role, kind: Format, fact: str, fix: str) -> None:
    """Each strange file is named, with the step that corrects it and its own path in that step."""
    content = read(raw, role)
    fault = only_fault(content)

    assert content.format == kind
    assert fact in fault.fact
    assert fault.fact.startswith(f"/etc/otel/{role} ")
    assert fix in " ; ".join(fault.fix)
    assert all(step[0].isupper() or COMMAND.match(step) for step in fault.fix), fault.fix
    assert fault.cause == ("server_ca_file_malformed" if role == "ca" else "client_file_malformed")
    assert content.key is None


ENCRYPTED = {
    "pkcs8": key_pem(RSA, encryption=ENCRYPTION),
    "rfc 1421": key_pem(LEAF.key, PrivateFormat.TraditionalOpenSSL, ENCRYPTION),
    "der": LEAF.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, ENCRYPTION),
}


@pytest.mark.parametrize("raw", ENCRYPTED.values(), ids=ENCRYPTED)
def test_an_encrypted_key_is_its_own_cause(raw: bytes) -> None:
    """A passphrase is never asked for: the fault says how to remove it."""
    fault = only_fault(read(raw, "key"))

    assert fault.cause == "client_key_encrypted"
    assert any(step.startswith("openssl pkey") for step in fault.fix)


def test_an_encrypted_key_in_the_certificates_place_is_malformed() -> None:
    """What matters there is that it is not a certificate."""
    fault = only_fault(read(key_pem(RSA, encryption=ENCRYPTION)))

    assert fault.cause == "client_file_malformed"
    assert "private key where" in fault.fact


@pytest.mark.parametrize("line", [2, 3, 5])
def test_damaged_base64_is_found_by_its_line(line: int) -> None:
    """The line that holds what is not base64 is named, counted from the file's first."""
    lines = LEAF.pem.split(b"\n")
    lines[line - 1] = lines[line - 1][:9] + b"*" + lines[line - 1][10:]

    fault = only_fault(read(b"\n".join(lines)))

    assert f"damaged base64 at line {line}" in fault.fact


def test_a_line_that_lost_a_character_is_found() -> None:
    """Where only the length gives the damage away, the odd line is named."""
    lines = LEAF.pem.split(b"\n")
    lines[3] = lines[3][:-1]

    assert "damaged base64 at line 4" in only_fault(read(b"\n".join(lines))).fact


def test_a_damaged_ca_among_good_ones_is_a_finding() -> None:
    """Go skips it silently and so does the probe, which says so; alone it is a fault."""
    damaged = LEAF.pem.replace(b"\n", b"\n!", 2)
    bundle = read(CA.pem + damaged, "ca")

    assert bundle.certificates == (CA.certificate,)
    assert bundle.faults == ()
    assert "Go uses the other certificates" in bundle.remarks[0].fact
    assert only_fault(read(damaged, "ca")).cause == "server_ca_file_malformed"


def test_a_damaged_intermediate_is_a_fault_but_to_go() -> None:
    """OpenSSL refuses the file; a Collector starts without the intermediate, and says nothing."""
    raw = LEAF.pem + CA.pem[:-40]
    started = read(raw, go=True)

    assert "no END line" in only_fault(read(raw)).fact
    assert started.faults == ()
    assert started.certificates == (LEAF.certificate,)
    assert "no END line" in started.remarks[0].fact


def test_a_damaged_first_certificate_is_a_fault_for_all() -> None:
    """Go would take the next one for the end entity."""
    raw = LEAF.pem[:200] + b"\n" + CA.pem

    assert "no END line" in only_fault(read(raw, go=True)).fact


@pytest.mark.parametrize(
    ("raw", "role"), [(LEAF.pem, "cert"), (LEAF.key_pem, "key"), (CA.pem, "ca")]
)
def test_a_byte_order_mark_counts_for_go_only(raw: bytes, role: Role) -> None:
    """OpenSSL reads past it, Go does not: a fault for a Collector, a remark for any other."""
    strict, lenient = read(BOM + raw, role, go=True), read(BOM + raw, role)

    assert "byte order mark" in only_fault(strict).fact
    assert lenient.faults == ()
    assert "OpenSSL" in lenient.remarks[0].fact
    assert "Go" in lenient.remarks[0].fact
    assert lenient.remarks[0].fix[0].startswith("sed ")


def test_a_byte_order_mark_hides_one_anchor_of_several_from_go() -> None:
    """A Collector starts, but without the first certificate of ca_file."""
    content = read(BOM + CA.pem + LEAF.pem, "ca", go=True)

    assert content.certificates == (LEAF.certificate,)
    assert content.faults == ()
    assert "byte order mark" in content.remarks[0].fact


def test_a_begin_line_inside_a_block_opens_the_next() -> None:
    """A block that lost its end does not take the next one with it."""
    scan = scan_pem(LEAF.pem[:200] + b"\n" + CA.pem)

    assert [flaw.kind for flaw in scan.flaws] == ["truncated"]
    assert [block.der for block in scan.blocks] == [CA.der]


@settings(max_examples=400, deadline=None)
@given(
    raw=st.binary(max_size=300)
    | st.text(alphabet="-BEGIN CRTFAD\n=:ek\\", max_size=300).map(str.encode)
    | st.lists(
        st.sampled_from(
            [b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----", b"\n", b"AAAA", b"\r",
             b"-----BEGIN RSA PRIVATE KEY-----", b"-----END RSA PRIVATE KEY-----", BOM, b"\0", b"=",
             b"Proc-Type: 4,ENCRYPTED", b" ", b"\x30\x82", LEAF.der[:64], LEAF.pem[28:90]]
        ),
        max_size=20,
    ).map(b"".join),
    role=st.sampled_from(["cert", "key", "ca"]),
    go=st.booleans(),
)  # fmt: skip
def test_any_bytes_are_read_without_an_exception(raw: bytes, role: Role, go: bool) -> None:
    """Whatever a file holds comes back as content or as a fault, and every fact is one safe line."""
    content = read(raw, role, go=go)

    assert isinstance(recognise_format(raw), Format)
    assert content.faults or content.certificates or content.key
    assert all(fault.fact.isprintable() for fault in (*content.faults, *content.remarks))


@settings(max_examples=300, deadline=None)
@given(
    edits=st.lists(st.tuples(st.integers(0, 1700), st.integers(0, 255)), max_size=4),
    kept=st.integers(0, 1800),
    form=st.sampled_from([PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]),
    role=st.sampled_from(["cert", "key", "ca"]),
)
def test_no_key_body_is_ever_shown(
    edits: list[tuple[int, int]], kept: int, form: PrivateFormat, role: Role
) -> None:
    """However a key file is damaged, nothing of its base64 stands in a fact, a fix or a repr."""
    whole = key_pem(RSA, form)
    mutated = bytearray(whole)
    for at, value in edits:
        if at < len(mutated):
            mutated[at] = value
    shown = repr(read(bytes(mutated[:kept]), role)) + repr(scan_pem(bytes(mutated[:kept])))

    body = b"".join(whole.split(b"\n")[1:-2]).decode()
    assert not any(body[at : at + 12] in shown for at in range(0, len(body) - 12, 4))
