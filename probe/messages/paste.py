"""Cuts a pasted text into the messages that it holds, each as words. Pure, total, linear.

Log records, fields of JSON, causes of a stack trace and wrapped lines are separated. What is not
evidence is left out: frames of a stack, paths, names of hosts, pods, components and threads.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from probe.messages.normal_form import normalize_text

LONGEST: Final = 1024 * 1024
"""Characters that are read; the rest of a longer text is left out."""
_DEEPEST: Final = 6
_MOST_MESSAGES: Final = 5000
_MOST_LINES: Final = 50_000
_SAMPLE: Final = 1000
_UTF16_SHARE: Final = 0.3
"""The share of zeros among the first bytes from which on they are UTF-16."""
_NARROWEST: Final = 60
_USUAL_WIDTHS: Final = frozenset({72, 78, 79, 80, 100, 118, 119, 120, 132, 140, 160, 180, 200})

_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])"
)
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_ENTITY: Final = re.compile(r"&(?:quot|apos|amp|lt|gt|nbsp|#\d{1,5}|#x[0-9a-fA-F]{1,4});")
_ESCAPED_BREAK: Final = re.compile(r"\\{1,8}[nr](?:\\{1,8}t)?")
_ESCAPED_QUOTE: Final = re.compile(r"\\{1,8}([\"'/t])")

# The beginnings of a record: a date, a level, a prefix of journald or kubectl.
_TIME: Final = (
    r"(?:\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}[.,\d]*(?:Z|[+-]\d{2}:?\d{2})?"
    r"|[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}\s[AP]M"
    r"|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}|\d{2}:\d{2}:\d{2}[.,]\d{3}|[IWEF]\d{4} \d{2}:\d{2}:\d{2}"
    r"|\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2})"
)
_RECORD: Final = re.compile(
    rf"^\s*(?:[\[(<\"']?{_TIME}|\[?(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE)\b)"
)
_QUOTE: Final = re.compile(r"^\s*(?:>\s?|\|\s)+")
_PREFIX: Final = re.compile(
    r"^\s*(?:\[pod/\S+\]\s+|Exception in thread \"[^\"\n]{0,200}\" |[\w.-]{1,80}\s+\|\s|```\w*$"
    r"|[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)? \S{1,80} [\w.@/()-]{1,80}(?:\[\d+\])?:\s)"
)

# The frames of Java, .NET, JavaScript, Python, PHP, Ruby, Go, Rust and Erlang.
_FRAME: Final = re.compile(
    r"^\s*(?:at (?:async |new )?[\w$.<>/:@\[\]` -]{1,300}(?:\(|$|:\d)|at (?:file|node|ext|https?):\S+"
    r"|\.\.\. \d+ (?:more|common frames omitted)|File \"[^\"]{1,300}\", line \d+"
    r"|from \S{1,300}:\d+:in |#\d+ \S|goroutine \d+ \[|\t?/\S+\.go:\d+|\s+\d+: (?:0x|<|\w+::)|[\^~ ]{3,}$"
    r"|\{?[\w']{1,60},\s*[\w'/-]{1,60},\s*\d+,\s*\[\{file)"
)
_EXCERPT: Final = re.compile(r"^\s*\d{1,6} \|(?:\s|$)")
"""A line of source code with its number, which bun prints before an error."""
_SOURCE_LINE: Final = re.compile(r"^\s*File \"[^\"]{1,300}\", line \d+")
_CAUSE: Final = re.compile(
    r"^\s*(?:Caused by:|Suppressed:|\[cause\]:|cause:|---> |--> |Inner exception)", re.IGNORECASE
)
# Python prints the innermost exception first.
_OUTER_FOLLOWS: Final = (
    "the above exception was the direct cause",
    "during handling of the above exception",
)

_URL: Final = re.compile(r"\b(https?|grpcs?|dns|tcp|ipv[46])://?[^\s\"'<>)\],]*", re.IGNORECASE)
_PATH: Final = re.compile(
    r"(?<![\w:.])(?:~|\.{1,2}|[A-Za-z]:)?(?!\\{1,4}x[0-9A-Fa-f]{2})[/\\][\w.@+~-]+(?:[/\\]+[\w.@+~-]*)*"
)
_HOST: Final = re.compile(
    r"(?<![\w.@-])(?:[a-z0-9_-]+\.){2,}[a-z]{2,}(?![\w.])|(?<![\w.@-])(?!_ssl\.c:)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*:\d{3,5}\b"
)
# CPython's _ssl.c stays: its line tells a handshake from a write.
_SOURCE: Final = re.compile(
    r"(?<![\w.-])(?!_ssl\.c:)[\w.-]{1,200}\.(?:go|py|js|mjs|ts|java|erl|ex|rb|php|cc|cpp|c|h|rs|kt|scala):\d+(?::\d+)?"
)
_LOGGER: Final = re.compile(
    # of Java: `com.example.Class - text`, `c.e.Class  : text`; java.util.logging's line of its own
    r"(?<![\w.$])(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?=\s{1,60}[-:]\s)"
    r"|(?<=[AP]M )(?:[a-z_][\w$]*\.)+[A-Z][\w$]*(?: <?\w+>?)?[ \t]*$",
    re.MULTILINE,
)
_SERIAL_NAME: Final = re.compile(r"(?<![\w-])\w+(?:-\w+){2,}(?![\w-])")
_FIELD: Final = (
    r"(?:logger|thread|pod|host|hostname|node|container|namespace|component|component_name|component_kind"
    r"|component_type|name|caller|service|instance|job|class|exporter|receiver|data_type|unit)"
)
_VALUE: Final = r"\s*(?:\"[^\"\n]{0,200}\"|[^\s,;\"}]{1,200})"
# `name: value` is a field at the beginning of a part; within a sentence it is one of its words:
# `failed to start "file" exporter: open …: permission denied`.
_NAMED_FIELD: Final = re.compile(
    rf"\b{_FIELD}\s*={_VALUE}|(?:^|(?<=[,;{{(\[\t]))[ ]{{0,8}}{_FIELD}\s*:{_VALUE}|\bkind=[^\s,;}}]{{1,200}}",
    re.MULTILINE,
)
_NAME_KEYS: Final = frozenset({
    "logger", "loggername", "logger_name", "thread", "threadname", "thread_name", "pod",
    "pod_name", "host", "hostname", "node", "container", "container_name", "namespace",
    "component", "component_name", "component_kind", "component_type", "kind", "name", "caller",
    "service", "service_name", "instance", "job", "class", "exporter", "receiver", "data_type",
    "unit", "file", "filename", "function", "line", "pid", "ts", "time", "timestamp", "level",
    "severity", "level_name", "stream", "tag", "image", "id", "trace_id", "span_id", "uid",
    "path", "version", "sourcelocation", "sourcecontext", "target",
})  # fmt: skip
"""Fields of a record whose values are names and not evidence."""
_FILE_NAME: Final = re.compile(r"(?<![\w.-])[\w.-]{1,80}\.[A-Za-z0-9]{3,6}\b")
_UNSET: Final = re.compile(
    r"\b[\w$]+: (?:undefined|null)\b|\b[A-Z_]+_ERR: \d+|\berrorCodes: [\w() ]{0,10}[\[{][^\]}]{0,600}[\]}]"
    r"|; if the root CA is installed locally, try running Node\.js with --use-system-ca"
)
"""What JavaScript prints of an object, and says nothing: fields without a value, lists of codes, a hint."""
_CREDENTIAL_FILE: Final = re.compile(
    r"\.(?:pem|crt|cer|key|der|p12|pfx|jks|bundle)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class PastedMessage:
    """One message: a log record, or one exception of a stack trace."""

    words: tuple[str, ...]
    record: int
    """Messages of one record belong together: an exception and its causes."""
    depth: int
    """0 is the outermost; a cause is deeper than what it caused."""
    file_names: tuple[str, ...] = ()
    """Names of certificate and key files, as words."""


@dataclass(frozen=True, slots=True)
class Paste:
    """What was pasted: its messages, and all of its words, also those that are not evidence."""

    messages: tuple[PastedMessage, ...]
    everything: tuple[str, ...]
    frames: tuple[str, ...] = ()
    """The words of the stacks' frames: they show which side's code ran, and nothing more."""


def read_paste(text: str) -> Paste:
    """Return the messages of `text`; anything beyond `LONGEST` characters is left out."""
    broken = text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n")
    plain = _CONTROL.sub(" ", _ESCAPES.sub("", broken))
    if "&" in plain:
        plain = _ENTITY.sub(lambda found: html.unescape(found[0]), plain)
    plain = _unwrap(plain.split("\n", _MOST_LINES)[:_MOST_LINES])
    messages: dict[tuple[str, ...], PastedMessage] = {}
    frames: dict[str, None] = {}
    for number, record in enumerate(_split_records(plain)):
        for depth, part in _split_causes(record, frames):
            kept, names = _drop_names(part)
            words = tuple(normalize_text(kept))
            if words and words not in messages and len(messages) < _MOST_MESSAGES:
                messages[words] = PastedMessage(words, number, depth, names)
    everything = tuple(dict.fromkeys(normalize_text(plain)))
    return Paste(tuple(messages.values()), everything, tuple(normalize_text("\n".join(frames))))


def decode_paste(raw: bytes) -> str:
    """Return the text of bytes that came from a file or another program: UTF-8, or UTF-16."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    start = raw[:_SAMPLE]
    for encoding, zero in (("utf-16-le", 1), ("utf-16-be", 0)):
        if start[zero::2].count(0) > len(start) * _UTF16_SHARE:
            return raw.decode(encoding, "replace")
    return raw.decode("utf-8", "replace")


