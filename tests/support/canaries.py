"""Canary values in every place of a schema, and the search for them in whatever is printed."""

import asyncio
import base64
import html
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote

from msgspec import inspect

CANARY: Final = "cnry7Qx9Zk2/Lw4Vb8+Td3~Ye6"
"""Letters and digits as in a token, and characters that each encoding writes otherwise."""
PEM: Final = f"-----BEGIN PRIVATE KEY-----\n{CANARY}{CANARY[::-1]}\n-----END PRIVATE KEY-----\n"
MISTAKES: Final[dict[str, Any]] = {
    "a token": CANARY,
    "a credential": f"Bearer {CANARY}",
    "a key": PEM,
    "a key in one line": PEM.replace("\n", "\\n"),
    "a URL": f"https://127.0.0.1:1/?token={CANARY}",
    "a URL with a password": f"https://me:{quote(CANARY, safe='')}@127.0.0.1:1",
    "host and query": f"127.0.0.1:1/?token={CANARY}",
    "lines of variables": f"TOKEN={CANARY}\nOTHER={CANARY}",
    "a reference": "${env:CANARY}",
    "a file's content": "${file:canary.txt}",
    "an unknown reference": f"${{vault:{CANARY}}}",
    "a list": [CANARY],
    "a mapping": {CANARY: CANARY},
    "a nested mapping": {"token": {"value": CANARY}},
}
"""Values that are put where something else belongs."""

Path = tuple[str | int, ...]


def encodings(secret: str = CANARY) -> tuple[str, ...]:
    """Return every form in which a peer may repeat `secret`."""
    raw = secret.encode()
    packed = [base64.b64encode(b"x" * n + raw + b"yy").decode() for n in range(3)]
    packed += [base64.b64encode(raw).decode(), base64.b64encode(b"me:" + raw).decode()]
    return (
        secret,
        *packed,
        *(one.replace("+", "-").replace("/", "_") for one in packed),
        quote(secret, safe=""),
        re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        html.escape(secret),
        raw.hex(),
        secret[3:],
        secret[:-3],
    )


def traces_of(text: str, secret: str = CANARY) -> list[str]:
    """Return each part of an encoding of `secret`, ten characters long, that `text` holds."""
    return [
        form[at : at + 10]
        for form in encodings(secret)
        # In base64, the bytes before or after a secret change the digits at its edges.
        for at in range(4, len(form) - 14)
        if form[at : at + 10] in text
    ]


def places(shape: inspect.Type, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value that a document of `shape` can hold, containers included.

    `x-entry` stands for the key of a mapping, 0 for the position in a list.
    """
    if path:
        yield path
    if isinstance(shape, inspect.Metadata):
        yield from list(places(shape.type, path))[bool(path) :]
    elif isinstance(shape, inspect.UnionType):
        seen: dict[Path, None] = {}
        for each in shape.types:
            seen.update(dict.fromkeys(places(each, path)))
        yield from list(seen)[bool(path) :]
    elif isinstance(shape, inspect.StructType):
        for field in shape.fields:
            yield from places(field.type, (*path, field.encode_name))
    elif isinstance(shape, inspect.DictType):
        yield from places(shape.value_type, (*path, "x-entry"))
    elif isinstance(shape, inspect.ListType):
        yield from places(shape.item_type, (*path, 0))


def placed(document: Any, path: Path, value: Any) -> Any:
    """Return a copy of `document` with `value` at `path`; what is missing on the way is made."""
    if not path:
        return value
    first, *rest = path
    if isinstance(first, int):
        items = list(document) if isinstance(document, list) else []
        held = items[first] if first < len(items) else None
        items[first : first + 1] = [placed(held, tuple(rest), value)]
        return items
    mapping = dict(document) if isinstance(document, dict) else {}
    return {**mapping, first: placed(mapping.get(first), tuple(rest), value)}


class Recorded(dict[str, str]):
    """Variables that record which of them were read."""

    def __init__(self, held: Mapping[str, str]) -> None:
        """Hold `held`."""
        super().__init__(held)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:  # type: ignore[override]
        """Return a variable, and record that it was read."""
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        """Return a variable, and record that it was read."""
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        """Return whether a variable is set, and record that it was read."""
        self.asked.add(str(name))
        return super().__contains__(name)


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """Serve HTTP in plaintext that refuses whatever comes and repeats it in every encoding; its port.

    In the reason phrase, Server, Location and the body; to CONNECT as a proxy would. Cut, too.
    """
    turn = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            turn += 1
            # A peer can repeat only what it was sent, in whatever encoding it came.
            forms = encodings() if traces_of(head.decode("latin-1")) else ("nothing",)
            form = forms[turn % len(forms)]
            asked = "; ".join(line for line in head.decode("latin-1").split("\r\n") if ":" in line)
            body = json.dumps({"message": f"refused: {form}, {' '.join(forms)} {asked}"[:3000]})
            writer.write(
                f"HTTP/1.1 401 no: {form}\r\nServer: x/{form}\r\nLocation: https://a/?t={form}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
