"""What Node, undici, grpc-js and the OTLP exporters of OpenTelemetry JS can print.

Node holds the sources of its own modules, undici among them. The packages are found as `node`
finds them: NODE_PATH names the folder in which npm has installed them.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tools.messages.library_texts import LibraryTexts, choose_texts

_STRING: Final = r"(?:'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`)"
_PRINTED: Final = re.compile(
    r"(?:new (?!InvalidArgument|Type|Range|Syntax|NotSupported|DOM|InvalidReturn)\w*(?:Error|Exception)\(\s*"
    r"|E\('ERR_(?:TLS|SSL|SOCKET|HTTP|PROXY)\w*',\s*|details(?::| =) |this\.message = message \|\| "
    r"|(?:diag|_diagLogger)\.(?:warn|error|info)\(\s*|(?:errorM|m)essage = |warnIf\w+\(\s*)"
    rf"(?:{_STRING})"
)
_CODE: Final = re.compile(r"'((?:UND_ERR|ERR_(?:TLS|SSL|SOCKET|HTTP2|PROXY))\w+)'")
_EXPRESSION: Final = re.compile(r"\$\{(?:[^{}]|\{[^{}]*\})*\}")
_NODE_MODULES: Final = (
    "net tls https _http_client _http_agent _http_common _tls_wrap _tls_common internal/tls/wrap internal/tls/common "
    "internal/tls/secure-context internal/http2/core internal/http2/util internal/http2/compat internal/dns/utils "
    "internal/stream_base_commons internal/errors internal/http internal/url"
)
_READ: Final = """
const natives = process.binding('natives');
console.log(JSON.stringify([process.versions.node, process.argv[1].split(' ').map((name) => natives[name] ?? '')]));
"""
_READ_PACKAGE: Final = """
const fs = require('fs'), path = require('path');
const read = (folder) => fs.readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
  const at = path.join(folder, each.name);
  if (each.isDirectory()) return each.name === 'test' ? [] : read(at);
  return each.name.endsWith('.js') && !/mock|test/i.test(each.name) ? [fs.readFileSync(at, 'utf8')] : [];
});
const found = process.argv.slice(1).map((name) => {
  const paths = module.paths.concat((process.env.NODE_PATH ?? '').split(':'));
  const root = paths.map((each) => path.join(each, name)).find((each) => fs.existsSync(each));
  return [JSON.parse(fs.readFileSync(path.join(root, 'package.json'))).version, read(path.join(root, 'build', 'src'))];
});
console.log(JSON.stringify([found[0][0], found.flatMap((each) => each[1])]));
"""


def ask_node(program: str, *arguments: str) -> tuple[str, list[str]]:
    """Return the version and the sources that a program for Node prints."""
    command = ["node", "--no-warnings", "-e", program, "--", *arguments]
    version, sources = json.loads(subprocess.check_output(command, text=True))
    return version, sources


def list_texts(source: str) -> Iterator[str]:
    """Yield the sentences and the codes of errors in a source."""
    for found in _PRINTED.finditer(source):
        text = next((each for each in found.groups() if each is not None), "")
        yield _EXPRESSION.sub("…", re.sub(r"\\(['\"`])", r"\1", text))
    for code in _CODE.findall(source):
        yield f"code: {code}"


def extract_node(library: str, modules: str) -> LibraryTexts:
    """Return the texts of Node's own modules."""
    version, sources = ask_node(_READ, modules)
    return LibraryTexts(
        library, version, choose_texts(each for source in sources for each in list_texts(source))
    )


def extract_packages(library: str, *packages: str) -> LibraryTexts:
    """Return the texts of packages of npm; the first one's version counts."""
    version, sources = ask_node(_READ_PACKAGE, *packages)
    return LibraryTexts(
        library, version, choose_texts(each for source in sources for each in list_texts(source))
    )


EXTRACTORS: Final[dict[str, Callable[[], LibraryTexts]]] = {
    "node": partial(extract_node, "Node", _NODE_MODULES),
    "undici": partial(extract_node, "undici in Node", "internal/deps/undici/undici"),
    "grpc_js": partial(extract_packages, "@grpc/grpc-js", "@grpc/grpc-js"),
    "otlp_js": partial(
        extract_packages,
        "OTLP exporters of OpenTelemetry JS",
        "@opentelemetry/otlp-exporter-base",
        "@opentelemetry/otlp-grpc-exporter-base",
    ),
}
