"""Names by chance: presented identifiers, constraints and references that few people would write."""

import random
from collections.abc import Iterator
from typing import Final

from tests.lab.exporters.generators.chain_builder import constraints
from tests.lab.exporters.generators.chain_case import INTERMEDIATE, ChainCase, make_case
from tests.lab.exporters.generators.chain_rules import with_san

_PARTS: Final = (
    *("a", "b", "example", "com", ".", ".", "..", "*", "-", "_", "xn--a", "A", "EXAMPLE", "1"),
    *("127.0.0.1", "::1", "::ffff:127.0.0.1", "[", "]", "[::1]", ":", "/", "//", "///", "?", "#"),
    *("@", "%", "%41", "%zz", "%25", "%c3", "%20", " ", "<", '"', "\\", "\x7f", "\x01", "~"),
    *("http", "https", "HTTP", "spiffe", "urn", "+", "=", ";", "!", "$", "&", "'", "(", ")", ","),
    *("|", "^", "`", "{", "}", "443", "fe80::1", "%25eth0", "otel", "ops", '"o"'),
)
_LABELS: Final = ("a", "b", "example", "com", "*", "A", "_x", "-y", "z-", "xn--a", "")
_HOSTS: Final = ("example.com", "a.example.com", "EXAMPLE.com", "[::1]", "127.0.0.1")
_ADDRESSES: Final = (
    *("127.0.0.1", "::1", "[::1]", "[127.0.0.1]", "::ffff:127.0.0.1", "0::1", "fe80::1%eth0"),
    *("127.0.0.01", "1.2.3"),
)


def name_by_chance(seed: int, count: int) -> Iterator[ChainCase]:
    """Yield end entities with such names, half of them under such constraints."""
    chance = _Chance(random.Random(seed))
    for number in range(count):
        names = chance.list_names()
        middle = INTERMEDIATE
        if chance.rng.random() < 0.5:
            middle = middle.adding(chance.constrain(names))
        reference = chance.choose_reference(names)
        yield make_case(f"names/{seed}/{number}", with_san(*names), middle, name=reference)


class _Chance:
    """Makes names of one generator of chance."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def list_names(self) -> list[str]:
        names = [self._make_name() for _ in range(self.rng.randint(1, 3))]
        if self.rng.random() < 0.6:
            # Most of the others are not parsed at all.
            kept = [one for one in names if one.startswith("DNS:") or self.rng.random() < 0.3]
            names = kept or [f"DNS:{self._make_host()}"]
        return names

    def constrain(self, names: list[str]) -> bytes:
        trees = [self._make_tree() for _ in range(self.rng.randint(1, 6))]
        for one in names:
            kind, _, value = one.partition(":")
            if self.rng.random() < 0.5:
                continue
            if kind == "DNS":
                parent = value.split(".", self.rng.randint(0, 2))[-1]
                trees.append(f"DNS:{self.rng.choice(('', '.'))}{parent}")
            elif kind == "IP" and len(value) in {8, 32}:
                trees.append(f"IP:{value}{self._make_mask(len(value) // 2)}")
            elif kind == "email":
                trees.append(one)
        cut = self.rng.randint(0, len(trees))
        return constraints(trees[:cut], trees[cut:])

    def choose_reference(self, names: list[str]) -> str:
        chance = self.rng.random()
        domains = [one[4:] for one in names if one.startswith("DNS:")]
        wanted = ""
        if chance < 0.5 and domains:
            wanted = self.rng.choice(domains).replace("*", self.rng.choice(("a", "b", "*", "")))
            wanted = self.rng.choice((wanted, f"{wanted}.", wanted.upper()))
        elif chance < 0.6:
            wanted = self.rng.choice(_ADDRESSES)
        return wanted or self._make_host() or "a"

    def _join(self, count: int) -> str:
        return "".join(self.rng.choices(_PARTS, k=count))

    def _make_name(self) -> str:
        chance = self.rng.random()
        if chance < 0.4:
            return f"DNS:{self._make_host()}"
        if chance < 0.6:
            return f"URI:{self._make_uri()}"
        if chance < 0.8:
            return f"email:{self._make_mailbox()}"
        addresses = ("7f000001", "00" * 15 + "01", "00" * 10 + "ffff7f000001")
        if self.rng.random() < 0.6:
            return f"IP:{self.rng.choice(addresses)}"
        return f"IP:{self.rng.randbytes(self.rng.choice((4, 4, 16, 5, 0))).hex()}"

    def _make_host(self) -> str:
        if self.rng.random() < 0.5:
            return self._join(self.rng.randint(0, 5))
        return ".".join(self.rng.choices(_LABELS, k=self.rng.randint(1, 4)))

    def _make_uri(self) -> str:
        if self.rng.random() < 0.3:
            return self._join(self.rng.randint(0, 6))
        scheme = self.rng.choice(("http", "https", "spiffe", "x", "X-y", "", "1a"))
        text = scheme + self.rng.choice(("://", ":", "//", ":/", ":///"))
        if self.rng.random() < 0.3:
            text += self._join(self.rng.randint(0, 2)) + "@"
        text += self.rng.choice((*_HOSTS, self._join(2)))
        if self.rng.random() < 0.4:
            text += ":" + self.rng.choice(("", "443", "a", "1:2"))
        return text + ("/" + self._join(self.rng.randint(0, 3)) if self.rng.random() < 0.5 else "")

    def _make_mailbox(self) -> str:
        chance = self.rng.random()
        if chance < 0.3:
            return self._join(self.rng.randint(0, 5))
        if chance < 0.5:
            return f"{self._join(2)}@{self._make_host()}"
        local = self.rng.choice(("ops", "Ops", "o.p", '"o p"', "o\\ p", ".o", "o..p"))
        return f"{local}@{self.rng.choice(('example.com', 'EXAMPLE.COM', 'a.example.com'))}"

    def _make_mask(self, size: int) -> str:
        whole = (1 << 8 * size) - 1
        return (whole << self.rng.randrange(8 * size + 1) & whole).to_bytes(size).hex()

    def _make_tree(self) -> str:
        chance = self.rng.random()
        if chance < 0.4:
            return f"DNS:{self.rng.choice(('', '.', ''))}{self._make_host()}"
        if chance < 0.55:
            return f"URI:{self.rng.choice(('', '.', ''))}{self._make_host()}"
        if chance < 0.75:
            return f"email:{self.rng.choice((self._make_mailbox(), '.' + self._make_host()))}"
        if chance > 0.97:
            return "dir:x"
        size = self.rng.choice((4, 16))
        held = {4: "7f000000", 16: "00" * 10 + "ffff7f000000"}[size]
        address = held if self.rng.random() < 0.5 else self.rng.randbytes(size).hex()
        return f"IP:{address}{self._make_mask(size)}"
