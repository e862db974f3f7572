"""The register of secrets: it masks every registered value in any text, in any usual encoding.

A command makes one and passes it to the code that makes evidence, logs or prints errors. A value is
registered where it is read; from then on no text that `mask` returned contains the value, one of its
encodings, or a part of either.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Any, Final, NoReturn

from probe.text.escaped_text import read_escapes
from probe.text.secret_forms import encode_secret

MASK: Final = "(secret)"
SHORTEST_SECRET: Final = 8
"""Characters of the shortest secret; shorter texts occur in ordinary words."""
MOST_SECRETS: Final = 8192
"""Secrets held, about 5 KB of memory each; when there are more, the oldest is dropped."""
MOST_OF_REQUEST: Final = 256
"""Secrets of one request."""
MOST_PUBLIC: Final = 65_536
"""Public texts held; when there are more, the oldest is dropped."""
MOST_PLACES: Final = 32
"""Secrets' forms indexed under one gram: all JWTs begin with the same grams, then differ."""
_MOST_UNIFORM: Final = 256

_STEP: Final = 8
_STEP_ENCODED: Final = 16
"""One gram (8 characters) of a secret, or of its encoding, is indexed every so many characters, plus
the first and the last."""
_DENSE_LENGTH: Final = 32
"""In secrets up to this many characters every gram is indexed: a short one may be cut on both sides."""
CUT_MARK: Final = "…"
"""`safe_text` ends a shortened text with this: before it, the beginning of a secret may stand."""
_HEAD_LENGTHS: Final = range(SHORTEST_SECRET - 1, 3, -1)
"""Lengths, shorter than a gram, of a secret's beginning; it is looked for only before `CUT_MARK`."""
_MOST_ESCAPE_LEVELS: Final = 3
"""Nested levels of escapes that are decoded, such as HTML in JSON in HTML."""
_MOST_CACHED: Final = 4096
"""Texts whose masked form is cached: a backend mostly repeats its answers."""
_LONGEST_CACHED: Final = 1024

_Place = tuple[str, int]


