"""What a peer said is masked in every place of the evidence; what the probe wrote never is."""

from typing import Any, Final, get_args, get_origin, get_type_hints

import pytest

from probe.attempt.masking import HEXADECIMAL, TEXTS, EvidenceMasker
from probe.model.certificate import CertificateFacts, Name
from probe.model.evidence import (
    Answer,
    Ending,
    Evidence,
    Experiment,
    Handshake,
    NameCheck,
    OtherAddress,
    Recheck,
    TargetFacts,
)
from probe.model.later_judgement import LaterJudgement, RuntimePath
from probe.model.path_fault import PathFault
from probe.model.record import Record
from probe.text.secret_register import MASK, SecretRegister

SECRET: Final = "hunter2-hunter2"
OURS: Final = {
    (Handshake, "version"): "the TLS library's word",
    (Handshake, "cipher"): "the TLS library's word",
    (Handshake, "group"): "the TLS library's word",
    (Handshake, "stapled_status"): "one of three words of ours",
    (Evidence, "addresses"): "the resolver's",
    (Evidence, "peer_address"): "the resolver's",
    (OtherAddress, "address"): "the resolver's",
    (Evidence, "canary_trace_id"): "made by the probe",
    (Name, "digest"): "a digest, to compare by",
    (CertificateFacts, "sha256"): "a digest, to compare by",
    (CertificateFacts, "serial_number"): "digits",
    (CertificateFacts, "key_type"): "a word of ours",
    (CertificateFacts, "signature_hash"): "the name of an algorithm",
    (CertificateFacts, "extended_key_usage"): "names of OIDs",
    (CertificateFacts, "key_usage"): "words of RFC 5280",
    (CertificateFacts, "subject_key_id"): "hexadecimal digits",
    (CertificateFacts, "authority_key_id"): "hexadecimal digits",
    (NameCheck, "reference"): "the target's own",
    (Handshake, "verified_paths"): "digests, to compare by",
    (RuntimePath, "runtime"): "a word of ours",
    (LaterJudgement, "verified_paths"): "digests, to compare by",
    (PathFault, "sha256"): "a digest, to compare by",
    (PathFault, "rule"): "the place of a rule in a source",
}
OURS_WHOLE: Final = {"target", "credentials", "clock", "trace", "offer", "alerts"}
"""Records of settings, local files, clocks' names and numbers: nothing in them is a peer's text."""


def register() -> SecretRegister:
    """Return one that holds the secret."""
    made = SecretRegister()
    made.add(SECRET)
    return made


def holds_text(hint: Any) -> bool:
    """Return whether a value of this type may hold a text that is not one of a few words."""
    if hint is str:
        return True
    if get_origin(hint) is dict:
        return False
    return any(
        holds_text(each)
        for each in get_args(hint)
        if each is not hint and not isinstance(each, str)
    )


@pytest.mark.parametrize("kind", TEXTS)
def test_every_text_of_evidence_is_masked_or_ours(kind: type[Record]) -> None:
    """A field that is new has to be put in one of the two tables."""
    hints = get_type_hints(kind)
    texts = {name for name, hint in hints.items() if holds_text(hint)} - OURS_WHOLE
    masked = {*TEXTS[kind], HEXADECIMAL}
    if kind.__name__ == "ConnectTry":
        texts = set()
    assert texts - masked == {name for of, name in OURS if of is kind} - masked


def test_a_peer_that_repeats_it_everywhere() -> None:
    """Answer, ending, certificates, lists of CAs, first bytes; of experiments and rechecks too."""
    name = Name(text=f"CN={SECRET}", digest="00")
    certificate = CertificateFacts(
        subject=name, issuer=name, serial_number="1", not_before=0, not_after=1, sha256="aa",
        sans=(f"DNS:{SECRET}",), aia_issuers=(f"http://{SECRET}/",),
    )  # fmt: skip
    handshake = Handshake(
        alpn=SECRET, acceptable_cas=(name,), server_chain=(certificate,),
        name_check=NameCheck(reference="a", matched=False, presented=(SECRET,), common_name=SECRET),
        first_bytes=f"HTTP/1.1 400 {SECRET}".encode().hex(),
    )  # fmt: skip
    ending = Ending(stage="export", kind="answered", detail=f"x {SECRET}")
    answer = Answer(
        over="h2", http_status=400, content_type=f"text/{SECRET}", message=SECRET,
        partial_message=SECRET, server=SECRET, location=f"https://a/?t={SECRET}",
    )  # fmt: skip
    evidence = Evidence(
        target=TargetFacts(name="a", endpoint="a:1", host="a", port=1, protocol="grpc"),
        at=0.0, ending=ending, handshake=handshake, answer=answer,
        recheck=Recheck(handshake=handshake, ending=ending),
        experiments=(
            Experiment(varied="plaintext", at=0, ending=ending, handshake=handshake, answer=answer,
                       first_bytes=SECRET.encode().hex()),
        ),
    )  # fmt: skip
    masked = EvidenceMasker(register()).mask_evidence(evidence)

    assert SECRET not in repr(masked)
    assert SECRET.encode().hex() not in repr(masked)
    assert masked.handshake is not None
    assert bytes.fromhex(masked.handshake.first_bytes) == f"HTTP/1.1 400 {MASK}".encode()
    assert masked.ending.detail == f"x {MASK}"
    assert (masked.ending.stage, masked.ending.kind) == ("export", "answered")


def test_without_a_secret_nothing_is_made_anew() -> None:
    """The same object comes back, also where texts are long known."""
    evidence = Evidence(
        target=TargetFacts(name="a", endpoint="a:1", host="a", port=1, protocol="grpc"),
        at=0.0,
        ending=Ending(stage="export", kind="answered", detail="nothing to hide here"),
        answer=Answer(over="h2", http_status=200, message="all is as it should be"),
    )
    masker = EvidenceMasker(register())
    assert masker.mask_evidence(evidence) is evidence
    assert masker.mask_evidence(evidence) is evidence
    assert EvidenceMasker(SecretRegister()).mask_evidence(evidence) is evidence


def test_a_secret_that_comes_later_is_masked_in_what_is_remembered() -> None:
    """A certificate's name was looked through before the secret was known."""
    ours = register()
    masker = EvidenceMasker(ours)
    handshake = Handshake(acceptable_cas=(Name(text="CN=swordfish-2", digest="00"),))
    evidence = Evidence(
        target=TargetFacts(name="a", endpoint="a:1", host="a", port=1, protocol="grpc"),
        at=0.0,
        ending=Ending(stage="export", kind="answered"),
        handshake=handshake,
    )
    assert masker.mask_evidence(evidence) is evidence
    ours.add("swordfish-2")
    masked = masker.mask_evidence(evidence).handshake
    assert masked is not None
    assert masked.acceptable_cas[0].text == f"CN={MASK}"


class Unlisted(Record, frozen=True):
    """A record that nobody has put into the table."""

    text: str = ""
    several: tuple[str, ...] = ()
    number: float = 1.5


def test_a_record_that_is_not_in_the_table_is_masked_whole() -> None:
    """A new kind of evidence shows nothing before somebody has thought of it."""
    evidence = Unlisted(text=f"a {SECRET}", several=(SECRET, "b"))
    masked = EvidenceMasker(register())._mask(evidence)
    assert masked == Unlisted(text=f"a {MASK}", several=(MASK, "b"))
