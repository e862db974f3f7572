"""The targets of a manifest: every exporter that its workloads would run, with the files they would see.

Pure but for the reader that is passed in. What the manifest lacks is an error that names it, and what
depends on that is not probed; the rest is. A fault in one object stops no other.
"""

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final

from probe.config.errors import ConfigurationError, explain_unreadable
from probe.config.file_reader import decode_text
from probe.config.source_content import SourceContent
from probe.config.sources.collector.endpoint import NotProbedError
from probe.config.sources.collector.read_collector import SECTIONS, read_collector
from probe.config.sources.manifest.arguments import CollectorArguments, read_arguments
from probe.config.sources.manifest.files import STDIN
from probe.config.sources.manifest.helm_values import read_values
from probe.config.sources.manifest.instrumentation import (
    WEB_SERVERS,
    find_annotation,
    inject,
    speaks_grpc_by_default,
)
from probe.config.sources.manifest.mounts import find_unknown, make_container
from probe.config.sources.manifest.objects import (
    MOST_OBJECTS,
    KubernetesObject,
    Objects,
    Problems,
    read_objects,
)
from probe.config.sources.manifest.operator import SIDECAR, add_sidecar, list_collectors
from probe.config.sources.manifest.pods import ContainerSpec, Pod, list_pods
from probe.config.sources.manifest.stored_data import Store
from probe.config.sources.manifest.stream import read_stream
from probe.config.sources.manifest.variables import Unknown, Variables, make_variables
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.config.sources.sdk.environment import FILE_VARIABLES, read_environment
from probe.config.yaml_document import Document, parse_yaml
from probe.model.finding import Finding
from probe.model.runtime import (
    COLLECTOR,
    DOTNET,
    GO_HTTP,
    JAVA_OKHTTP,
    NODE_HTTP,
    PYTHON_HTTP,
    find_sibling,
)
from probe.model.surroundings import Container
from probe.model.target import Source, Target
from probe.text.safe_text import safe_text

_MOST_EXPORTING: Final = 2000
"""How many containers with exporters one source may have."""
_EXPORTERS: Final = {
    "java": JAVA_OKHTTP.id,
    "nodejs": NODE_HTTP.id,
    "python": PYTHON_HTTP.id,
    "dotnet": DOTNET.id,
    "go": GO_HTTP.id,
}
_PROTOCOLS: Final = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}PROTOCOL" for signal in ("", "TRACES_", "METRICS_", "LOGS_")
)


def read_manifest(
    files: Sequence[str],
    read_file: Callable[[str], bytes],
    *,
    where: str,
    exporter: str = COLLECTOR.id,
) -> SourceContent:
    """Return the targets of the objects and Helm values that `files` hold together.

    Args:
        files: The files, `-` for standard input; what one refers to may be in another.
        read_file: Returns a file's content; raises OSError or ValueError where it cannot.
        where: What the source is called.
        exporter: Whose verdict counts for an SDK whose language the manifest does not say.
    """
    reading = _Reading(Source("manifest", where), exporter)
    for file in files:
        try:
            raw = read_file(file)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            reading.problems.add(ConfigurationError(reason, file=file))
            continue
        shown = "standard input" if file == STDIN else file
        for document in read_stream(raw, shown, reading.problems):
            reading.add_document(document)
    return reading.read()


@dataclass(frozen=True, slots=True)
class _Place:
    """One container, with all that its exporters have in common."""

    title: str
    container: Container
    variables: Variables
    faults: tuple[ConfigurationError, ...] = ()
    """Why it does not start."""