class SecretRegister:
    """Holds secrets and masks them in texts; safe to use from several threads.

    The cost of `mask` grows with the text, not with the number of secrets: the text's grams of
    eight characters are looked up in an index of some grams of each form, and a hit is extended
    in both directions. A part of a secret is found when it is its beginning or its end, of at
    least 8 characters, or any part of 15 (of 8 in a secret of at most 32 characters, of 23 in an
    encoding).
    """

    def __init__(self, most: int = MOST_SECRETS) -> None:
        """Hold none; past `most` secrets the oldest is forgotten."""
        self._most = most
        self._held: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._folded: dict[str, set[str]] = {}
        self._index: dict[str, tuple[Any, ...]] = {}
        self._uniform: dict[str, None] = {}
        self._heads: Counter[str] = Counter()
        self._public: dict[str, None] = {}
        self._all_public: str | None = ""
        self._cache: dict[str, str] = {}
        self._version = 0
        self._lock = Lock()

    @property
    def version(self) -> int:
        """A number that grows with every registration that changes which texts are masked."""
        return self._version

    def __repr__(self) -> str:
        """Return the number of secrets held, without any of them."""
        return f"SecretRegister({len(self._held)} secrets)"

    def __len__(self) -> int:
        """Return how many secrets are held."""
        return len(self._held)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled, which would write the secrets."""
        raise TypeError("secrets are not written anywhere")

    def add(self, value: str) -> None:
        """Register a secret; one of less than 8 characters, or one shown by design, is not."""
        value = value.strip()
        if len(value) < SHORTEST_SECRET:
            return
        with self._lock:
            if value in self._held:
                self._held.move_to_end(value)
                return
            if value.casefold() in self._public:
                return
            forms = tuple(form for form in encode_secret(value) if len(form) >= SHORTEST_SECRET)
            self._held[value] = forms
            self._folded.setdefault(value.casefold(), set()).add(value)
            for form in forms:
                self._add_form(form, _choose_step(form, forms))
            self._heads.update(value[:size] for size in _HEAD_LENGTHS)
            while len(self._held) > self._most:
                self._forget(next(iter(self._held)))
            self._cache = {}
            self._version += 1

    def add_public(self, texts: Iterable[str]) -> None:
        """Register texts that are shown by design (a name, a host): no part of them is masked.

        A secret that contains one of them is masked only where more of the secret is seen than the
        public text.
        """
        with self._lock:
            folded = ((text, text.casefold()) for text in texts if len(text) >= SHORTEST_SECRET)
            # Most are as they were: then there is one text in memory, the target's.
            new = [text if text == other else other for text, other in folded]
            new = [text for text in new if text not in self._public]
            if not new:
                return
            self._public.update(dict.fromkeys(new))
            while len(self._public) > MOST_PUBLIC:
                del self._public[next(iter(self._public))]
            self._all_public = None
            for text in new:
                for value in tuple(self._folded.get(text, ())):
                    self._forget(value)
            self._cache = {}
            self._version += 1

    def mask(self, text: str) -> str:
        """Return `text` with `(secret)` in the place of each secret and each part of one."""
        if not self._held or len(text) < SHORTEST_SECRET:
            return text
        cache = self._cache
        if (masked := cache.get(text)) is None:
            masked = replace_spans(text, self.find_secrets(text))
            if len(text) <= _LONGEST_CACHED:
                if len(cache) >= _MOST_CACHED:
                    cache.clear()
                cache[text] = masked
        return masked

    def find_secrets(self, text: str) -> list[tuple[int, int]]:
        """Return the places of secrets in `text`, also behind escapes that no known form has."""
        spans = self._find_spans(text)
        places = None
        for _ in range(_MOST_ESCAPE_LEVELS):
            if (read := read_escapes(text)) is None:
                break
            text, begins = read
            places = begins if places is None else [places[index] for index in begins]
            spans += ((places[start], places[end]) for start, end in self._find_spans(text))
        return spans

    def _find_spans(self, text: str) -> list[tuple[int, int]]:
        index, spans = self._index, []
        # How far a form has been followed along one alignment with the text.
        followed: dict[tuple[str, int], int] = {}
        for begin in range(len(text) - SHORTEST_SECRET + 1):
            places = index.get(text[begin : begin + SHORTEST_SECRET])
            if places is None:
                continue
            for form, offset in zip(places[::2], places[1::2], strict=True):
                line = (form, begin - offset)
                if followed.get(line, -1) >= begin + SHORTEST_SECRET:
                    continue
                start, end = _extend(text, begin, form, offset)
                followed[line] = end
                if end - start == len(form) or not self._is_public(text[start:end]):
                    spans.append((start, end))
        if text.endswith(CUT_MARK):
            shown = len(text) - len(CUT_MARK)
            sizes = (
                n for n in _HEAD_LENGTHS if n <= shown and text[shown - n : shown] in self._heads
            )
            spans += ((shown - size, shown) for size in tuple(sizes)[:1])
        for form in self._uniform:
            start = text.find(form)
            while start >= 0:
                spans.append((start, start + len(form)))
                start = text.find(form, start + len(form))
        return spans

    def _is_public(self, part: str) -> bool:
        shown = self._all_public
        if shown is None:
            with self._lock:
                self._all_public = shown = "\n".join(self._public)
        return part.casefold() in shown

    def _add_form(self, form: str, step: int) -> None:
        grams = _list_grams(form, step)
        for gram, offset in grams:
            places = self._index.get(gram, ())
            if len(places) < 2 * MOST_PLACES:
                self._index[gram] = (*places, form, offset)
        if not grams and len(self._uniform) < _MOST_UNIFORM:
            self._uniform[form] = None

    def _forget(self, value: str) -> None:
        forms = self._held.pop(value)
        folded = value.casefold()
        self._folded[folded].discard(value)
        if not self._folded[folded]:
            del self._folded[folded]
        for size in _HEAD_LENGTHS:
            head = value[:size]
            self._heads[head] -= 1
            if self._heads[head] <= 0:
                del self._heads[head]
        for form in forms:
            self._uniform.pop(form, None)
            for gram, _ in _list_grams(form, _choose_step(form, forms)):
                places = self._index.get(gram, ())
                left = tuple(
                    part
                    for place in zip(places[::2], places[1::2], strict=True)
                    if place[0] != form
                    for part in place
                )
                if left:
                    self._index[gram] = left
                else:
                    self._index.pop(gram, None)


def _choose_step(form: str, forms: tuple[str, ...]) -> int:
    """Return the distance between indexed grams of `form`; the first of `forms` is not encoded."""
    if form is not forms[0]:
        return _STEP_ENCODED
    return 1 if len(form) <= _DENSE_LENGTH else _STEP


def _list_grams(form: str, step: int) -> list[_Place]:
    """Return the grams of `form` to index, each once, with its offset.

    Grams of one or two different characters are left out: rulers and padding consist of them.
    """
    last = len(form) - SHORTEST_SECRET
    offsets = {*range(0, last + 1, step), last}
    found: dict[str, int] = {}
    for offset in sorted(offsets):
        gram = form[offset : offset + SHORTEST_SECRET]
        if len(set(gram)) > 2:
            found.setdefault(gram, offset)
    return list(found.items())


def _extend(text: str, begin: int, form: str, offset: int) -> tuple[int, int]:
    """Return the longest span around `begin` where `text` equals `form` around `offset`."""
    start, first = begin, offset
    while start > 0 and first > 0 and text[start - 1] == form[first - 1]:
        start, first = start - 1, first - 1
    end, last = begin + SHORTEST_SECRET, offset + SHORTEST_SECRET
    while end < len(text) and last < len(form) and text[end] == form[last]:
        end, last = end + 1, last + 1
    return start, end


def replace_spans(text: str, spans: list[tuple[int, int]]) -> str:
    """Return `text` with each of `spans` replaced by one mask; overlapping spans are merged."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not pieces:
            pieces += (text[done:start], MASK)
        done = max(done, end)
    return "".join((*pieces, text[done:]))


class LayeredRegister(SecretRegister):
    """Masks the secrets of another register and those of one request.

    The client of `/probe` chooses values that are registered (a query, a path, a host's name). In
    the register of the process, such a value would also be masked in the evidence of other targets
    and in the log, would push out a real secret, or would make a text public.
    """

    def __init__(self, below: SecretRegister) -> None:
        """Add nothing to `below`, ever."""
        super().__init__(MOST_OF_REQUEST)
        self._below = below

    @property
    def version(self) -> int:
        """A number that grows with every registration that changes which texts are masked."""
        return super().version + self._below.version

    def __len__(self) -> int:
        """Return how many secrets are held, here and below."""
        return super().__len__() + len(self._below)

    def mask(self, text: str) -> str:
        """Return `text` without the secrets of either."""
        # Together: where one has the beginning of another, the longer one is masked.
        return replace_spans(text, self._below.find_secrets(text) + self.find_secrets(text))
