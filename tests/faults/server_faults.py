"""Faults of a target's server: stopped, suspended, rotated, misconfigured, or another protocol."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.faults.fault import Parameters, TargetFault, stays_well
from tests.faults.truth import HEALTHY, Truth, truth
from tests.faults.world import LIMITS, Site, World

DAY: Final = 86400


def _serve_well(world: World, site: Site, _parameters: Parameters) -> None:
    world.servers[site.name].serve(world.wanted(site))


def _any(_site: Site) -> bool:
    return True


def _demo(site: Site) -> bool:
    return site.behaviour not in {"go", "otelcol"}


def _grpc(site: Site) -> bool:
    return site.protocol == "grpc" and _demo(site)


def _http(site: Site) -> bool:
    return site.protocol != "grpc" and _demo(site)


def _sends_alerts(site: Site) -> bool:
    return site.behaviour in {"collector", "go"}


def becomes(
    name: str,
    right: Truth,
    fits: Callable[[Site], bool] = _any,
    *,
    pairs: Mapping[str, str] | None = None,
    **other: Any,
) -> TargetFault:
    """Return a fault by which the server is replaced by another one at the same address.

    `pairs` says which of its certificates differ, `other` what else differs.
    """

    def strike(world: World, site: Site, _parameters: Parameters) -> None:
        chosen = {key: world.certificates.pairs[pair] for key, pair in (pairs or {}).items()}
        world.servers[site.name].serve(world.wanted(site, **chosen, **other))

    return TargetFault(
        name=name,
        truth=lambda _site, _parameters: right,
        strike=strike,
        heal=_serve_well,
        fits=fits,
        replaces=True,
    )


def _kill(world: World, site: Site, _parameters: Parameters) -> None:
    world.servers[site.name].kill()


def _restart(world: World, site: Site, parameters: Parameters) -> None:
    world.servers[site.name].kill()
    _serve_well(world, site, parameters)


def _close(world: World, site: Site, _parameters: Parameters) -> None:
    world.servers[site.name].serve(None)


def _suspend(world: World, site: Site, _parameters: Parameters) -> None:
    world.servers[site.name].suspend()


def _resume(world: World, site: Site, _parameters: Parameters) -> None:
    world.servers[site.name].resume()
    time.sleep(0.1)  # it answers only after it has run again: until then the truth is changing


def _refused(_site: Site, _parameters: Parameters) -> Truth:
    return truth("nothing listens", "tcp_refused")


def _silent(_site: Site, parameters: Parameters) -> Truth:
    return truth(
        f"its server is suspended for {parameters['seconds']:.2f} s", "tls_timeout", "unconfirmed"
    )


def _suspended(name: str, least: float, most: float) -> TargetFault:
    """Return a suspension of `least` to `most` timeouts."""
    return TargetFault(
        name=name,
        truth=_silent,
        strike=_suspend,
        heal=_resume,
        choose=lambda random: {"seconds": random.uniform(least, most) * LIMITS.timeout},
        hold=lambda parameters: float(parameters["seconds"]),
    )


_NO_TLS: Final = truth("its server speaks no TLS", "not_tls")

SERVER_FAULTS: Final = (
    TargetFault(name="killed", truth=_refused, strike=_kill, heal=_serve_well),
    TargetFault(
        name="restarted",
        truth=stays_well,
        strike=_restart,
        heal=lambda _world, _site, _parameters: None,
        hold=lambda _parameters: 1.5 * LIMITS.timeout,
    ),
    TargetFault(name="port_closed", truth=_refused, strike=_close, heal=_serve_well),
    _suspended("suspended_briefly", 0.3, 0.7),
    _suspended("suspended_a_little_longer", 1.02, 2.2),
    _suspended("suspended_long", 2.5, 3.5),
    becomes("certificate_renewed", HEALTHY, pairs={"server": "server-renewed"}),
    becomes(
        "certificate_of_another_ca",
        truth("its certificate is another CA's", "server_ca_untrusted"),
        pairs={"server": "server-of-another-ca"},
    ),
    becomes(
        "certificate_expired",
        truth("its certificate has expired", "server_cert_expired"),
        pairs={"server": "server-expired"},
    ),
    becomes(
        "certificate_of_another_name",
        truth("its certificate is for another name", "server_name_mismatch"),
        pairs={"server": "server-of-another-name"},
    ),
    becomes(
        "client_ca_rotated",
        truth("it trusts another client CA", "client_ca_untrusted"),
        pairs={"client_ca": "another-ca"},
    ),
    becomes(
        "client_ca_rekeyed",
        truth("its client CA has another key", "client_ca_untrusted"),
        pairs={"client_ca": "client-ca-rekeyed"},
    ),
    becomes(
        "clock_far_ahead",
        truth("its clock is 400 days ahead", "clock_skew"),
        _sends_alerts,
        clock_offset=400 * DAY,
    ),
    TargetFault(
        name="clock_ten_minutes_off",
        truth=stays_well,
        strike=lambda world, site, parameters: world.servers[site.name].serve(
            world.wanted(site, clock_offset=parameters["seconds"])
        ),
        heal=_serve_well,
        fits=_http,
        choose=lambda random: {"seconds": random.choice((-600, 600))},
    ),
    becomes(
        "refuses_names",
        truth("it refuses this client's name", "client_san_rejected", "client_cert_rejected"),
        lambda site: site.behaviour == "go",
        refuses_names=True,
    ),
    becomes("ssh", _NO_TLS, _demo, kind="ssh"),
    becomes("plain_http", _NO_TLS, _demo, kind="http"),
    becomes("plain_http2", _NO_TLS, _demo, kind="http2"),
    becomes("garbage", _NO_TLS, _demo, kind="garbage"),
    becomes(
        "closes",
        truth("it closes every connection", "connection_closed", "connection_reset"),
        _demo,
        kind="close",
    ),
    becomes(
        "resets",
        truth("it resets every connection", "connection_reset", "connection_closed"),
        _demo,
        kind="reset",
    ),
    becomes(
        "silent", truth("it takes connections and is silent", "tls_timeout"), _demo, kind="silent"
    ),
    becomes(
        "mute",
        truth("it is silent after the handshake", "unconfirmed"),
        _demo,
        behaviour="mute",
    ),
    becomes(
        "http_instead_of_grpc",
        truth("it serves OTLP/HTTP", "otlp_protocol_mismatch", "alpn_mismatch"),
        lambda site: _grpc(site) and site.behaviour == "collector",
        protocol="http/protobuf",
    ),
    becomes(
        "grpc_instead_of_http",
        truth("it serves OTLP/gRPC", "otlp_protocol_mismatch", "otlp_not_served", "alpn_mismatch"),
        lambda site: _http(site) and site.behaviour == "collector",
        protocol="grpc",
    ),
    becomes("asks_for_no_certificate", HEALTHY, _demo, client_ca=None),
    becomes("no_tls_13", HEALTHY, _demo, max_version="1.2"),
    becomes(
        "login_page",
        truth("it answers with a page", "otlp_not_served"),
        _http,
        content_type="text/html",
        body="<html><body>Sign in</body></html>",
    ),
    becomes(
        "grpc_bad_gateway",
        truth("a proxy before it answers with 502", "otlp_unavailable"),
        _grpc,
        http_status=502,
    ),
    becomes(
        "grpc_not_found",
        truth("it answers with HTTP 404", "otlp_protocol_mismatch", "otlp_not_served"),
        _grpc,
        http_status=404,
    ),
    becomes(
        "http_without_otlp",
        truth("it serves no OTLP", "otlp_not_served"),
        _http,
        http_status=404,
    ),
    *(
        becomes(
            f"grpc_status_{status}",
            truth(f"it answers with gRPC status {status}", cause),
            _grpc,
            grpc_status=status,
        )
        for status, cause in (
            (7, "otlp_permission_denied"),
            (8, "otlp_throttled"),
            (12, "otlp_not_served"),
            (14, "otlp_unavailable"),
            (16, "otlp_unauthenticated"),
        )
    ),
    *(
        becomes(
            f"http_status_{status}",
            truth(f"it answers with HTTP {status}", *causes),
            _http,
            http_status=status,
        )
        for status, causes in (
            (401, ("otlp_unauthenticated",)),
            (403, ("otlp_permission_denied", "client_san_rejected")),
            (429, ("otlp_throttled",)),
            (503, ("otlp_unavailable",)),
        )
    ),
)
