"""Cuts a pasted text into the messages that it holds, each as words. Pure, total, linear.

Log records, fields of JSON, causes of a stack trace and wrapped lines are separated. What is not
evidence is left out: frames of a stack, paths, names of hosts, pods, components and threads.
"""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from probe.messages.normal_form import normalize_text

LONGEST: Final = 1024 * 1024
"""Characters that are read; the rest of a longer text is left out."""
_DEEPEST: Final = 6
_MOST_MESSAGES: Final = 3000
_MOST_LINES: Final = 50_000
_MOST_PARSED: Final = 64
_LONGEST_OBJECT: Final = 400  # lines of JSON
_WIDTHS: Final = frozenset({72, 76, 78, 79, 80, 100, 110, 120, 128, 130, 132, 140, 150, 160, 200})
"""Columns at which terminals break lines, also within words."""

_ESCAPES: Final = re.compile(
    r"\x1b(?:\[[0-?]{0,40}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|[@-Z\\^_])"
)
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xa0\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_ESCAPED_BREAK: Final = re.compile(r"\\{1,8}[nr](?:\\{1,8}t)?(?![a-z]{2}|:)|\\{1,8}n(?=[a-z])")
_ESCAPED_QUOTE: Final = re.compile(r"\\{1,8}(?=[\"'/])|\\{1,8}t")

# What may stand before a record: a date, a priority, a level, a thread, a logger, a pod, a unit.
_TIME: Final = (
    r"(?:\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}[.,\d]*\s?(?:Z|UTC|GMT|[+-]\d{2}:?\d{2})?"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}(?:\.\d+)?(?: \d{4})?"
    r"|[A-Z][a-z]{2} \d{1,2}, \d{4},? \d{1,2}:\d{2}:\d{2}\s[AP]M|\d{2}:\d{2}:\d{2}[.,]\d{3}|[IWEF]\d{4} \d{2}:\d{2}:\d{2}\.\d+"
    r"|\d{1,2}[/-][A-Z][a-z]{2}[/-]\d{4}(?::+|\s)\d{2}:\d{2}:\d{2}[.\d]*(?: [+-]\d{4})?)"
)
_LEVEL: Final = (
    r"(?:ERROR|ERR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE|CRITICAL|NOTICE|SEVERE"
    r"|error|warn(?:ing)?|info|debug|fatal|trace|critical|notice|crit|fail)"
)
_QUOTE: Final = re.compile(r"^[ \t]{0,40}(?:> ?|\| ?){1,8}")
_PREFIX: Final = re.compile(
    r"^[ \t]{0,40}(?:\[pod/\S{1,200}\]\s|Exception in thread \"[^\"\n]{0,200}\" |(?!\d{1,6} \|)[\w.-]{1,80}\s{1,20}\|(?:\s|$)|```\w{0,20}$"
    rf"|<\d{{1,3}}>\d? ?{_TIME} \S{{1,80}} \S{{1,80}} \S{{1,80}} (?:\S{{1,80}} )?(?:- )?"
    rf"|{_TIME} (?:stdout|stderr) [FP] |{_TIME} \S{{1,80}} [\w.@/()-]{{1,80}}(?:\[\d+\])?: |level=\w+ )"
)
_HEAD: Final = re.compile(
    rf"^[ \t]{{0,40}}[\[(<\"']?(?:(?P<time>{_TIME}[\])>\"']?[ \t,:|]{{0,8}}(?:[\[(<]?{_LEVEL}[\])>]?(?![\w-])[ \t:|-]{{0,8}})?)"
    r"|(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE)\b)"
)
_LOGGER: Final = re.compile(r"^(?:\d{1,7} )?(?:--- )?(?:\[[\w./:# -]{1,100}\] ){0,2}")

