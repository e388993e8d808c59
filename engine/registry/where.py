"""Where the registry and the ledger of runs are kept where nobody names a place: one for each user of the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NONE = "none"  # a server without a registry


def registry_url(written: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Give the URL of the registry; None: there is to be none.

    Args:
        written: a URL; "": the file `dianjia/registry.sqlite` in the user's folder of states; "none".
        environment: names of variables -> values.

    >>> registry_url("", {"XDG_STATE_HOME": "/var/lib/state"})
    'sqlite:////var/lib/state/dianjia/registry.sqlite'
    >>> registry_url("none") is None
    True
    """
    if written:
        return None if written == NONE else written
    return f"sqlite:///{state_folder(environment) / 'registry.sqlite'}"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Give the folder of what this user's commands keep: versions, runs."""
    home = environment.get("XDG_STATE_HOME", "")
    states = Path(home) if home else Path.home() / ".local" / "state"
    return states / "dianjia"
