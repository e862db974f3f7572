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


def read(raw: bytes, role: Role = "cert") -> Content:
    """Read `raw` as a file of that role."""
    return read_content(raw, NamedFile(role, f"/etc/otel/{role}"))


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
def test_harmless_surroundings(raw: bytes) -> None:
    """CRLF, text, comments and white space are nothing to speak of."""
    content = read(raw)

    assert content.certificates == (LEAF.der,)
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
    """Each form of a key is read, and is in no repr."""
    content = read(raw, "key")

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


def test_a_damaged_certificate_is_found_next_to_whole_ones() -> None:
    """The whole one is read; whether the other stops an exporter is for its model to say."""
    damaged = LEAF.pem.replace(b"\n", b"\n!", 2)
    bundle = read(CA.pem + damaged, "ca")

    assert bundle.certificates == (CA.der,)
    assert "damaged base64" in only_fault(bundle).fact
    assert only_fault(read(damaged, "ca")).cause == "server_ca_file_malformed"


@pytest.mark.parametrize(
    ("raw", "role"), [(LEAF.pem, "cert"), (LEAF.key_pem, "key"), (CA.pem, "ca")]
)
def test_a_byte_order_mark_is_odd(raw: bytes, role: Role) -> None:
    """It hides a block from some readers: a remark, with the command that removes it."""
    content = read(BOM + raw, role)

    assert content.faults == ()
    assert "byte order mark" in content.remarks[0].fact
    assert content.remarks[0].fix[0].startswith("sed ")


ODD = {
    "a mark before the second block": (CA.pem + BOM + LEAF.pem, "byte order mark stands before"),
    "two carriage returns": (LEAF.pem.replace(b"\n", b"\r\r\n"), "two carriage returns"),
    "a header": (LEAF.pem.replace(b"-----\n", b"-----\nComment: x\n\n", 1), "header, at line 2"),
    "empty lines": (LEAF.pem.replace(b"\n", b"\n\n"), "empty lines"),
}


@pytest.mark.parametrize(("raw", "fact"), ODD.values(), ids=ODD)
def test_what_hides_a_whole_block_from_some_readers(raw: bytes, fact: str) -> None:
    """The block is read here, and what is odd about it is named."""
    content = read(raw)

    assert LEAF.der in content.certificates
    assert fact in content.remarks[0].fact


BROKEN = {
    "END and BEGIN joined": (
        (LEAF.pem + CA.pem).replace(b"-----\n-----BEGIN", b"----------BEGIN"),
        "a line break is missing",
    ),
    "only the rest indented": (
        LEAF.pem.replace(b"\n", b"\n    ").rstrip(b" "),
        "the END line of the CERTIFICATE block",
    ),
    "an invisible character": ("\u200b".encode() + LEAF.pem, "an invisible character"),
    "commented out": (b"# " + LEAF.pem.replace(b"\n", b"\n# "), "commented out"),
}


@pytest.mark.parametrize(("raw", "fact"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_a_block(raw: bytes, fact: str) -> None:
    """The line and what is wrong with it are named, not that the file should be copied again."""
    fault = read(raw).faults[0]

    assert fact in fault.fact
    assert "/etc/otel/cert" in fault.fact


@pytest.mark.parametrize("role", ["cert", "key"])
def test_what_is_commented_out_next_to_a_good_block_is_no_fault(role: Role) -> None:
    """An old certificate or key, kept as a comment, says nothing about the one in use."""
    good = LEAF.pem if role == "cert" else LEAF.key_pem
    old = b"".join(b"# " + line + b"\n" for line in good.split(b"\n"))

    for raw in (good + old, old + good):
        content = read(raw, role)
        assert content.faults == content.remarks == ()
        assert content.certificates or content.key


def test_the_faults_of_one_file_are_bounded() -> None:
    """A file of nothing but BEGIN lines has a handful of them."""
    assert len(read(b"-----BEGIN CERTIFICATE-----\n" * 30_000).faults) <= 5


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
)  # fmt: skip
def test_any_bytes_are_read_without_an_exception(raw: bytes, role: Role) -> None:
    """Whatever a file holds comes back as content or as a fault, and every fact is one safe line."""
    content = read(raw, role)

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


def test_a_short_block_at_the_end_of_a_file_has_no_empty_lines() -> None:
    """A key of one line (Ed25519), and the end of the file behind it."""
    short = b"-----BEGIN PRIVATE KEY-----\nMC4CAQA=\n-----END PRIVATE KEY-----\n"

    assert scan_pem(short).oddities == ()
    blank = short.replace(b"MC4C", b"\nMC4C")
    assert [oddity.kind for oddity in scan_pem(blank).oddities] == ["blank"]