def _unwrap(lines: list[str]) -> str:
    """Return the text, with the lines joined that a terminal broke at its width, also inside words."""
    width = max(map(len, lines))
    full = sum(len(line) == width for line in lines)
    if len(lines) == 1 or width < _NARROWEST or (full == 1 and width not in _USUAL_WIDTHS):
        return "\n".join(lines)
    joined = lines[:1]
    broken = len(lines[0]) == width
    for line in lines[1:]:
        if broken and not _begins_something(line):
            joined[-1] += line
        else:
            joined.append(line)
        broken = len(line) == width
    return "\n".join(joined)


def _begins_something(line: str) -> bool:
    """Return whether a line is one of its own, and not the rest of a broken one."""
    return (
        line.startswith(("  ", "\t", "{", "[", ">", "* ", "-"))
        or not line.strip()
        or any(form.match(line) for form in (_RECORD, _PREFIX, _FRAME, _CAUSE))
    )


def _split_records(plain: str) -> Iterator[list[str]]:
    """Yield the lines of each record; lines that begin none belong to the one before."""
    record: list[str] = []
    for line in plain.split("\n"):
        if _EXCERPT.match(line) is not None:
            continue
        bare = _PREFIX.sub("", _QUOTE.sub("", line))
        nested = _read_json(bare)
        starts = nested is not None or bare != line or _RECORD.match(bare) is not None
        if starts and record:
            yield record
            record = []
        if nested is not None:
            yield from nested
        else:
            unescaped = _ESCAPED_QUOTE.sub(r" \1 ", _ESCAPED_BREAK.sub("\n", bare))
            record.extend(unescaped.split("\n"))
    if record:
        yield record


