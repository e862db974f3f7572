"""Whether a Collector starts with a configuration, and what of it keeps it from starting.

Pure but for the files that references name. Follows otelcol's own order: what confmap resolves, what
each component's configuration decodes to, the references among them, the graph of pipelines
(v0.162.0). A type that the shipped table has not is not looked into.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from probe.config.errors import ConfigurationError
from probe.config.expand import Unresolved, UnsetVariable
from probe.config.location import Location
from probe.config.sources.collector.component_types import REMOVED, find_misnamed, list_types
from probe.config.sources.collector.decode import COLLECTOR_SAYS, Decoder
from probe.config.sources.collector.go_values import find_references, id_fault
from probe.config.sources.collector.known_components import KnownCollector, load_known_collector
from probe.config.sources.collector.merge import CollectorFiles, component_id, component_type
from probe.config.sources.collector.pipeline_graph import judge_graph
from probe.config.yaml_document import unwrap, unwrap_all
from probe.text.description import Description, describe_key

COMPONENT_SECTIONS: Final = ("receivers", "processors", "exporters", "connectors", "extensions")
SECTIONS: Final = (*COMPONENT_SECTIONS, "service")
"""The keys of a Collector's configuration (otelcol's `configSettings`)."""

_EXTENSION_KEYS: Final = (
    ("authenticator", "is not an extension of service.extensions", "authenticator not found"),
    ("storage", "is not an extension of service.extensions", "storage client extension not found"),
)
"""Keys that name an extension, and what is wrong where it is not started."""
_SERVICE_KEYS: Final = ("extensions", "pipelines", "telemetry")
_PIPELINE_KEYS: Final = ("receivers", "processors", "exporters")
PIPELINE_SIGNALS: Final = ("traces", "metrics", "logs", "profiles")
"""What a pipeline's id begins with; profiles have no stable OTLP service to be probed."""


@dataclass(slots=True)
class Startup:
    """What keeps a Collector from starting; nothing where it starts, as far as can be known."""

    components: dict[tuple[str, str], list[ConfigurationError]] = field(default_factory=dict)
    """By section and id: what is wrong within one component."""
    collector: list[ConfigurationError] = field(default_factory=list)
    """What is wrong with the configuration besides."""
    ignored: dict[tuple[str, str], list[ConfigurationError]] = field(default_factory=dict)
    """By section and id: keys that are not known, and that the Collector passes over."""
    unset: dict[tuple[str, str], tuple[UnsetVariable, ...]] = field(default_factory=dict)
    """By section and id: the variables that are not set and that its settings come from."""
    pipelines_unknown: bool = False
    """Whether what the pipelines use cannot be read whole."""
    unresolved: tuple[str, ...] = ()
    """What of it comes from a provider that the probe has not."""
    pipelines: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """By id: the ids of its receivers, processors and exporters, as far as they can be read."""
    of_own_types: tuple[str, ...] = ()
    """Components of a type that no known distribution has."""


def judge_startup(files: CollectorFiles) -> Startup:
    """Return what keeps the Collector of `files` from starting."""
    return _Judge(files, load_known_collector()).judge()


