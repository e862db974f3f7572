"""Every event that the log may have: its level, what it means, and its own fields.

Each line also has `timestamp`, `level` and `event`; one about an attempt has `trace_id`, `span_id`
and `trace_flags` where the attempt is traced; one about an exception has `exception.type`,
`exception.message` and `exception.stacktrace`. `docs/log-events.md` is generated from this table.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Event(NamedTuple):
    """One event: its level, meaning and fields."""

    level: str
    meaning: str
    fields: tuple[str, ...] = ()


EVENTS: Final[Mapping[str, Event]] = {
    "attempt_crashed": Event(
        "error",
        "An exception of the probe itself ended an attempt; the target has no part in it, and its "
        "result is `probe_fault`. At most three at once for each target, then one in ten minutes.",
        ("target",),
    ),
    "attempt_missed": Event(
        "warning",
        "An attempt was left out, because the one before it was still under way at its time.",
        ("target",),
    ),
    "clock_source_silent": Event(
        "warning",
        "A clock of `clock.sources` gave no answer; its last reading stays in use. Logged once, "
        "until it answers again.",
        ("source", "reason"),
    ),
    "config_reload_failed": Event(
        "error",
        "The configuration has an error or cannot be read; `keeps` says what stays in force.",
        ("reason", "keeps"),
    ),
    "config_reloaded": Event(
        "info", "Another configuration is in force from now on.", ("targets", "warnings")
    ),
    "config_restart_required": Event(
        "warning",
        "Settings were changed that a reload cannot change; the old ones stay until a restart.",
        ("settings",),
    ),
    "config_warning": Event(
        "warning", "Something in the configuration is probably a mistake.", ("reason",)
    ),
    "credential_files_changed": Event(
        "info",
        "Certificate, key or CA files have changed; the targets that use them are tried at once.",
        ("files", "targets"),
    ),
    "library_message": Event(
        "warning or error",
        "A library (asyncio, aiohttp, OpenTelemetry's SDK) has logged something.",
        ("library", "message"),
    ),
    "listening": Event(
        "info",
        "The service has started and answers at `address`; `spans_to` says where its own traces go.",
        ("address", "targets", "spans_to"),
    ),
    "log_lines_dropped": Event(
        "warning",
        "`lines` lines are missing before this one, because stderr did not accept them.",
        ("lines",),
    ),
    "nothing_to_probe": Event("error", "There is no target; `reason` says why.", ("reason",)),
    "probe_fault": Event(
        "error",
        "An exception of the probe itself outside of an attempt; `work` says where. "
        "Everything else continues.",
        ("work", "error", "places", "stacktrace", "target", "source"),
    ),
    "source_down": Event(
        "error",
        "A source of targets could not be read; `targets` is the number of its earlier targets that "
        "stay in force.",
        ("source", "reason", "targets"),
    ),
    "source_up": Event("info", "A source that was down can be read again.", ("source", "targets")),
    "stopping": Event("info", "A signal ends the service; running attempts get three seconds."),
    "target_addresses_changed": Event(
        "info",
        "The name of a target of which each address has its own result leads to other addresses; "
        "one that no look-up gives any more is gone some intervals later.",
        ("target", "appeared", "gone", "addresses"),
    ),
    "target_backend_changed": Event(
        "warning",
        "Something of the backend is another than in earlier attempts, and has stayed so, and did no "
        "harm to this target. What changed before an outcome did is in `changed` of "
        "`target_outcome_changed`.",
        ("target", "address", "what", "changed", "first_seen"),
    ),
    "target_finding_appeared": Event(
        "warning",
        "Something about a target is wrong that did not stop this attempt: a certificate that "
        "expires soon, for example.",
        ("target", "finding", "facts"),
    ),
    "target_finding_gone": Event(
        "info", "A finding about a target is no longer true.", ("target", "finding")
    ),
    "target_outcome_changed": Event(
        "info or warning",
        "A target's outcome or cause has changed; a warning where it is not as expected. "
        "`error.type` is the cause. A target that flaps gets six lines at once, then one in ten "
        "minutes, with `changes_passed_over`. Where each address of the target has its own result, "
        "`addresses` are those that now end in this way, of `of_addresses`.",
        (
            "target", "addresses", "of_addresses", "outcome", "stage", "certain", "party", "facts", "changed",
            "changes_passed_over",
            "server.address", "server.port", "error.type", "tls.protocol.version",
        ),
    ),
    "telemetry_disabled": Event(
        "error or warning",
        "The probe sends no traces of its own, though its environment names a destination.",
        ("reason", "spans_to"),
    ),
    "telemetry_export_failed": Event(
        "warning", "The probe's own traces do not reach their destination.", ("endpoint", "reason")
    ),
    "telemetry_export_recovered": Event(
        "info", "The probe's own traces reach their destination again.", ("endpoint",)
    ),
    "web_config_reload_failed": Event(
        "error",
        "The web configuration file has an error; `keeps` says what stays in force.",
        ("reason", "keeps"),
    ),
    "web_config_reloaded": Event("info", "The web configuration file was read again.", ("file",)),
}  # fmt: skip
