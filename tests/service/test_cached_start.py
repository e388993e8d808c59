"""A server that is started again reads its rules from the cache, and bills as the first one did."""

from __future__ import annotations

from pathlib import Path

from engine.cache.compiled import KIND
from tests.service.asking import household, rating
from tests.service.serving import rules_in, serving


def test_a_second_start_finds_what_the_first_has_compiled(tmp_path: Path) -> None:
    """The same bill to the byte, and one entry; an entry that is damaged is compiled again."""
    rules = rules_in(tmp_path)
    bills, found = [], []
    for damaged in (False, False, True):
        entries = tmp_path / "cache" / "dianjia" / KIND
        if damaged:
            (entry,) = entries.glob("*.entry")
            entry.write_bytes(entry.read_bytes()[:1000])
        own = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        with serving(tmp_path, rules=rules, env=own) as server, server.channel() as channel:
            bills.append(rating(channel).CalculateBill(household()).SerializeToString(deterministic=True))
        found.append([(one.name, one.stat().st_size) for one in entries.glob("*.entry")])

    assert 1 == len(set(bills))
    assert 1 == len(found[0])
    assert found[0] == found[1] == found[2]


def test_a_cache_that_others_may_write_to_is_told_in_the_log(tmp_path: Path) -> None:
    """Whoever writes there can change bills, so it is not used; the server starts all the same."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)

    with serving(tmp_path, rules=rules_in(tmp_path), env={"DIANJIA_CACHE": str(folder)}) as server:
        server.wait_for(lambda: any(one.get("event") == "serving" for one in server.log()))
        told = [one for one in server.log() if one.get("event") == "cache-refused"]

    assert [(str(folder), "others-may-write")] == [(one["path"], one["reason"]) for one in told]
    assert [] == list(folder.iterdir())
