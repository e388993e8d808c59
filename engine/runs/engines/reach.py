"""Is anybody there? Clusters' own clients try for minutes before they say that nobody is."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from engine.bulk.problems import FileProblem

SECONDS: Final = 10
_PORTS: Final = {"sc": 15002, "spark": 7077, "tcp": 8786, "tls": 8786}  # where an address names none
_SCHEMES: Final = {"spark": ("sc", "spark"), "dask": ("tcp", "tls")}


def need_listener(engine: str, cluster: str) -> None:
    """Connect to a cluster's address, and say no more.

    Args:
        engine: `spark` or `dask`.
        cluster: address, such as `sc://host:15002`.

    Raises:
        FileProblem: this is no address of such a cluster, or nothing listens there.
    """
    schemes = _SCHEMES[engine]
    written = " or ".join(f"{scheme}://HOST:{_PORTS[scheme]}" for scheme in schemes)
    try:
        parts = urlsplit(cluster)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:  # a port that is no number
        host, port, parts = None, 0, urlsplit("")
    if parts.scheme not in schemes or host is None:
        raise FileProblem("engine-start", cluster, engine=engine, reason=f"its address is written {written}")
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError as error:
        reason = f"nothing answers at {host}:{port} ({error.strerror or error})"
        raise FileProblem("engine-start", cluster, engine=engine, reason=reason) from None