@dataclass(slots=True)
class _Reading:
    source: Source
    exporter: str
    problems: Problems = field(default_factory=Problems)
    objects: Objects = field(default_factory=Objects)
    values: list[Pod] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    used: set[tuple[int, str]] = field(default_factory=set)
    """The keys of ConfigMaps that a container reads as its configuration."""
    exporting: int = 0

    def add_document(self, document: Document) -> None:
        """Take the objects of one document, or what its Helm values would make."""
        count = 0
        for one in read_objects(document, self.problems):
            count += 1
            if one.kind == "Kustomization":
                reason = (
                    "is a kustomization; give what it makes: "
                    "kubectl kustomize DIRECTORY | mtls-probe check --manifest -"
                )
                self.problems.add(one.node.at.error(reason))
            elif len(self.objects) < MOST_OBJECTS:
                self.objects.add(one)
            else:
                self.problems.add(one.node.at.error(f"there are more than {MOST_OBJECTS} objects"))
                return
        if count or not isinstance(document.value, dict):
            return
        pods, objects = read_values(document, self.problems)
        self.values += pods
        for one in objects:
            self.objects.add(one)
        if not (pods or objects) and _is_collector(document.value):
            reason = (
                "is the configuration of a Collector and no manifest; name it under `collector` in "
                "the probe's sources"
            )
            self.problems.add(ConfigurationError(reason, file=document.file))

    def read(self) -> SourceContent:
        """Return what all of it gives."""
        store = Store(self.objects)
        for pod in (*list_collectors(self.objects), *list_pods(self.objects), *self.values):
            self._read_pod(pod, store)
        self._read_lone_config_maps(store)
        self._note_unused_instrumentations()
        return SourceContent(
            targets=tuple(self.targets),
            errors=self.problems.list(),
            empty=self._explain_empty(),
            warnings=tuple(safe_text(text, 1024) for text in self.warnings),
        )

    def _explain_empty(self) -> str:
        kinds: dict[str, int] = {}
        for one in self.objects.list():
            kinds[one.kind] = kinds.get(one.kind, 0) + 1
        held = ", ".join(
            f"{count} {safe_text(kind, 60)}" for kind, count in sorted(kinds.items())[:8]
        )
        if not held:
            return (
                "it holds no Kubernetes objects, and no Helm values with the configuration of a "
                "Collector"
            )
        return f"none of its objects has an OTLP exporter that can be probed ({held})"

    def _read_pod(self, pod: Pod, store: Store) -> None:
        annotations = self._read_namespace(pod.namespace)
        asked = find_annotation(SIDECAR, pod.annotations, annotations)
        pod, why = add_sidecar(pod, asked, self.objects)
        if why:
            self._report(pod, f"its annotation {SIDECAR} asks for a sidecar, but {why}")
        pod, problems = inject(pod, annotations, self.objects)
        for problem in problems:
            self._report(pod, problem)
        services = self._list_services(pod.namespace)
        places = [self._place(pod, one, store, services) for one in pod.list_running()]
        found: list[tuple[ContainerSpec, list[Target]]] = []
        for spec, place in zip(pod.list_running(), places, strict=True):
            content = self._read_container(spec, place, sdk=not problems)
            if content:
                found.append((spec, content))
        for spec, targets in found:
            name = f"{pod.title}/{spec.name}" if len(found) > 1 else pod.title
            self.targets += (replace(one, name=f"{name}: {one.name}") for one in targets)

    def _report(self, pod: Pod, text: str) -> None:
        self.problems.add(
            ConfigurationError(f"{pod.title} is not probed: {text}", file=pod.node.at.document.file)
        )

    def _read_namespace(self, name: str) -> Mapping[str, str]:
        found = self.objects.find("Namespace", "", name) if name else None
        return {} if found is None else found.node.get("metadata", "annotations").texts()

    def _list_services(self, namespace: str) -> dict[str, str]:
        """Return the variables that the kubelet makes of Services whose addresses are known."""
        found: dict[str, str] = {}
        for one in self.objects.within("Service", namespace):
            address = one.node.get("spec", "clusterIP").text
            if address in {"", "None"}:
                continue
            prefix = one.name.upper().replace("-", "_")
            found[f"{prefix}_SERVICE_HOST"] = address
            for port in one.node.get("spec", "ports").items()[:1]:
                if (number := port["port"].number) is not None:
                    found[f"{prefix}_SERVICE_PORT"] = str(number)
        return found

    def _place(
        self, pod: Pod, spec: ContainerSpec, store: Store, services: Mapping[str, str]
    ) -> _Place:
        variables = make_variables(
            spec.env,
            spec.env_from,
            namespace=pod.namespace,
            store=store,
            pod=pod.fields,
            services=services,
        )
        title = f"{pod.title}, container {safe_text(spec.name, 63)}"
        container, faults = make_container(
            title,
            spec.mounts,
            pod.volumes,
            namespace=pod.namespace,
            store=store,
            variables=variables,
            service_account=pod.service_account,
        )
        return _Place(title, container, variables, (*faults, *variables.faults))

    def _read_container(self, spec: ContainerSpec, place: _Place, *, sdk: bool) -> list[Target]:
        words = [
            [place.variables.expand(each.text, services={}) for each in nodes]
            for nodes in (spec.command, spec.args)
        ]
        texts = [[each if isinstance(each, str) else "" for each in part] for part in words]
        arguments = read_arguments(spec.image, *texts)
        if arguments.is_collector or arguments.configs:
            unknown = [one for part in words for one in part if isinstance(one, Unknown)]
            content = self._read_collector(spec, place, arguments, unknown)
        elif sdk and self._has_sdk(spec, place):
            content = self._read_sdk(spec, place)
        else:
            return []
        if content is None:
            return []
        for fault in place.faults:
            self.problems.add(fault)
        for text in content.warnings:
            self.warnings[f"{place.title}: {text}"] = None
        for error in content.errors:
            self.problems.add(error)
        found = (self._finish(target, place) for target in content.targets)
        return [target for target in found if target is not None]

    def _finish(self, target: Target, place: _Place) -> Target | None:
        """Return `target` as one of its container, or None where it cannot be judged from here."""
        if _is_loopback(target.endpoint.host):
            text = f"{place.title}: {target.name} is not probed: {target.endpoint} is within its own pod"
            if target.plaintext:
                self.warnings[f"{text}, and without TLS"] = None
            else:
                self.problems.add(ConfigurationError(text))
            return None
        tls = target.tls
        named = (("ca_file", tls.ca_file), ("cert_file", tls.cert_file), ("key_file", tls.key_file))
        for key, path in () if target.plaintext or target.faults else named:
            if path and (why := find_unknown(path, place.container)):
                reason = f"{target.name} is not probed: {key} {path} is not known: {why}"
                self.problems.add(ConfigurationError(f"{place.title}: {reason}"))
                return None
        remarks = tuple(
            Finding(
                cause="exporter_configuration_invalid",
                fact=safe_text(f"{place.title} does not start: {fault.reason}"),
                fix=(f"Correct {fault.key} in {fault.file}, line {fault.line}.",),
            )
            for fault in place.faults
        )
        return replace(
            target,
            sources=(self.source,),
            runs_in=place.container,
            remarks=(*target.remarks, *remarks),
        )

    # A container that runs a Collector.

    def _read_collector(
        self,
        spec: ContainerSpec,
        place: _Place,
        arguments: CollectorArguments,
        unknown: Sequence[Unknown],
    ) -> SourceContent | None:
        if unknown:
            reason = (
                f"{place.title} is not probed: its arguments are not known: {unknown[0].reason}"
            )
            self.problems.add(ConfigurationError(reason))
            return None
        texts: dict[str, str] = {}
        for location in arguments.configs:
            found = self._locate(location, spec, place)
            if isinstance(found, tuple):
                label, text = found
                texts[label] = text
            elif arguments.is_collector and arguments.named:
                self.problems.add(
                    ConfigurationError(f"{place.title} is not probed: --config {location}: {found}")
                )
                return None
            elif arguments.is_collector:
                self.warnings[
                    f"{place.title} runs with the configuration of its image, which is not known"
                ] = None
                return None
            else:
                return None
        if not texts:
            return None
        if not arguments.is_collector and not any(map(_holds_collector, texts.values())):
            return None
        for number, setting in enumerate(arguments.settings, 1):
            key, _, value = setting.partition("=")
            texts[f"argument {number} of --set"] = f"{key.replace('.', '::')}: {value}"
        return self._read_texts(texts, place)

    def _read_texts(self, texts: Mapping[str, str], place: _Place) -> SourceContent | None:
        unprobed: dict[str, None] = {}

        def read_text(path: str) -> str:
            if path in texts:
                return texts[path]
            if why := find_unknown(path, place.container):
                raise NotProbedError(f"{path} is not known: {why}")
            for one in place.container.files:
                if one.path == posixpath.normpath(path):
                    return decode_text(one.content)
            raise FileNotFoundError(2, "no such file in the container", path)

        try:
            content = read_collector(tuple(texts), place.variables, read_text)
        except NotProbedError as error:
            unprobed[str(error)] = None
            content = None
        except ConfigurationError as error:
            self.problems.add(error)
            content = None
        for text in unprobed:
            self.problems.add(ConfigurationError(f"{place.title} is not probed: {text}"))
        return content

    def _locate(self, location: str, spec: ContainerSpec, place: _Place) -> tuple[str, str] | str:
        """Return label and text of a configuration, or why it is not known."""
        scheme, colon, rest = location.partition(":")
        if colon and scheme == "env":
            value = place.variables.peek(rest)
            if isinstance(value, str):
                return f"{place.title}, variable {rest}", value
            return value.reason if isinstance(value, Unknown) else f"variable {rest} is not set"
        if colon and scheme == "yaml":
            return f"{place.title}, --config", rest
        if colon and len(scheme) > 1 and scheme != "file" and "/" not in scheme:
            return f"the probe has no provider {safe_text(scheme, 32)}"
        path = rest if colon and scheme == "file" else location
        if not path.startswith("/") and spec.working_directory:
            path = posixpath.join(spec.working_directory, path)
        if why := find_unknown(path, place.container):
            return why
        path = posixpath.normpath(path)
        for one in place.container.files:
            if one.path == path:
                self.used.add((id(one.content), one.origin))
                try:
                    return one.origin, decode_text(one.content)
                except ValueError as error:
                    return explain_unreadable(error)
        return "no such file in what is mounted there"

    def _read_lone_config_maps(self, store: Store) -> None:
        """Read the ConfigMaps that hold a Collector's configuration which no container reads."""
        for one in self.objects.list("ConfigMap"):
            owner = one.owner
            if owner is not None and self.objects.find(owner[0], one.namespace, owner[1]):
                continue
            data = store.read(one)
            for key in sorted(data.texts):
                content = data.values[key]
                label = data.name_key(key)
                if (id(content), label) in self.used or b"service" not in content:
                    continue
                try:
                    text = decode_text(content)
                except ValueError:
                    continue
                if _holds_collector(text):
                    self._read_lone(label, text, one)

    def _read_lone(self, label: str, text: str, one: KubernetesObject) -> None:
        within = f" -n {one.namespace}" if one.namespace else ""
        add = f"add the one that does: kubectl get deploy,sts,ds{within} -o yaml"
        reason = f"no workload of the manifest reads it; {add}"
        variables = Variables()
        variables.set_absent("", reason)
        container = Container(name=label)
        place = _Place(label, container, variables)
        self.warnings[f"{label} is a Collector's configuration, but {reason}"] = None
        content = self._read_texts({label: text}, place)
        if content is None:
            return
        for warning in content.warnings:
            self.warnings[warning] = None
        for error in content.errors:
            self.problems.add(error)
        for target in content.targets:
            finished = self._finish(target, place)
            if finished is not None:
                self.targets.append(replace(finished, name=f"{one.title}: {target.name}"))

    # A container whose program has an SDK.

    def _has_sdk(self, spec: ContainerSpec, place: _Place) -> bool:
        if spec.language:
            return spec.language not in WEB_SERVERS
        names = place.variables.list_names()
        return any(
            name.startswith("OTEL_EXPORTER_OTLP_") or name in FILE_VARIABLES for name in names
        )

    def _read_sdk(self, spec: ContainerSpec, place: _Place) -> SourceContent | None:
        variables = place.variables
        exporter = _EXPORTERS.get(spec.language, self.exporter)
        note = ""
        try:
            if spec.language and not any(variables.get(name) for name in _PROTOCOLS):
                protocol = (
                    "grpc"
                    if speaks_grpc_by_default(spec.language, spec.agent_image)
                    else "http/protobuf"
                )
                variables.set(_PROTOCOLS[0], protocol)
                note = (
                    f"{_PROTOCOLS[0]} is not set: {protocol} is the default of the SDK of "
                    f"{spec.language} that the operator injects"
                )
            content = self._read_sdk_settings(variables, place, exporter)
        except NotProbedError as error:
            self.problems.add(ConfigurationError(f"{place.title} is not probed: {error}"))
            return None
        except ConfigurationError as error:
            self.problems.add(error)
            return None
        targets = tuple(
            replace(
                target,
                exporter=find_sibling(exporter, target.protocol),
                notes=(*target.notes, *((note,) if note else ())),
            )
            for target in content.targets
        )
        if not targets and content.empty and not content.errors:
            self.warnings[f"{place.title}: {content.empty}"] = None
        return replace(content, targets=targets)

    def _read_sdk_settings(
        self, variables: Variables, place: _Place, exporter: str
    ) -> SourceContent:
        file = next((variables[name] for name in FILE_VARIABLES if variables.get(name)), "")
        if not file:
            return read_environment(variables, exporter)
        if why := find_unknown(file, place.container):
            raise NotProbedError(f"{file} is not known: {why}")
        held = {one.path: one.content for one in place.container.files}
        content = held.get(posixpath.normpath(file))
        if content is None:
            raise ConfigurationError(f"{place.title} has no file {file}", file=file)
        return read_sdk_file(content, file, variables)

    def _note_unused_instrumentations(self) -> None:
        for one in self.objects.list("Instrumentation"):
            if not self.targets and not any(True for _ in list_pods(self.objects)):
                self.warnings[
                    f"{one.title} is in the manifest, but no workload that it is injected into"
                ] = None


def _is_collector(value: object) -> bool:
    if not isinstance(value, dict) or "service" not in value:
        return False
    return set(value) <= set(SECTIONS) and ("exporters" in value or "receivers" in value)


def _holds_collector(text: str) -> bool:
    try:
        return _is_collector(parse_yaml(text).value)
    except ConfigurationError:
        return False


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