class _Judge:
    def __init__(self, files: CollectorFiles, known: KnownCollector) -> None:
        self._files = files
        self._known = known
        self._found = Startup()
        self._ids: dict[str, dict[str, Any]] = {}
        """By section: each id with its decoded settings."""
        self._keys: dict[tuple[str, str], str] = {}
        """By section and id: the key as it is written."""
        self._whole: set[str] = set()
        """The sections whose components are all known."""
        self._unresolved: list[str] = []
        self._enabled: frozenset[str] | None = None
        """The extensions that start; None where that cannot be known."""

    def judge(self) -> Startup:
        document = self._files.document
        at = self._files.at
        for key in document.value:
            if key not in SECTIONS:
                words = f"has invalid keys: {describe_key(key)}"
                self._report(at[key], "unknown key", words, found=key, allowed=SECTIONS)
        for section in COMPONENT_SECTIONS:
            self._judge_section(section)
        before = len(self._found.collector)
        self._judge_service()
        self._found.pipelines_unknown = (
            len(self._found.collector) > before or not self._found.pipelines
        )
        self._judge_uses_of_extensions()
        self._judge_own_types()
        if not self._found.collector:
            self._judge_presence()
        self._found.unresolved = tuple(self._unresolved)
        return self._found

    def _report(self, at: Location, reason: str, words: str, **about: Any) -> None:
        said = f"{reason}{COLLECTOR_SAYS}{self._known.release}: {words})" if words else reason
        self._found.collector.append(at.error(said, **about))

    def _read(self, at: Location, *path: str) -> Any:
        """Return the value at `path`; where it cannot be resolved that is reported."""
        try:
            value = self._files.value(*path)
        except ConfigurationError as error:
            self._found.collector.append(error)
            return Unresolved("")
        if isinstance(value, Unresolved):
            self._note_unresolved(at, value)
        return value

    def _note_unresolved(self, at: Location, value: Unresolved) -> None:
        if value.scheme and not value.reason:
            self._unresolved.append(
                f"{at.key}: its value comes from the provider {value.scheme}, which the probe has not"
            )

    def _judge_section(self, section: str) -> None:
        at = self._files.at[section]
        raw = unwrap(self._files.document.value.get(section))
        value = self._read(at, section) if isinstance(raw, str) else raw
        if isinstance(value, Unresolved):
            return
        self._whole.add(section)
        ids = self._ids.setdefault(section, {})
        if value is None:
            return
        if not isinstance(value, dict):
            words = "expected a map or struct"
            self._report(at, "must be a mapping", words, found=value)
            return
        for key in value:
            if fault := id_fault(key):
                self._report(at[key], "is not the id of a component, type or type/name", fault)
                continue
            name = component_id(key)
            if name in ids:
                self._report(at[key], "is the same id as another key", "duplicate name")
                continue
            ids[name] = None
            self._keys[section, name] = key
            self._judge_component(section, name, key)

    def _judge_component(self, section: str, name: str, key: str) -> None:
        at = self._files.at[section][key]
        kind = component_type(name)
        about = self._known.components.get(section, {}).get(kind)
        errors: list[ConfigurationError] = []
        try:
            value = self._files.value(section, key)
        except ConfigurationError as error:
            errors.append(error)
            value = Unresolved("")
        if unset := self._files.unset.get((section, key)):
            self._found.unset[section, name] = tuple(unset)
        if isinstance(value, Unresolved):
            self._note_unresolved(at, value)
        if key != name and value is not None:
            # otelcol looks for the settings under the id without spaces, and finds none.
            errors.append(at.error("has spaces in its id, with which its settings are not found"))
            value = None
        if about is not None:
            decoder = Decoder(self._known, about.release)
            self._ids[section][name] = decoder.decode(value, about.config, at)
            errors += decoder.faults
            if decoder.ignored:
                self._found.ignored[section, name] = decoder.ignored
        elif (section, kind) in REMOVED:
            reason, words = REMOVED[section, kind]
            errors.append(at.error(f"{reason}{COLLECTOR_SAYS}{self._known.release}: {words})"))
        elif misnamed := find_misnamed(section, kind, self._known):
            reason, nearest = misnamed
            said = f"{reason}{COLLECTOR_SAYS}{self._known.release}: unknown type)"
            errors.append(at.error(said, found=_show_id(kind), nearest=nearest))
        elif kind not in list_types(section, self._known):
            self._found.of_own_types += (f"{section}.{name}",)
        if about is None and not isinstance(unwrap(value), dict | Unresolved | None):
            errors.append(at.error("must be a mapping", found=unwrap(value)))
        if errors:
            self._found.components[section, name] = errors

    def _judge_own_types(self) -> None:
        """Judge a type that nobody lists: one that is used may be somebody's own, else it is a mistake."""
        used = {
            (section, component_id(name))
            for pipeline in self._found.pipelines.values()
            for section in (*pipeline, "connectors")
            for name in pipeline.get(section, (*pipeline["receivers"], *pipeline["exporters"]))
        }
        if self._found.pipelines_unknown or self._enabled is None:
            return
        used |= {("extensions", name) for name in self._enabled}
        own = {text: tuple(text.split(".", 1)) for text in self._found.of_own_types}
        for section, name in own.values():
            if (section, name) in used:
                continue
            at = self._files.at[section][self._keys[section, name]]
            said = f"is an unknown type{COLLECTOR_SAYS}{self._known.release}: unknown type)"
            self._found.components.setdefault((section, name), []).append(
                at.error(said, found=component_type(name))
            )
        self._found.of_own_types = tuple(text for text, key in own.items() if key in used)

    def _judge_service(self) -> None:
        at = self._files.at["service"]
        service = unwrap(self._files.document.value.get("service"))
        if isinstance(service, str):
            service = self._read(at, "service")
        if isinstance(service, Unresolved):
            return
        if not isinstance(service, dict | None):
            self._report(at, "must be a mapping", "expected a map or struct", found=service)
            return
        service = service or {}
        for key in service:
            if key not in _SERVICE_KEYS:
                words = f"has invalid keys: {describe_key(key)}"
                self._report(at[key], "unknown key", words, found=key, allowed=_SERVICE_KEYS)
        if "telemetry" in service:
            decoder = Decoder(self._known, self._known.release)
            value = self._read(at["telemetry"], "service", "telemetry")
            decoder.decode(value, self._known.telemetry, at["telemetry"])
            self._found.collector += decoder.faults
        self._judge_extensions(at["extensions"])
        self._judge_pipelines(at["pipelines"])

    def _judge_extensions(self, at: Location) -> None:
        value = self._read(at, "service", "extensions")
        if isinstance(value, Unresolved):
            return
        held = self._read_ids(value, at)
        self._enabled = frozenset(held)
        self._check_references(held, at, ("extensions",), "extension")

    def _check_references(
        self, held: list[str], at: Location, sections: tuple[str, ...], what: str
    ) -> None:
        if not self._whole.issuperset(sections):
            return
        names = {name for section in sections for name in self._ids[section]}
        for place, name in enumerate(held):
            if name not in names:
                where = " or the ".join(sections)
                words = f"references {what} which is not configured"
                self._report(
                    at[place],
                    f"is not among the {where}",
                    words,
                    found=_show_id(name),
                    allowed=sorted(names),
                )

    def _read_ids(self, value: Any, at: Location) -> list[str]:
        """Return the ids of a list as far as they can be read; what is not an id is reported."""
        value = unwrap_all(value)
        if isinstance(value, Unresolved) or value is None:
            return []
        if not isinstance(value, list):
            words = "source data must be an array or slice"
            self._report(at, "must be a list", words, found=value)
            return []
        names = []
        for place, item in enumerate(value):
            if isinstance(item, Unresolved):
                continue
            if not isinstance(item, str):
                self._report(at[place], "must be text", "expected a map or struct", found=item)
            elif fault := id_fault(item):
                self._report(at[place], "is not the id of a component", fault, found=item)
            else:
                names.append(component_id(item))
        return names

    def _judge_pipelines(self, at: Location) -> None:
        value = unwrap(self._read(at, "service", "pipelines"))
        if isinstance(value, Unresolved):
            return
        if not isinstance(value, dict | None):
            self._report(at, "must be a mapping", "expected a map or struct", found=value)
            return
        if not value:
            self._report(at, "is empty", "service must have at least one pipeline")
            return
        seen = set()
        for key, raw in value.items():
            here = at[key]
            signal = component_type(key)
            if signal not in PIPELINE_SIGNALS:
                reason = "is a pipeline of an unknown signal"
                words = "unknown pipeline signal"
                self._report(here, reason, words, found=signal, allowed=PIPELINE_SIGNALS)
                continue
            if fault := id_fault(key):
                self._report(here, "is not the id of a pipeline", fault)
            if component_id(key) in seen:
                self._report(here, "is the same id as another key", "duplicate name")
            seen.add(component_id(key))
            self._judge_pipeline(component_id(key), signal, unwrap(raw), here)
        self._judge_graph(at)

    def _judge_pipeline(self, name: str, signal: str, value: Any, at: Location) -> None:
        if isinstance(value, Unresolved):
            return
        if not isinstance(value, dict | None):
            self._report(at, "must be a mapping", "expected a map or struct", found=value)
            return
        value = value or {}
        for key in value:
            if key not in _PIPELINE_KEYS:
                words = f"has invalid keys: {describe_key(key)}"
                self._report(at[key], "unknown key", words, found=key, allowed=_PIPELINE_KEYS)
        held = {key: self._read_ids(value.get(key), at[key]) for key in _PIPELINE_KEYS}
        self._found.pipelines[name] = held
        for key, what in (("receivers", "receiver"), ("exporters", "exporter")):
            if not unwrap_all(value.get(key)):
                self._report(at[key], "is empty", f"must have at least one {what}")
        repeated = {one for one in held["processors"] if held["processors"].count(one) > 1}
        for one in sorted(repeated):
            words = "references processor multiple times"
            self._report(at["processors"], "names a processor twice", words, found=_show_id(one))
        self._check_references(
            held["receivers"], at["receivers"], ("receivers", "connectors"), "receiver"
        )
        self._check_references(held["processors"], at["processors"], ("processors",), "processor")
        self._check_references(
            held["exporters"], at["exporters"], ("exporters", "connectors"), "exporter"
        )
        if signal == "profiles":
            words = "profiling signal support is at alpha level, gated under a feature gate"
            self._report(at, "needs the feature gate service.profilesSupport", words)
        for section in _PIPELINE_KEYS:
            for place, one in enumerate(held[section]):
                about = self._known.components.get(section, {}).get(component_type(one))
                is_connector = section != "processors" and one in self._ids.get("connectors", ())
                if about and not is_connector and signal not in about.signals:
                    words = "telemetry type is not supported"
                    self._report(
                        at[section][place], f"does not take {signal}", words, found=_show_id(one),
                        allowed=about.signals,
                    )  # fmt: skip

    def _judge_graph(self, at: Location) -> None:
        known = self._known.components["connectors"]
        connectors = {
            name: known[kind].signals if (kind := component_type(name)) in known else None
            for name in self._ids.get("connectors", ())
        }
        for key, name, reason, words in judge_graph(self._found.pipelines, connectors):
            place = self._files.at["connectors"] if key == "connectors" else at
            self._report(place[name], reason, words)

    def _judge_uses_of_extensions(self) -> None:
        """Judge that what a component of a pipeline names as its extension is started."""
        if self._enabled is None:
            return
        used = {
            (section, name)
            for held in self._found.pipelines.values()
            for section, names in held.items()
            for name in names
        }
        for section, name in sorted(used):
            decoded = self._ids.get(section, {}).get(name)
            for key, reason, words in _EXTENSION_KEYS:
                for path, text in find_references(decoded, key):
                    if component_id(text) in self._enabled:
                        continue
                    at = self._files.at[section][self._keys[section, name]]
                    for part in path:
                        at = at[part]
                    said = f"{reason}{COLLECTOR_SAYS}{self._known.release}: {words})"
                    error = at.error(said, found=_show_id(text), allowed=sorted(self._enabled))
                    self._found.components.setdefault((section, name), []).append(error)

    def _judge_presence(self) -> None:
        """Judge what has to be there at all, and ids that two kinds of component share."""
        at = self._files.at
        for section, what in (("receivers", "receiver"), ("exporters", "exporter")):
            if section in self._whole and not self._ids[section]:
                self._report(at, f"has no {what}", f"no {what} configuration specified in config")
        for name in self._ids.get("connectors", ()):
            for section in ("exporters", "receivers"):
                if name in self._ids.get(section, ()):
                    words = f"ambiguous ID: Found both {section[:-1]} and connector"
                    self._report(at["connectors"][name], f"is also among the {section}", words)


def _show_id(text: str) -> str:
    """Return an id as a message has it: it is a name that its owner gave, unless it reads as a token."""
    return Description(describe_key(text))
