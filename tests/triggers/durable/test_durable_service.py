"""A server whose events durable_rules correlates."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from dianjia.client import Client
from tests.service.serving import serving, token_of
from tests.service.watching import DAY, UNPAID, USE, WHO, bill, rules, use


def test_a_server_with_durable_rules_warns_of_the_same(tmp_path: Path) -> None:
    """One consumption of two is above 1000 kWh; of two bills, both are unpaid 30 days later."""
    book, settings = rules(tmp_path / "rules"), {"correlator": "durable"}
    with (
        serving(tmp_path, rules=book, tokens=WHO, settings=settings) as server,
        Client(server.address, token=token_of("all")) as client,
    ):
        events = [use(1, "1500.00"), use(2, "900", days=1), bill(1, "3.00"), bill(2, "4.00", days=1)]
        done = client.warnings.record(events, complete_until=DAY + timedelta(days=60))
        found = [(one.trigger, one.event, one.message) for one in client.warnings.list()]

    assert (done.accepted, done.warnings) == (4, 3)
    assert [
        (USE, "use-1", "本期 1500.00 千瓦时"),
        (UNPAID, "", "应收 3.00 元，三十日未交"),
        (UNPAID, "", "应收 4.00 元，三十日未交"),
    ] == found
