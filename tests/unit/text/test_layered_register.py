"""What one request brings is masked for it, and nowhere else."""

from probe.text.layered_register import MOST, LayeredRegister
from probe.text.secret_register import MASK, SecretRegister


def test_both_are_masked_and_nothing_goes_below() -> None:
    """The secrets of the process in the request's texts, and not the other way round."""
    below = SecretRegister()
    below.add("s3cret-of-the-process")
    layer = LayeredRegister(below)
    layer.add("s3cret-of-the-request")
    layer.add("value-7-of-it")
    text = "s3cret-of-the-process, s3cret-of-the-request"
    assert layer.mask(text) == f"{MASK}, {MASK}"
    assert (len(below), len(layer)) == (1, 3)
    assert below.mask("a request: value-7-of-it") == "a request: value-7-of-it"


def test_no_request_makes_a_secret_public_or_forgotten() -> None:
    """A name that is one, however it was guessed, and more values than there is room for."""
    below = SecretRegister()
    below.add("s3cret-of-the-process")
    layer = LayeredRegister(below)
    layer.add_public(["s3cret-of-the-process", "x s3cret-of-the-process x"])
    for number in range(2 * MOST):
        layer.add(f"value-number-{number:06}")
    assert layer.mask("no s3cret-of-the-process") == f"no {MASK}"
    assert layer.mask("cut: s3cret-of-th") == f"cut: {MASK}"
    assert below.mask("no s3cret-of-the-process") == f"no {MASK}"
    assert len(layer) == MOST + 1


def test_what_changes_below_changes_the_version() -> None:
    """Whoever remembers what was masked looks again."""
    below = SecretRegister()
    layer = LayeredRegister(below)
    versions = [layer.version]
    below.add("s3cret-of-the-process")
    versions.append(layer.version)
    layer.add("s3cret-of-the-request")
    versions.append(layer.version)
    assert versions == sorted(set(versions))