# The frames of Java, .NET, JavaScript, Python, PHP, Ruby, Go, Rust and Erlang.
_FRAME: Final = re.compile(
    r"^[ \t>|]{0,40}(?:at (?:async |new )?[\w$.<>/:@\[\]` ,+~-]{1,300}(?:\(|$|:\d)|at (?:file|node|ext|https?):\S"
    r"|\.\.\. \d+ (?:more|common frames omitted)|File \"[^\"]{1,300}\", line \d+"
    r"|from \S{1,300}:\d+:in |#\d+ \S|goroutine \d+ \[|/\S{1,300}\.go:\d+|[\^~]{2,}[\^~ ]{0,200}$"
    r"|(?<=[ \t])\d{1,4}: (?:0x|<|\w+::)|\d{1,6} \|(?:\s|$)|\{?[\w']{1,60},\s{0,9}[\w'/-]{1,60},\s{0,9}\d+,\s{0,9}\[\{file|Channel Pipeline: )"
)
_SOURCE_LINE: Final = re.compile(r"^\s{0,40}File \"[^\"]{1,300}\", line \d+")
_CAUSE: Final = re.compile(
    r"^[ \t]{0,40}(?:Caused by:|Suppressed:|\[cause\]:|cause:|-{2,3}> |Inner exception)",
    re.IGNORECASE,
)
# Python prints the innermost exception first.
_OUTER_FOLLOWS: Final = ("the above exception was the direct", "during handling of the above")
_FAR_END: Final = re.compile(r"\bremote address:[\w.:\[\]-]{2,80}:(\d{2,5})\b,?")
_FIRST_EPHEMERAL: Final = 32768  # Linux, net.ipv4.ip_local_port_range
_URL: Final = re.compile(
    r"\b(https?|grpcs?|dns|tcp|ipv[46]|unix)://?[^\s\"'<>)\],]*", re.IGNORECASE
)
_PATH: Final = re.compile(
    r"(?<![\w:.~@+/\\-])(?:(?:~|\.{1,2}|[A-Za-z]:)?/|(?:~|\.{1,2}|[A-Za-z]:)\\)[\w.@+~/\\-]+"
    r"|(?<![\w./-])[\w.-]{1,80}(?:/[\w.-]+)+\.(?:py|js|ts|go|rb|rs|java)(?![\w-])(?:::[\w.]+)*"
)
_DOTTED: Final = re.compile(
    r"(?<![\w.@-])[\w@-]+(?:\.[\w@-]+)+(?::\d{1,5}(?![\w]))?|(?<![\w.@-])[\w-]+:\d{3,5}\b"
)
_SOURCE: Final = re.compile(
    r"\.(?:go|py|js|mjs|cjs|ts|java|erl|ex|exs|rb|php|cc|cpp|c|h|rs|kt|scala|cs):\d+$"
)
_ADDRESS: Final = re.compile(
    r":\d+$|^\d+\.\d+\.\d+\.\d+$|^(?=[a-z0-9_.-]+$)[^.]+\.[^.]+\..*(?<=\.)[a-z]{2,}$"
)
_HYPHENATED: Final = re.compile(r"(?<![\w-])\w+(?:-\w+){2,}(?![\w-])")
_FIELD: Final = (
    r"(?:logger|thread|pod|host|hostname|node|container|namespace|component|component_name|component_kind"
    r"|component_type|name|caller|service|instance|job|class|exporter|receiver|data_type|unit|app)[\"']?"
)
_VALUE: Final = r"\s{0,4}(?:\"[^\"\n]{0,200}\"?|[^\s,;\"}]{1,200})"
# `name: value` is a field at the beginning of a part; within a sentence it is one of its words.
_NAMED_FIELD: Final = re.compile(
    rf"\b{_FIELD}\s?={_VALUE}|(?:^|(?<=[,;{{(\[\t]))[ ]{{0,8}}\"?{_FIELD}\s?:{_VALUE}|\bkind=[^\s,;}}]{{1,200}}",
    re.MULTILINE,
)
# What JavaScript prints of an object, and says nothing: fields without a value, lists of codes, a hint.
_UNSET: Final = re.compile(
    r"(?<![\w$])[\w$]{1,80}: (?:undefined|null)(?=\s{0,4}(?:[,}\]\n]|$))|\b[A-Z_]{1,80}_ERR: \d+|\berrorCodes: [\w() ]{0,10}[\[{][^\]}]{0,600}[\]}]"
    r"|; if the root CA is installed locally, try running Node\.js with --use-system-ca"
)
_NAME_KEYS: Final = frozenset(
    ["logger", "loggername", "logger_name", "thread", "threadname", "thread_name", "pod", "pod_name", "host", "hostname", "node", "container", "container_name", "namespace", "component", "component_name", "component_kind", "component_type", "kind", "name", "caller", "service", "service_name", "instance", "job", "class", "exporter", "receiver", "data_type", "unit", "file", "filename", "function", "line", "pid", "ts", "time", "timestamp", "level", "severity", "level_name", "stream", "tag", "image", "id", "trace_id", "span_id", "uid", "path", "version", "sourcelocation", "sourcecontext", "app", "target", "@t", "@l"]
)  # fmt: skip
_CREDENTIAL_FILE: Final = re.compile(r"\.(?:pem|crt|cer|key|der|p12|pfx|jks)$", re.IGNORECASE)
_OWN_FILE: Final = re.compile(r"\.key$|client|^tls\.crt$|key\.pem$", re.IGNORECASE)
_ANCHORS: Final = re.compile(
    r"(?<![a-z])(?:ca|roots?|cacerts?|bundle|trust\w*|anchors?)(?![a-z])", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class PastedMessage:
    """One message: a log record, or one exception of a stack trace."""

    words: tuple[str, ...]
    record: int
    """Messages of one record belong together: an exception and its causes."""
    depth: int
    """0 is the outermost; a cause is deeper than what it caused."""
    line: int = 1
    """The line of the paste on which its record begins."""


@dataclass(frozen=True, slots=True)
class Paste:
    """What was pasted: its messages, and all of it in lower case, also what is not evidence."""

    messages: tuple[PastedMessage, ...]
    everything: str


def read_paste(text: str) -> Paste:
    """Return the messages of `text`; anything beyond `LONGEST` characters is left out."""
    plain = _CONTROL.sub(
        " ", _ESCAPES.sub("", text[:LONGEST].replace("\r\n", "\n").replace("\r", "\n"))
    )
    if "&" in plain:
        plain = html.unescape(plain)
    messages: dict[tuple[str, ...], PastedMessage] = {}
    for number, (line, record) in enumerate(_split_records(plain)):
        for depth, part in _split_causes(record):
            words = tuple(normalize_text(_drop_names(part)))
            if words and words not in messages and len(messages) < _MOST_MESSAGES:
                messages[words] = PastedMessage(words, number, depth, line)
    return Paste(tuple(messages.values()), plain.lower())


def _split_records(plain: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record's lines with the number of the first; a line that begins none follows."""
    record: list[str] = []
    began = 1
    for number, line in _join_lines(plain.split("\n", _MOST_LINES)[:_MOST_LINES]):
        bare = _PREFIX.sub("", _QUOTE.sub("", line), count=1)
        nested = _read_json(bare)
        head = _HEAD.match(bare)
        if record and (nested is not None or head is not None or bare != line):
            yield began, record
            record = []
        if not record:
            began = number
        if nested is not None:
            yield number, nested
            continue
        record.extend(_unescape(_drop_head(bare)))
    if record:
        yield began, record


def _join_lines(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers; JSON over several lines, and what a terminal broke, is one."""
    widths = Counter(map(len, lines))
    widest = max(widths, default=0)
    width = widest if widest in _WIDTHS or (widest > 60 and widths[widest] > 2) else None
    parsed = at = 0
    while at < len(lines):
        start, line = at, lines[at]
        at += 1
        if line.rstrip().endswith(("{", "[")) and "{" in line and parsed < _MOST_PARSED:
            parsed += 1
            end = _find_end(lines, start)
            whole = "\n".join(lines[start:end])
            if _read_json(whole) is not None:
                yield start + 1, whole
                at = end
                continue
        yield start + 1, line
        if len(line) == width:
            pieces = [line]
            while at < len(lines) and len(pieces[-1]) == width and not _HEAD.match(lines[at]):
                pieces.append(lines[at])
                at += 1
            # A line that only happens to be so long stands for itself, too.
            yield start + 1, "".join(pieces)
            yield from enumerate(pieces[1:], start + 2)


def _find_end(lines: list[str], start: int) -> int:
    """Return the line after the braces that open on line `start` are closed."""
    depth = 0
    for at in range(start, min(len(lines), start + _LONGEST_OBJECT)):
        depth += lines[at].count("{") - lines[at].count("}")
        if depth <= 0:
            return at + 1
    return start + 1


def _drop_head(line: str) -> str:
    head = _HEAD.match(line)
    timed = head is not None and head["time"]
    return _LOGGER.sub("", line[head.end() :], count=1) if head and timed else line


def _unescape(text: str) -> list[str]:
    if "\\" not in text:
        return [text]
    return _ESCAPED_QUOTE.sub(" ", _ESCAPED_BREAK.sub("\n", text)).split("\n")


def _read_json(line: str) -> list[str] | None:
    """Return the lines of the record that is a JSON object in `line`, with what is before it."""
    start = line.find("{")
    if start < 0 or ":" not in line or '"' not in line:
        return None
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value:
        return None
    texts = [_drop_head(line[:start]), *_list_strings(value, 0), line[end:]]
    return [piece for text in texts for piece in _unescape(text) if piece.strip()]


def _list_strings(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, each in value.items():
            last = str(key).lower().rpartition(".")[2]
            name = last.startswith("_") or last in _NAME_KEYS
            if name and not isinstance(each, (dict, list)):
                continue
            if isinstance(each, (int, float)) and not isinstance(each, bool):
                yield f"{key} {each}"
            else:
                yield from _list_strings(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _list_strings(each, depth + 1)
    elif isinstance(value, str):
        for line in value.split("\n"):
            inner = _read_json(line) if depth < _DEEPEST else None
            yield from inner if inner is not None else [line]


def _split_causes(record: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the exceptions of a record with their depth, without frames."""
    parts: list[list[str]] = [[]]
    inner_first = False
    skip = False
    for line in record:
        if skip:
            skip = False
            if line.startswith((" ", "\t")):
                continue
        if _FRAME.match(line) is not None:
            skip = _SOURCE_LINE.match(line) is not None
            continue
        if line.strip().lower().startswith(_OUTER_FOLLOWS):
            inner_first = True
            parts.append([])
            continue
        if _CAUSE.match(line) is not None:
            parts.append([])
        parts[-1].append(line)
    count = len(parts)
    for at, lines in enumerate(parts):
        yield (count - at if inner_first else at), "\n".join(lines)


def _drop_names(text: str) -> str:
    """Return `text` without names and paths; of a credential file, which one it is remains."""
    kept = _FAR_END.sub(_name_far_end, _UNSET.sub(" ", text))
    kept = _URL.sub(lambda found: f" {found[1]} url ", kept)
    kept = _PATH.sub(_drop_path, kept)
    kept = _NAMED_FIELD.sub(" ", kept)
    kept = _DOTTED.sub(_drop_dotted, kept)
    # Names of pods and jobs have many hyphens; words of errors have one.
    return _HYPHENATED.sub(" ", kept)


def _name_far_end(found: re.Match[str]) -> str:
    """Return whose address it is: a port of the system's choice belongs to a client."""
    return f" remote address of a {'client' if int(found[1]) >= _FIRST_EPHEMERAL else 'server'}, "


def _drop_path(found: re.Match[str]) -> str:
    base = re.split(r"[/\\]", found[0].rstrip("/\\."))[-1]
    if not _CREDENTIAL_FILE.search(base):
        return " "
    if _ANCHORS.search(base):
        return " cafile "
    return " keyfile " if _OWN_FILE.search(base) else " "


def _drop_dotted(found: re.Match[str]) -> str:
    name = found[0]
    if _CREDENTIAL_FILE.search(name):
        return _drop_path(found)
    # CPython's line of _ssl.c tells a handshake from a write.
    noise = _ADDRESS.search(name) or _SOURCE.search(name)
    return " " if noise and not name.startswith("_ssl.c:") else name
