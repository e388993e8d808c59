"""Properties draw the same cases in every run; `HYPOTHESIS_PROFILE=thorough` draws new ones, and more of them.

Tests compile what they test: the cache is off but for tests of the cache, which name a folder of their own, and for
programs that tests start for something else than how they compile: they share one folder of the session, made anew,
`SHARED_BY_TESTS`, in which the same rules are compiled once. Processes of pytest have it from the first of them.
What commands keep of themselves, such as the ledger of runs, goes to a folder of the session.
Tests that need PostgreSQL ask for a fixture of tests/postgresql.py.
"""

from __future__ import annotations

import os
import tempfile

from hypothesis import settings

from tests.postgresql import own_postgresql as own_postgresql
from tests.postgresql import postgresql as postgresql
from tests.postgresql import postgresql_url as postgresql_url

_STATES = tempfile.TemporaryDirectory(prefix="dianjia-tests-")
os.environ["DIANJIA_CACHE"] = "off"
os.environ["XDG_STATE_HOME"] = _STATES.name
if "SHARED_BY_TESTS" not in os.environ:
    _SHARED = tempfile.TemporaryDirectory(prefix="dianjia-tests-shared-")
    os.environ["SHARED_BY_TESTS"] = _SHARED.name
os.environ.pop("DIANJIA_DATABASE", None)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("thorough", derandomize=False, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))
