"""The targets of a manifest: every exporter that its workloads would run, with the files they would see.

Pure but for the reader that is passed in. What the manifest lacks is an error that names it, and what
depends on that is not probed; the rest is. A fault in one object stops no other.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final

from probe.config.errors import ConfigurationError, NotProbedError, explain_unreadable
from probe.config.file_reader import STDIN, decode_text
from probe.config.location import Location
from probe.config.source_content import SourceContent
from probe.config.sources.collector.read_collector import make_unreadable_target
from probe.config.sources.manifest.container_arguments import (
    CollectorArguments,
    names_collector,
    read_arguments,
)
from probe.config.sources.manifest.container_collector import (
    find_texts,
    holds_collector,
    is_collector_document,
    read_texts,
)
from probe.config.sources.manifest.container_sdk import has_sdk, make_failed_sdk, read_sdk
from probe.config.sources.manifest.container_user import find_fs_group, find_user
from probe.config.sources.manifest.container_variables import Variables, make_variables
from probe.config.sources.manifest.helm_values import Release, find_releases, read_values
from probe.config.sources.manifest.instrumentation import find_annotation, inject
from probe.config.sources.manifest.mounts import make_container
from probe.config.sources.manifest.objects import (
    MOST_OBJECTS,
    KubernetesObject,
    Node,
    Objects,
    Problems,
    read_objects,
)
from probe.config.sources.manifest.operator import SIDECAR, add_sidecar, list_collectors
from probe.config.sources.manifest.place import Place
from probe.config.sources.manifest.pods import ContainerSpec, Pod, list_pods
from probe.config.sources.manifest.stored_data import Store
from probe.config.sources.manifest.stream import read_stream
from probe.config.yaml_document import Document
from probe.model.finding import Finding
from probe.model.known_secrets import key_secrets
from probe.model.runtime import COLLECTOR
from probe.model.surroundings import Container
from probe.model.target import Secret, Target
from probe.surroundings.container_files import find_unknown_files
from probe.text.safe_text import safe_text

_LARGEST_KEY: Final = 64 * 1024


def read_manifest(
    files: Sequence[str],
    read_file: Callable[[str], bytes],
    *,
    exporter: str = COLLECTOR.id,
) -> SourceContent:
    """Return the targets of the objects and Helm values that `files` hold together.

    Args:
        files: The files, `-` for standard input; what one refers to may be in another.
        read_file: Returns a file's content; raises OSError or ValueError where it cannot.
        exporter: Whose verdict counts for an SDK whose language the manifest does not say.
    """
    reading = _Reading(exporter)
    for file in files:
        shown = "standard input" if file == STDIN else file
        try:
            raw = read_file(file)
        except (OSError, ValueError) as error:
            reason = f"cannot be read: {explain_unreadable(error)}"
            reading.problems.add(ConfigurationError(reason, file=shown))
            continue
        for document in read_stream(raw, shown, reading.problems):
            reading.add_document(document)
    return reading.read()


@dataclass(slots=True)
class _Reading:
    exporter: str
    problems: Problems = field(default_factory=Problems)
    objects: Objects = field(default_factory=Objects)
    values: list[Pod] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    secrets: dict[str, None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    """The keys of ConfigMaps that a container reads as its configuration."""

    def add_document(self, document: Document) -> None:
        """Take the objects of one document, or what its Helm values would make."""
        count = 0
        for one in read_objects(document, self.problems):
            count += 1
            if one.kind == "Kustomization" and one.group in {"", "kustomize.config.k8s.io"}:
                reason = (
                    "is a kustomization; give what it makes: "
                    "kubectl kustomize DIRECTORY | mtls-probe check --manifest -"
                )
                self.problems.add(one.node.at.error(reason))
            elif len(self.objects) < MOST_OBJECTS:
                self.objects.add(one)
                for release in find_releases(one):
                    self._add_release(release)
            else:
                self.problems.add(one.node.at.error(f"there are more than {MOST_OBJECTS} objects"))
                return
        if count or not isinstance(document.value, dict):
            return
        values = Node(document.value, Location(document), self.problems)
        found = self._add_release(Release(values))
        if not found and is_collector_document(document.value):
            reason = (
                "is the configuration of a Collector and no manifest; name it with "
                "sources: [{collector: FILE}]"
            )
            self.problems.add(ConfigurationError(reason, file=document.file))

    def _add_release(self, release: Release) -> bool:
        pods, objects = read_values(release)
        self.values += pods
        for one in objects:
            self.objects.add(one)
        return bool(pods or objects)

    def read(self) -> SourceContent:
        """Return what all of it gives."""
        store = Store(self.objects)
        for pod in (*list_collectors(self.objects), *list_pods(self.objects), *self.values):
            self._read_pod(pod, store)
        for one in self.objects.list("ConfigMap"):
            self._read_lone_config_map(one, store)
        return SourceContent(
            targets=tuple(self.targets),
            errors=self.problems.list(),
            empty=self._explain_empty(),
            warnings=tuple(safe_text(text, 1024) for text in self.warnings),
            secrets=tuple(map(Secret, self.secrets)),
        )

    def _explain_empty(self) -> str:
        kinds: dict[str, int] = {}
        for one in self.objects.list():
            kinds[one.kind] = kinds.get(one.kind, 0) + 1
        held = [f"{count} {safe_text(kind, 60)}" for kind, count in sorted(kinds.items())[:8]]
        if not held:
            return (
                "it holds no Kubernetes objects, and no Helm values with the configuration of a "
                "Collector"
            )
        return f"none of its objects has an OTLP exporter that can be probed ({', '.join(held)})"

    def _read_pod(self, pod: Pod, store: Store) -> None:
        annotations = self._read_namespace(pod.namespace)
        asked = find_annotation(SIDECAR, pod.annotations, annotations)
        pod, why = add_sidecar(pod, asked, self.objects)
        if why:
            self._report(pod.title, f"its annotation {SIDECAR} asks for a sidecar, but {why}")
        injection = inject(pod, annotations, self.objects)
        pod = injection.pod
        for problem in injection.problems:
            self._report(pod.title, problem)
        services = self._list_services(pod.namespace)
        found: list[tuple[str, list[Target]]] = []
        for spec in pod.list_running():
            place = _make_place(pod, spec, store, services)
            targets = self._read_container(place, sdk=spec.name not in injection.unknown)
            if targets:
                found.append((spec.name, targets))
        for container, targets in found:
            name = f"{pod.title}/{safe_text(container, 63)}" if len(found) > 1 else pod.title
            self.targets += (replace(one, name=f"{name}: {one.name}") for one in targets)

    def _report(self, title: str, text: str) -> None:
        self.problems.add(ConfigurationError(f"{title}: {text}"))

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

    def _read_container(self, place: Place, *, sdk: bool) -> list[Target]:
        """Return the targets of one container; what is wrong with it is reported."""
        try:
            command, args = place.list_arguments()
        except NotProbedError as error:
            if sdk and has_sdk(place, ()):
                self._report(place.title, f"not probed: {error}")
            return []
        arguments = read_arguments(place.spec.image, command, args)
        content: SourceContent | None = None
        try:
            if names_collector(arguments):
                found = find_texts(place, arguments)
                if found is not None:
                    self.used.update(found.used)
                    content = read_texts(found.texts, place)
            if content is None and sdk and has_sdk(place, (*command, *args)):
                content = read_sdk(place, (*command, *args), self.exporter)
        except NotProbedError as error:
            if arguments.defaults:
                text = "runs with the configuration of its image, which the manifest does not have"
                self.warnings[f"{place.title} {text}"] = None
            else:
                self._report(place.title, f"not probed: {error}")
            return []
        except ConfigurationError as error:
            # Its program does not start with that: it is a result as others are.
            content = SourceContent(targets=(_make_failed(arguments, error),))
        return [] if content is None else self._take(content, place)

    def _take(self, content: SourceContent, place: Place) -> list[Target]:
        for fault in place.faults:
            self.problems.add(fault)
        for unprobed in content.unprobed:
            self._report(place.title, f"not probed: {unprobed}")
        for text in content.warnings:
            self.warnings[f"{place.title}: {text}"] = None
        if not content.targets and not content.errors and content.empty:
            self.warnings[f"{place.title}: {content.empty}"] = None
        for error in content.errors:
            self.problems.add(error)
        finished = [self._finish(target, place) for target in content.targets]
        targets = [target for target in finished if target is not None]
        if targets:
            self.secrets |= dict.fromkeys((*place.variables.secrets, *_list_keys(place.container)))
        return targets

    def _finish(self, target: Target, place: Place) -> Target | None:
        """Return `target` as one of its container, or None where it cannot be judged from here."""
        notes = (*target.notes, *_name_origins(target, place))
        if _is_loopback(target.endpoint.host):
            if target.plaintext:
                text = f"{target.name}: {target.endpoint} is within its own pod, and without TLS"
                self.warnings[f"{place.title}: {text}: not probed"] = None
                return None
            # Whoever tries a manifest next to its backend means this; elsewhere nothing listens.
            notes = (*notes, _WITHIN_THE_POD)
        target = replace(
            target,
            notes=notes,
            sources=tuple(replace(one, container=place.title) for one in target.sources),
            runs_in=place.container,
            address=place.host_aliases.get(target.endpoint.host.lower(), target.address),
            remarks=(*target.remarks, *map(_describe_start, place.faults)),
        )
        if target.plaintext or target.faults:
            return target
        for unknown in find_unknown_files(target)[:1]:
            text = f"{target.name}: {unknown.setting} {unknown.path}: {unknown.reason}"
            self._report(place.title, f"not probed: {text}")
            return None
        return target

    def _read_lone_config_map(self, one: KubernetesObject, store: Store) -> None:
        """Read the configurations of Collectors in `one` that no container reads."""
        owner = one.owner
        if owner is not None and self.objects.find(owner[0], one.namespace, owner[1]):
            return
        data = store.read(one)
        for key in sorted(data.texts):
            content = data.values[key]
            label = data.name_key(key)
            if label in self.used or b"service" not in content:
                continue
            try:
                text = decode_text(content)
            except ValueError:
                continue
            if holds_collector(text):
                self._read_lone(label, text, one)

    def _read_lone(self, label: str, text: str, one: KubernetesObject) -> None:
        within = f" -n {one.namespace}" if one.namespace else ""
        reason = (
            "no workload of the manifest reads it; add the one that does: "
            f"kubectl get deploy,sts,ds{within} -o yaml"
        )
        variables = Variables()
        variables.set_absent("", reason)
        place = Place(label, ContainerSpec(name=""), Container(name=label), variables, {}, {})
        self.warnings[f"{label} is a Collector's configuration, but {reason}"] = None
        try:
            content = read_texts({label: text}, place)
        except NotProbedError as error:
            self._report(label, f"not probed: {error}")
        except ConfigurationError as error:
            self.problems.add(error)
        else:
            found = self._take(content, place)
            self.targets += (replace(each, name=f"{one.title}: {each.name}") for each in found)


_WITHIN_THE_POD: Final = (
    "in the cluster, localhost is the pod of the container itself: this attempt went to localhost of "
    "the host that runs the probe, which is another one unless the probe runs in that pod"
)


def _make_failed(arguments: CollectorArguments, error: ConfigurationError) -> Target:
    """Return the target of a program that cannot work with its settings at all."""
    if names_collector(arguments):
        return make_unreadable_target(error.file or "its configuration", error)
    return make_failed_sdk((error,))


def _make_place(pod: Pod, spec: ContainerSpec, store: Store, services: Mapping[str, str]) -> Place:
    variables = make_variables(
        spec.env,
        spec.env_from,
        namespace=pod.namespace,
        store=store,
        pod=pod.fields,
        services=services,
    )
    title = f"{pod.title}, container {safe_text(spec.name, 63)}"
    file, folder = (variables.peek(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    container, faults = make_container(
        title,
        spec.mounts,
        pod.volumes,
        namespace=pod.namespace,
        store=store,
        variables=variables,
        service_account=pod.service_account,
        fs_group=find_fs_group(pod),
    )
    user = find_user(pod, spec)
    container = replace(
        container,
        namespace=pod.namespace,
        uid=user.uid,
        runs_as_root=user.is_root,
        groups=user.groups,
        ssl_cert_file=file if isinstance(file, str) else "",
        ssl_cert_dir=folder if isinstance(folder, str) else "",
    )
    faults += variables.faults
    return Place(title, spec, container, variables, services, pod.host_aliases, tuple(faults))


def _name_origins(target: Target, place: Place) -> Iterator[str]:
    """Yield which Secret or ConfigMap each file of a target's settings is."""
    for path in dict.fromkeys((target.tls.cert_file, target.tls.key_file, target.tls.ca_file)):
        if path and (origin := place.name_origin(posixpath.normpath(path))) != path:
            yield f"{path} is {origin}"


def _list_keys(container: Container) -> Iterator[str]:
    """Yield the private keys among the files of a container."""
    for one in container.files:
        if b"PRIVATE KEY" in one.content and len(one.content) < _LARGEST_KEY:
            yield from key_secrets(one.content.decode("utf-8", "replace"))


def _describe_start(fault: ConfigurationError) -> Finding:
    where = fault.file if fault.line is None else f"{fault.file}:{fault.line}"
    return Finding(
        cause="exporter_configuration_invalid",
        role="setting",
        fact=safe_text(f"{where}: {fault.key}: {fault.reason}", 512),
        fix=(f"Correct {fault.key} in {fault.file}, line {fault.line}.",),
    )


def _is_loopback(host: str) -> bool:
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
