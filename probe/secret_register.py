"""The register of secrets: what it has been given it masks in any text, in any usual encoding.

One is made where a command is composed and is passed to whatever makes evidence, logs or prints
errors. A value is registered where it enters; from then on no text that has passed `mask` holds it,
its encodings, or a part of either that somebody has cut out of it.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from threading import Lock
from typing import Final, NoReturn

from probe.secret_forms import forms_of

MASK: Final = "(secret)"
SHORTEST: Final = 8
"""Characters of the shortest secret; what is shorter stands in ordinary words."""
MOST: Final = 4096
"""Secrets that are held; past them the oldest is forgotten."""
MOST_PUBLIC: Final = 8192
"""Texts held that are shown by design."""

_EVERY: Final = 8
"""Each so many characters of a form one gram of it is indexed, besides the first and the last."""
_DENSE: Final = 32
"""Characters up to which every gram of a secret is: a short one may be cut on both sides."""
CUT: Final = "…"
"""The sign of `safe_text` that a text was cut: what stands before it may be a secret's beginning."""
_HEADS: Final = range(SHORTEST - 1, 3, -1)
"""Lengths of a beginning that is looked for there alone."""
_CACHED: Final = 4096
"""Texts whose masked form is remembered: what a backend says is mostly what it said before."""
_LONGEST_CACHED: Final = 1024

_Place = tuple[str, int]


class SecretRegister:
    """Holds secrets and masks them in texts; safe to use from several threads.

    The cost of `mask` grows with the text, not with the number of secrets: the text's grams of
    eight characters are looked up in an index of some grams of each form, and a hit is extended
    in both directions. A part of a secret is found when it is its beginning or its end, of at
    least 8 characters, or any part of 15 (of 8 in a secret of at most 32 characters).
    """

    def __init__(self, most: int = MOST) -> None:
        """Hold none; past `most` secrets the oldest is forgotten."""
        self._most = most
        self._held: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._index: dict[str, tuple[_Place, ...]] = {}
        self._uniform: dict[str, None] = {}
        self._heads: Counter[str] = Counter()
        self._public: OrderedDict[str, None] = OrderedDict()
        self._all_public = ""
        self._cache: dict[str, str | None] = {}
        self._version = 0
        self._lock = Lock()

    @property
    def version(self) -> int:
        """A number that grows with whatever changes what is masked."""
        return self._version

    def __repr__(self) -> str:
        """Say how many are held, and none of them."""
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
        if len(value) < SHORTEST:
            return
        with self._lock:
            if value in self._held:
                self._held.move_to_end(value)
                return
            if value.casefold() in self._public:
                return
            forms = tuple(form for form in forms_of(value) if len(form) >= SHORTEST)
            self._held[value] = forms
            for form in forms:
                self._add_form(form, dense=form is forms[0] and len(form) <= _DENSE)
            while len(self._held) > self._most:
                _, old = self._held.popitem(last=False)
                self._forget_forms(old)
            self._cache = {}
            self._version += 1

    def add_public(self, texts: Iterable[str]) -> None:
        """Take it that `texts` (a name, a host) are shown by design: no part of them is masked.

        Only a secret that has one of them within itself is masked, where it stands whole or with
        more of itself than that.
        """
        with self._lock:
            new = [text.casefold() for text in texts if len(text) >= SHORTEST]
            new = [text for text in new if text not in self._public]
            if not new:
                return
            self._public.update(dict.fromkeys(new))
            while len(self._public) > MOST_PUBLIC:
                self._public.popitem(last=False)
            self._all_public = "\n".join(self._public)
            shown = {value for value in self._held if value.casefold() in self._public}
            for value in shown:
                self._forget_forms(self._held.pop(value))
            self._cache = {}
            self._version += 1

    def mask(self, text: str) -> str:
        """Return `text` with `(secret)` in the place of each secret and each part of one."""
        if not self._held or len(text) < SHORTEST:
            return text
        cache = self._cache
        if text in cache:
            masked = cache[text]
        else:
            spans = self._spans(text)
            masked = _replaced(text, spans) if spans else None
            if len(text) <= _LONGEST_CACHED:
                if len(cache) >= _CACHED:
                    cache.clear()
                cache[text] = masked
        return text if masked is None else masked

    def _spans(self, text: str) -> list[tuple[int, int]]:
        index, spans = self._index, []
        # How far a form has been followed along one alignment with the text.
        followed: dict[tuple[str, int], int] = {}
        for at in range(len(text) - SHORTEST + 1):
            places = index.get(text[at : at + SHORTEST])
            if places is None:
                continue
            for form, offset in places:
                line = (form, at - offset)
                if followed.get(line, -1) >= at + SHORTEST:
                    continue
                start, end = _extended(text, at, form, offset)
                followed[line] = end
                if end - start == len(form) or not self._is_public(text[start:end]):
                    spans.append((start, end))
        if text.endswith(CUT):
            shown = len(text) - len(CUT)
            sizes = (n for n in _HEADS if n <= shown and text[shown - n : shown] in self._heads)
            spans += ((shown - size, shown) for size in tuple(sizes)[:1])
        for form in self._uniform:
            start = text.find(form)
            while start >= 0:
                spans.append((start, start + len(form)))
                start = text.find(form, start + len(form))
        return spans

    def _is_public(self, part: str) -> bool:
        return part.casefold() in self._all_public

    def _add_form(self, form: str, *, dense: bool) -> None:
        for gram, offset in _grams(form, dense=dense):
            self._index[gram] = (*self._index.get(gram, ()), (form, offset))
        if not _grams(form, dense=dense):
            self._uniform[form] = None
        self._heads.update(form[:size] for size in _HEADS)

    def _forget_forms(self, forms: tuple[str, ...]) -> None:
        for form in forms:
            self._uniform.pop(form, None)
            self._heads.subtract(form[:size] for size in _HEADS)
            for gram, _ in _grams(form, dense=form is forms[0] and len(form) <= _DENSE):
                left = tuple(place for place in self._index.get(gram, ()) if place[0] != form)
                if left:
                    self._index[gram] = left
                else:
                    self._index.pop(gram, None)
        self._heads = +self._heads


def _grams(form: str, *, dense: bool) -> list[_Place]:
    """Return the grams of `form` that are indexed, each once, with where it begins.

    One of a single character, or of two in turn, stands in rulers and padding, and is left out.
    """
    last = len(form) - SHORTEST
    offsets = {*range(0, last + 1, 1 if dense else _EVERY), last}
    found: dict[str, int] = {}
    for offset in sorted(offsets):
        gram = form[offset : offset + SHORTEST]
        if len(set(gram)) > 2:
            found.setdefault(gram, offset)
    return list(found.items())


def _extended(text: str, at: int, form: str, offset: int) -> tuple[int, int]:
    """Return the longest span around `at` in which `text` is what `form` is around `offset`."""
    start, first = at, offset
    while start > 0 and first > 0 and text[start - 1] == form[first - 1]:
        start, first = start - 1, first - 1
    end, last = at + SHORTEST, offset + SHORTEST
    while end < len(text) and last < len(form) and text[end] == form[last]:
        end, last = end + 1, last + 1
    return start, end


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not pieces:
            pieces += (text[done:start], MASK)
        done = max(done, end)
    return "".join((*pieces, text[done:]))
