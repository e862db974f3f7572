"""What happens to a PEM file on its way: every wrapping and damage, as functions of its bytes.

Each returns what stands in the file afterwards; `WRAPPINGS` names them all.
"""

import base64
import gzip
import html
import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Final

Wrapping = Callable[[bytes], bytes]


def armour(label: str, content: bytes, width: int = 64, headers: str = "") -> bytes:
    """Return PEM (RFC 7468) with lines of `width` characters and the headers of RFC 1421."""
    text = base64.b64encode(content).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    parts = [f"-----BEGIN {label}-----", *headers.splitlines(), *lines, f"-----END {label}-----"]
    return "\n".join([*parts, ""]).encode()


def _lines(pem: bytes) -> list[bytes]:
    return pem.rstrip(b"\n").split(b"\n")


def _join(lines: list[bytes]) -> bytes:
    return b"\n".join([*lines, b""])


def _each_line(change: Callable[[bytes], bytes]) -> Wrapping:
    return lambda pem: _join([change(line) for line in _lines(pem)])


def _is_armour(line: bytes) -> bool:
    return line.startswith(b"-----")


def _body(change: Callable[[bytes], bytes]) -> Wrapping:
    """Return what changes each line between BEGIN and END."""
    return _each_line(lambda line: line if _is_armour(line) else change(line))


def _armour_lines(change: Callable[[bytes], bytes]) -> Wrapping:
    return _each_line(lambda line: change(line) if _is_armour(line) else line)


def _replace(old: bytes, new: bytes, count: int = -1) -> Wrapping:
    return lambda pem: pem.replace(old, new, count)


def _insert_line(text: bytes, at: int) -> Wrapping:
    """Return what puts a line into the file; 1 is right behind BEGIN, -1 right before END."""

    def insert(pem: bytes) -> bytes:
        lines = _lines(pem)
        lines.insert(at if at >= 0 else len(lines) + at, text)
        return _join(lines)

    return insert


def _drop_lines(*at: int) -> Wrapping:
    def drop(pem: bytes) -> bytes:
        lines = _lines(pem)
        gone = {each % len(lines) for each in at}
        return _join([line for number, line in enumerate(lines) if number not in gone])

    return drop


def _each_block(change: Callable[[list[bytes]], list[bytes]]) -> Wrapping:
    """Return what changes every BEGIN…END block on its own."""

    def change_all(pem: bytes) -> bytes:
        made: list[bytes] = []
        block: list[bytes] = []
        for line in _lines(pem):
            block.append(line)
            if line.startswith(b"-----END"):
                made += change(block)
                block = []
        return _join(made + block)

    return change_all


def _in_block(text: bytes, at: int) -> Wrapping:
    """Return what puts a line into each block; 1 is right behind BEGIN, -1 right before END."""

    def insert(block: list[bytes]) -> list[bytes]:
        where = at if at >= 0 else len(block) + at
        return [*block[:where], text, *block[where:]]

    return _each_block(insert)


def _rewrap(width: int) -> Wrapping:
    def wrap(block: list[bytes]) -> list[bytes]:
        body = b"".join(line for line in block if not _is_armour(line))
        lines = [body[at : at + width] for at in range(0, len(body), width)]
        return [block[0], *lines, block[-1]]

    return _each_block(wrap)


def _encoded(encoding: str, mark: bytes = b"") -> Wrapping:
    return lambda pem: mark + pem.decode("latin-1").encode(encoding)


def _as_json(key: str) -> Wrapping:
    return lambda pem: (json.dumps({key: pem.decode("latin-1")}, indent=2) + "\n").encode()


def _indented(pem: bytes, spaces: int) -> bytes:
    return _join([b" " * spaces + line for line in _lines(pem)])


def _manifest(kind: str, field: str, *, encode: bool) -> Wrapping:
    def write(pem: bytes) -> bytes:
        head = f"apiVersion: v1\nkind: {kind}\nmetadata:\n  name: credentials\n{field}:\n"
        if encode:
            return head.encode() + b"  tls.pem: " + base64.b64encode(pem) + b"\n"
        return head.encode() + b"  tls.pem: |\n" + _indented(pem, 4)

    return write