def _read_json(line: str) -> list[list[str]] | None:
    """Return the lines of the record that is a JSON object in `line`, with what is before it."""
    start = line.find("{")
    if start < 0 or ":" not in line:
        return None
    try:
        value, end = json.JSONDecoder().raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value:
        return None
    texts = [line[:start], *_list_strings(value, 0), line[end:]]
    lines = [
        piece
        for text in texts
        for piece in _ESCAPED_QUOTE.sub(r" \1 ", _ESCAPED_BREAK.sub("\n", text)).split("\n")
        if piece.strip()
    ]
    return [lines]


def _list_strings(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            last = str(key).lower().rpartition(".")[2]
            if isinstance(each, (dict, list)) or not (last in _NAME_KEYS or last.startswith("_")):
                if isinstance(each, (int, float)) and not isinstance(each, bool):
                    yield f"{key} {each}"
                else:
                    yield from _list_strings(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _list_strings(each, depth + 1)
    elif isinstance(value, str):
        if value.lstrip().startswith(("{", "[")):
            try:
                inner = json.loads(value)
            except (ValueError, RecursionError):
                inner = None
            if isinstance(inner, (dict, list)):
                yield from _list_strings(inner, depth + 1)
                return
        yield value


def _split_causes(record: list[str], frames: dict[str, None]) -> Iterator[tuple[int, str]]:
    """Yield the exceptions of a record with their depth, without frames, which go to `frames`."""
    parts: list[list[str]] = [[]]
    inner_first = False
    skip = False
    for line in record:
        if skip:
            skip = False
            if line.startswith((" ", "\t")):
                continue
        if _FRAME.match(line) is not None:
            frames[line] = None
            skip = _SOURCE_LINE.match(line) is not None
            continue
        lower = line.strip().lower()
        if lower.startswith(_OUTER_FOLLOWS):
            inner_first = True
            parts.append([])
            continue
        if _CAUSE.match(line) is not None:
            parts.append([])
        parts[-1].append(line)
    count = len(parts)
    for at, lines in enumerate(parts):
        yield (count - at if inner_first else at), "\n".join(lines)


def _drop_names(text: str) -> tuple[str, tuple[str, ...]]:
    """Return `text` without names and paths, and the names of credential files in it."""
    names: list[str] = []

    def drop_path(found: re.Match[str]) -> str:
        base = re.split(r"[/\\]", found[0].rstrip("/\\."))[-1]
        if _CREDENTIAL_FILE.search(base):
            names.append(base)
        return " "

    kept = _URL.sub(lambda found: f" {found[1]} url ", _UNSET.sub(" ", text))
    kept = _LOGGER.sub(" ", _SOURCE.sub(" ", kept))
    kept = _PATH.sub(drop_path, kept)
    names.extend(token for token in _FILE_NAME.findall(kept) if _CREDENTIAL_FILE.search(token))
    kept = _NAMED_FIELD.sub(" ", kept)
    kept = _HOST.sub(" ", kept)
    kept = _SERIAL_NAME.sub(_drop_serial_name, kept)
    return kept, tuple(dict.fromkeys(names))


def _drop_serial_name(found: re.Match[str]) -> str:
    return " " if any(char.isdigit() for char in found[0]) else found[0]
