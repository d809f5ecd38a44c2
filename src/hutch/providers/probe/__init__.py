"""Probes from outside that need no target of a service: HTTP(S), TCP and DNS.

Importing this package loads what the kinds take alone; sockets are opened by what :func:`opening` imports.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from hutch.ports import Probe, ProbeKind, ProbeTarget
from hutch.providers.probe import settings


def opening(module: str) -> Callable[[ProbeTarget], Probe]:
    """What opens a probe of the kind in ``module``; that is imported when the first one is opened."""

    def opened(target: ProbeTarget) -> Probe:
        probe: Probe = import_module(f"hutch.providers.probe.{module}").opened(target)
        return probe

    return opened


http = ProbeKind(
    name="http",
    summary="One HTTP or HTTPS request, and whether the answer is as it should be",
    target=settings.HTTP_TARGET,
    settings=settings.HTTP,
    check=settings.check_http,
    open=opening("http"),
    codes={
        "http.dns": "the service's name has no address",
        "http.unreachable": "the service gives no HTTP answer",
        "http.error_rate": "too large a part of the answers is 5xx",
        "http.unexpected": "the service answers, but not as its probe expects",
        "http.tls_expiring": "the certificate ends soon, or has ended",
    },
)

tcp = ProbeKind(
    name="tcp",
    summary="A TCP connection, with TLS where it is asked for, and what the other side says on it",
    target=settings.TCP_TARGET,
    settings=settings.TCP,
    check=settings.check_tcp,
    open=opening("tcp"),
    codes={
        "tcp.unreachable": "a port takes no connection, or does not say what it should",
        "http.dns": "the service's name has no address",
        "http.tls_expiring": "the certificate ends soon, or has ended",
    },
)

dns = ProbeKind(
    name="dns",
    summary="One question to a name server, and whether the answer is the expected one",
    target=settings.DNS_TARGET,
    settings=settings.DNS,
    check=settings.check_dns,
    open=opening("dns"),
    codes={"http.dns": "the service's name has no address"},
)