def _zip(pem: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("tls.pem", (2020, 1, 1, 0, 0, 0)), pem)
    return packed.getvalue()


def _base64(pem: bytes) -> bytes:
    return base64.b64encode(pem) + b"\n"


def _cut(share: float) -> Wrapping:
    return lambda pem: pem[: int(len(pem) * share)]


def _flip_body(pem: bytes) -> bytes:
    """Change one character in the middle of the first body: still base64, another content."""
    lines = _lines(pem)
    middle = len(lines) // 2
    line = bytearray(lines[middle])
    line[20] = ord("A") if line[20] != ord("A") else ord("B")
    lines[middle] = bytes(line)
    return _join(lines)


def _unpadded(pem: bytes) -> bytes:
    return re.sub(rb"=+\n-----END", b"\n-----END", pem)


def _url_safe(pem: bytes) -> bytes:
    return _body(lambda line: line.replace(b"+", b"-").replace(b"/", b"_"))(pem)


def _one_line(pem: bytes) -> bytes:
    return pem.replace(b"\n", b"")


def _comment(mark: bytes) -> Wrapping:
    return _each_line(lambda line: mark + line)


BOM: Final = b"\xef\xbb\xbf"
ZERO_WIDTH_SPACE: Final = "\u200b".encode()
NO_BREAK_SPACE: Final = "\u00a0".encode()

WRAPPINGS: Final[dict[str, tuple[str, Wrapping]]] = {
    # line ends
    "cr-only": ("lines end with CR", _replace(b"\n", b"\r")),
    "crlf": ("lines end with CR LF", _replace(b"\n", b"\r\n")),
    "crcrlf": ("lines end with CR CR LF", _replace(b"\n", b"\r\r\n")),
    "lfcr": ("lines end with LF CR", _replace(b"\n", b"\n\r")),
    "crlf-armour-only": ("BEGIN and END end with CR LF", _armour_lines(lambda line: line + b"\r")),
    "crlf-body-only": ("the body ends with CR LF", _body(lambda line: line + b"\r")),
    "vertical-tab-ends": ("lines end with a vertical tab", _replace(b"\n", b"\v")),
    "form-feed-ends": ("lines end with a form feed", _replace(b"\n", b"\f")),
    "unicode-line-separator": ("lines end with U+2028", _replace(b"\n", "\u2028".encode())),
    "next-line-ends": ("lines end with U+0085", _replace(b"\n", "\u0085".encode())),
    "no-final-newline": ("no newline at the end", lambda pem: pem.rstrip(b"\n")),
    "two-final-newlines": ("an empty line at the end", lambda pem: pem + b"\n"),
    "final-spaces": ("spaces at the end", lambda pem: pem + b"   "),
    # encodings
    "utf8-bom": ("UTF-8 with BOM", lambda pem: BOM + pem),
    "utf8-bom-twice": ("UTF-8 with two BOMs", lambda pem: BOM + BOM + pem),
    "utf8-bom-newline": ("BOM on a line of its own", lambda pem: BOM + b"\n" + pem),
    "utf16": ("UTF-16 LE with BOM", _encoded("utf-16-le", b"\xff\xfe")),
    "utf16-nobom": ("UTF-16 LE without BOM", _encoded("utf-16-le")),
    "utf16be": ("UTF-16 BE with BOM", _encoded("utf-16-be", b"\xfe\xff")),
    "utf16be-nobom": ("UTF-16 BE without BOM", _encoded("utf-16-be")),
    "utf32": ("UTF-32 LE with BOM", _encoded("utf-32-le", b"\xff\xfe\0\0")),
    "utf32-nobom": ("UTF-32 LE without BOM", _encoded("utf-32-le")),
    "ebcdic": ("EBCDIC", _encoded("cp500")),
    # white space
    "indent-all-4": ("every line indented by 4", _each_line(lambda line: b"    " + line)),
    "indent-all-1": ("every line indented by 1", _each_line(lambda line: b" " + line)),
    "indent-all-tab": ("every line indented by a tab", _each_line(lambda line: b"\t" + line)),
    "indent-body-4": ("the body indented by 4", _body(lambda line: b"    " + line)),
    "indent-body-tab": ("the body indented by a tab", _body(lambda line: b"\t" + line)),
    "indent-first": ("the first line indented", lambda pem: b"  " + pem),
    "indent-rest": ("all but the first line indented", lambda pem: _indented(pem, 4)[4:]),
    "indent-end": ("the END line indented", _replace(b"-----END", b"  -----END")),
    "trailing-space-all": (
        "a space at the end of every line",
        _each_line(lambda line: line + b" "),
    ),
    "trailing-tab-all": ("a tab at the end of every line", _each_line(lambda line: line + b"\t")),
    "trailing-space-begin": ("a space behind BEGIN", _replace(b"-----\n", b"----- \n", 1)),
    "trailing-space-end": ("a space behind END", _each_block(lambda b: [*b[:-1], b[-1] + b" "])),
    "trailing-space-body": ("spaces behind the body's lines", _body(lambda line: line + b"  ")),
    "spaces-in-body": (
        "a space after every 8 characters",
        _body(lambda line: b" ".join(line[at : at + 8] for at in range(0, len(line), 8))),
    ),
    "blank-after-each": ("an empty line after each line", _replace(b"\n", b"\n\n")),
    "blank-after-begin": ("an empty line behind BEGIN", _in_block(b"", 1)),
    "blank-before-end": ("an empty line before END", _in_block(b"", -1)),
    "blank-mid": ("an empty line in the body", _in_block(b"", 3)),
    "space-line-mid": ("a line of spaces in the body", _in_block(b"   ", 3)),
    "leading-blank": ("empty lines first", lambda pem: b"\n\n" + pem),
    "leading-spaces-line": ("a line of spaces first", lambda pem: b"   \n" + pem),
    # characters that nobody sees
    "nbsp-label": (
        "a no-break space in BEGIN and END",
        _armour_lines(lambda line: line.replace(b" ", NO_BREAK_SPACE)),
    ),
    "nbsp-indent": (
        "indented by no-break spaces",
        _each_line(lambda line: NO_BREAK_SPACE * 2 + line),
    ),
    "zwsp-first": ("a zero-width space first", lambda pem: ZERO_WIDTH_SPACE + pem),
    "zwsp-body": ("a zero-width space in the body", _in_block(ZERO_WIDTH_SPACE, 3)),
    "zwsp-body-inline": (
        "a zero-width space within a line",
        _body(lambda line: line[:9] + ZERO_WIDTH_SPACE + line[9:]),
    ),
    "nul-first": ("a NUL byte first", lambda pem: b"\0" + pem),
    "nul-last": ("NUL bytes last", lambda pem: pem + b"\0\0\0\0"),
    "nul-mid": ("a NUL byte in the body", _body(lambda line: line[:9] + b"\0" + line[9:])),
    "nul-padded": ("padded with NUL to 4096 bytes", lambda pem: pem + b"\0" * (-len(pem) % 4096)),
    "ctrl-z": ("a Ctrl-Z last", lambda pem: pem + b"\x1a"),
    "escape-colours": ("terminal colours around it", lambda pem: b"\x1b[0m" + pem + b"\x1b[0m"),
    # the armour
    "four-dashes": ("four dashes", _replace(b"-----", b"----")),
    "six-dashes": ("six dashes", _replace(b"-----", b"------")),
    "four-dashes-end": ("four dashes at END", _replace(b"-----END", b"----END")),
    "four-dashes-behind-end": (
        "four dashes behind END's label",
        _each_block(lambda b: [*b[:-1], b[-1][:-1]]),
    ),
    "dash-lost-behind-begin": (
        "four dashes behind BEGIN's label",
        _each_block(lambda b: [b[0][:-1], *b[1:]]),
    ),
    "spaced-dashes": ("a space between dashes and BEGIN", _replace(b"-----BEGIN", b"----- BEGIN")),
    "en-dashes": ("en dashes", _replace(b"-----", ("\u2013" * 5).encode())),
    "em-dashes": ("em dashes (two for five)", _replace(b"-----", "\u2014\u2014-".encode())),
    "lower-case": ("begin and end in lower case", _armour_lines(bytes.lower)),
    "title-case-label": (
        "the label in title case",
        _armour_lines(
            lambda line: (
                line[:11] + line[11:-5].title() + line[-5:]
                if line.startswith(b"-----BEGIN")
                else line[:9] + line[9:-5].title() + line[-5:]
            )
        ),
    ),
    "no-space-label": ("no space behind BEGIN", _replace(b"BEGIN ", b"BEGIN")),
    "two-spaces-label": ("two spaces behind BEGIN", _replace(b"BEGIN ", b"BEGIN  ")),
    "space-before-dashes": (
        "a space before the last dashes",
        _armour_lines(lambda line: line[:-5] + b" " + line[-5:]),
    ),
    "no-begin": ("no BEGIN line", _drop_lines(0)),
    "no-end": ("no END line", _drop_lines(-1)),
    "no-armour": ("base64 only", _each_block(lambda b: b[1:-1])),
    "no-armour-one-line": (
        "base64 only, in one line",
        lambda pem: b"".join(line for line in _lines(pem) if not _is_armour(line)) + b"\n",
    ),
    "end-label-differs": ("END has another label", _replace(b"-----END ", b"-----END X ")),
    "end-label-lost": ("END without label", _each_block(lambda b: [*b[:-1], b"-----END-----"])),
    "begin-twice": ("BEGIN stands twice", _each_block(lambda b: [b[0], *b])),
    "end-twice": ("END stands twice", _each_block(lambda b: [*b, b[-1]])),
    "text-behind-begin": (
        "text behind BEGIN on its line",
        _replace(b"-----\n", b"----- # tls\n", 1),
    ),
    "text-behind-end": (
        "text behind END on its line",
        _each_block(lambda b: [*b[:-1], b[-1] + b" # end"]),
    ),
    "text-before-begin": ("text before BEGIN on its line", lambda pem: b"tls.pem: " + pem),
    "comma-behind-end": ("a comma behind END", _each_block(lambda b: [*b[:-1], b[-1] + b","])),
    # the body
    "one-line": ("all on one line", _one_line),
    "spaces-for-newlines": ("newlines became spaces", _replace(b"\n", b" ")),
    "body-one-line": ("the body in one line", _rewrap(1 << 20)),
    "width-76": ("76 characters a line", _rewrap(76)),
    "width-48": ("48 characters a line", _rewrap(48)),
    "width-1": ("one character a line", _rewrap(1)),
    "width-253": ("253 characters a line", _rewrap(253)),
    "width-255": ("255 characters a line", _rewrap(255)),
    "width-1000": ("1,000 characters a line", _rewrap(1000)),
    "body-behind-begin": (
        "the body's first line behind BEGIN",
        _each_block(lambda b: [b[0] + b[1], *b[2:]]),
    ),
    "end-behind-body": (
        "END behind the body's last line",
        _each_block(lambda b: [*b[:-2], b[-2] + b[-1]]),
    ),
    "url-safe": ("base64url", _url_safe),
    "unpadded": ("padding lost", _unpadded),
    "overpadded": ("one = too much", _each_block(lambda b: [*b[:-2], b[-2] + b"=", b[-1]])),
    "padding-mid": ("= within the body", _body(lambda line: line[:8] + b"=" + line[8:])),
    "lines-lost": ("two lines of the body lost", _drop_lines(3, 4)),
    "line-twice": ("a line of the body twice", _each_block(lambda b: [*b[:3], b[2], *b[3:]])),
    "lines-swapped": (
        "two lines of the body swapped",
        _each_block(lambda b: [*b[:2], b[3], b[2], *b[4:]]),
    ),
    "character-changed": ("one character of the body changed", _flip_body),
    "character-lost": (
        "one character of the body lost",
        _each_block(lambda b: [*b[:3], b[3][:-1], *b[4:]]),
    ),
    "bang-in-body": (
        "a character that is not base64",
        _body(lambda line: line[:9] + b"!" + line[9:]),
    ),
    "quoted-printable": ("quoted-printable: = at line ends", _body(lambda line: line + b"=")),
    "arrow-prefix": ("quoted in a mail", _each_line(lambda line: b"> " + line)),
    "dash-escaped": ("dash-escaped (RFC 9580)", _replace(b"-----", b"- -----")),
    "empty-body": ("nothing between BEGIN and END", _each_block(lambda b: [b[0], b[-1]])),
    "cut-half": ("cut in the middle", _cut(0.5)),
    "cut-end": ("cut within the END line", lambda pem: pem[:-12]),
    "cut-almost": ("last byte of END lost", lambda pem: pem.rstrip(b"\n")[:-1]),
    "doubled": ("the file twice", lambda pem: pem + pem),
    # headers of RFC 1421 and others
    "header-in-block": (
        "an RFC 1421 header in the block",
        _each_block(lambda b: [b[0], b"Comment: lab", b"", *b[1:]]),
    ),
    "header-no-blank": ("a header without an empty line", _in_block(b"Comment: lab", 1)),
    "two-headers": (
        "two headers",
        _each_block(lambda b: [b[0], b"Comment: lab", b"X-Proc: 1", b"", *b[1:]]),
    ),
    "header-folded": (
        "a folded header",
        _each_block(lambda b: [b[0], b"Comment: lab", b" more", b"", *b[1:]]),
    ),
    "header-utf8": (
        "a header with UTF-8",
        _each_block(lambda b: [b[0], "Comment: Zertifikat für".encode(), b"", *b[1:]]),
    ),
    "header-mid-body": ("a header in the middle of the body", _in_block(b"Comment: lab", 4)),
    "proc-type-clear": (
        "Proc-Type 4,MIC-CLEAR",
        _each_block(lambda b: [b[0], b"Proc-Type: 4,MIC-CLEAR", b"", *b[1:]]),
    ),
    "bag-attributes": (
        "Bag Attributes before it",
        lambda pem: (
            b"Bag Attributes\n    friendlyName: lab\n    localKeyID: 54 69 6D 65 \nsubject=CN = lab\n\nissuer=CN = lab\n\n"
            + pem
        ),
    ),
    "attributes-utf8": (
        "UTF-8 text before it",
        lambda pem: "Schlüssel für das Labor\n".encode() + pem,
    ),
    "attributes-latin1": (
        "Latin-1 text before it",
        lambda pem: "Schlüssel für das Labor\n".encode("latin-1") + pem,
    ),
    "text-before": ("text before it", lambda pem: b"the lab's credentials\n" + pem),
    "text-after": ("text after it", lambda pem: pem + b"the lab's credentials\n"),
    "text-around": ("text before and after it", lambda pem: b"# lab\n\n" + pem + b"\n# end\n"),
    "openssl-text": (
        "openssl -text before it",
        lambda pem: (
            b"Certificate:\n    Data:\n        Version: 3 (0x2)\n        Serial Number: 4097 (0x1001)\n"
            + pem
        ),
    ),
    "dashes-line-before": ("a line of dashes before it", lambda pem: b"-" * 40 + b"\n" + pem),
    "begin-text-before": (
        "text that mentions BEGIN before it",
        lambda pem: b"-----BEGIN below-----\n" + pem,
    ),
    "begin-in-sentence-before": (
        "a sentence with BEGIN before it",
        lambda pem: b"paste from -----BEGIN to -----END\n" + pem,
    ),
    "commented-hash": ("every line commented out with #", _comment(b"# ")),
    "commented-slashes": ("every line commented out with //", _comment(b"// ")),
    "commented-semicolon": ("every line commented out with ;", _comment(b"; ")),
    # escapes and quotes
    "escaped-n": (r"\n instead of newlines", _replace(b"\n", rb"\n")),
    "escaped-rn": (r"\r\n instead of newlines", _replace(b"\n", rb"\r\n")),
    "escaped-n-kept": (r"\n and newlines", _replace(b"\n", b"\\n\n")),
    "double-escaped-n": (r"\\n instead of newlines", _replace(b"\n", rb"\\n")),
    "backslash-ends": ("a backslash at each line's end", _replace(b"\n", b"\\\n")),
    "quoted": ("in double quotes", lambda pem: b'"' + pem.rstrip(b"\n") + b'"\n'),
    "quoted-newline": (
        "in double quotes, the last on its own line",
        lambda pem: b'"' + pem + b'"\n',
    ),
    "single-quoted": ("in single quotes", lambda pem: b"'" + pem.rstrip(b"\n") + b"'\n"),
    "smart-quoted": (
        "in typographic quotes",
        lambda pem: "\u201c".encode() + pem.rstrip(b"\n") + "\u201d\n".encode(),
    ),
    "quoted-escaped": (r"quoted, with \n", lambda pem: json.dumps(pem.decode("latin-1")).encode()),
    "each-line-quoted": ("each line in quotes", _each_line(lambda line: b'"' + line + b'\\n"')),
    "dotenv": ('NAME="…" with newlines', lambda pem: b'TLS_PEM="' + pem.rstrip(b"\n") + b'"\n'),
    "dotenv-escaped": (
        r"NAME=… with \n",
        lambda pem: b"TLS_PEM=" + pem.replace(b"\n", rb"\n") + b"\n",
    ),
    "export-statement": ("a shell export", lambda pem: b"export TLS_PEM='" + pem + b"'\n"),
    "heredoc": ("a shell's here document", lambda pem: b"cat <<EOF\n" + pem + b"EOF\n"),
    # what keeps secrets and configurations
    "base64": ("base64 of the file", _base64),
    "base64-unwrapped": ("base64 without newline", base64.b64encode),
    "base64-wrapped": ("base64 of the file, wrapped", base64.encodebytes),
    "base64-twice": ("base64 of base64", lambda pem: _base64(_base64(pem))),
    "base64-url": ("base64url of the file", base64.urlsafe_b64encode),
    "hex": ("hexadecimal", lambda pem: pem.hex().encode() + b"\n"),
    "percent": (
        "percent-encoded",
        lambda pem: re.sub(rb"[^A-Za-z0-9]", lambda m: b"%%%02X" % m[0][0], pem),
    ),
    "gzip": ("gzip", lambda pem: gzip.compress(pem, mtime=0)),
    "gzip-base64": ("base64 of gzip", lambda pem: _base64(gzip.compress(pem, mtime=0))),
    "zip": ("a zip archive", _zip),
    "json": ("a JSON object", _as_json("certificate")),
    "json-string": ("a JSON string", lambda pem: json.dumps(pem.decode("latin-1")).encode()),
    "json-list": (
        "a JSON list of lines",
        lambda pem: json.dumps(pem.decode("latin-1").splitlines()).encode(),
    ),
    "json-raw": (
        "a JSON object with raw newlines",
        lambda pem: b'{"certificate": "' + pem + b'"}\n',
    ),
    "yaml-literal": ("a YAML literal block", lambda pem: b"tls.pem: |\n" + _indented(pem, 2)),
    "yaml-folded": (
        "a YAML folded block, as read",
        lambda pem: pem.rstrip(b"\n").replace(b"\n", b" ") + b"\n",
    ),
    "yaml-document": ("a YAML document marker before it", lambda pem: b"---\n" + pem),
    "configmap": ("a ConfigMap manifest", _manifest("ConfigMap", "data", encode=False)),
    "secret": ("a Secret manifest", _manifest("Secret", "data", encode=True)),
    "secret-string": (
        "a Secret manifest with stringData",
        _manifest("Secret", "stringData", encode=False),
    ),
    "helm-template": (
        "an unrendered template",
        lambda _: b"{{ .Values.tls.pem | b64dec | nindent 4 }}\n",
    ),
    "helm-nindent-kept": ("rendered with nindent", lambda pem: b"\n" + _indented(pem, 4)),
    "html": (
        "a page of HTML",
        lambda pem: (
            b"<html><body><pre>"
            + html.escape(pem.decode("latin-1")).encode()
            + b"</pre></body></html>\n"
        ),
    ),
    "html-br": ("<br> at each line's end", _replace(b"\n", b"<br>\n")),
    "html-error": (
        "an error page",
        lambda _: b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n",
    ),
    "xml-cdata": (
        "CDATA in XML",
        lambda pem: b'<?xml version="1.0"?>\n<pem><![CDATA[\n' + pem + b"]]></pem>\n",
    ),
    "markdown": ("a code block of Markdown", lambda pem: b"```\n" + pem + b"```\n"),
    "line-numbers": (
        "line numbers",
        lambda pem: b"".join(b"%6d\t%s\n" % pair for pair in enumerate(_lines(pem), 1)),
    ),
    "diff-added": (
        "lines of a diff",
        lambda pem: b"+++ tls.pem\n" + _each_line(lambda line: b"+" + line)(pem),
    ),
    "merge-conflict": (
        "conflict markers around it",
        lambda pem: b"<<<<<<< HEAD\n" + pem + b"=======\n>>>>>>> main\n",
    ),
    "comma-joined": (
        "lines joined by commas",
        lambda pem: pem.rstrip(b"\n").replace(b"\n", b",") + b"\n",
    ),
    "pipe-joined": (
        "lines joined by |",
        lambda pem: pem.rstrip(b"\n").replace(b"\n", b"|") + b"\n",
    ),
    "unresolved-reference": (
        "an unresolved reference",
        lambda _: b"${file:/run/secrets/tls.pem}\n",
    ),
    "vault-reference": ("an unresolved vault reference", lambda _: b"vault:secret/data/tls#pem\n"),
    "path-as-content": ("a path instead of the content", lambda _: b"/etc/ssl/tls.pem\n"),
    "git-lfs": (
        "a Git LFS pointer",
        lambda pem: (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:"
            + b"0" * 64
            + b"\nsize %d\n" % len(pem)
        ),
    ),
    "ansible-vault": (
        "ansible-vault",
        lambda pem: b"$ANSIBLE_VAULT;1.1;AES256\n" + pem.hex().encode()[:320] + b"\n",
    ),
    "pgp-message": (
        "a PGP message",
        lambda pem: (
            b"-----BEGIN PGP MESSAGE-----\n\n"
            + base64.encodebytes(pem[:96])
            + b"=abcd\n-----END PGP MESSAGE-----\n"
        ),
    ),
    "pgp-signed": (
        "a PGP signed message",
        lambda pem: (
            b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
            + pem.replace(b"-----", b"- -----")
            + b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"
        ),
    ),
    "smime": (
        "a mail with it",
        lambda pem: b"From: lab@lab.example\nContent-Type: application/x-pem-file\n\n" + pem,
    ),
    "age": (
        "age, armoured",
        lambda pem: armour(
            "AGE ENCRYPTED FILE", b"age-encryption.org/v1\n-> X25519 AAAA\n" + pem[:60]
        ),
    ),
    # nothing to read
    "empty": ("an empty file", lambda _: b""),
    "white-space": ("white space only", lambda _: b" \n\t\n"),
    "one-newline": ("one newline", lambda _: b"\n"),
    "nul-only": ("NUL bytes only", lambda _: b"\0" * 64),
    "text-only": ("text only", lambda _: b"insert the certificate here\n"),
    "begin-only": ("a BEGIN line only", lambda pem: _lines(pem)[0] + b"\n"),
    "many-begins": ("2,000 BEGIN lines", lambda pem: (_lines(pem)[0] + b"\n") * 2000),
    "random-bytes": (
        "bytes of no format",
        lambda pem: bytes((at * 167 + 13) % 256 for at in range(700)),
    ),
}
"""Id → what it is, in words, and the function."""
