"""Billing again what was metered wrongly (退补电量), and paying for outages; written as formulas in rule sets.

供电营业规则 (1996): a meter outside its tolerance is corrected to zero error over half of the time since its last test;
a wrong connection by its correction factor, over all of it. A supplier who caused an outage pays four times (one-part
tariff) or five times (two-part) the energy charge of the hours without supply, at last month's average use.
"""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.amounts import half_up, hundred_digits


@hundred_digits
def half_of_error(recorded: Decimal, error_percent: Decimal) -> Decimal:
    """Return the kWh to be billed again, to a whole kWh; 900,000 at -10 %: (1,000,000 - 900,000) / 2 = 50,000."""
    true = recorded * 100 / (100 + error_percent)
    return half_up((true - recorded) / 2, 0)


@hundred_digits
def by_factor(recorded: Decimal, factor: Decimal) -> Decimal:
    """Return the kWh to be billed again: true = recorded x factor."""
    return recorded * (factor - 1)


@hundred_digits
def outage(kwh_last_month: Decimal, hours: Decimal, price: Decimal, times: int) -> Decimal:
    """Return the compensation, below zero; 30,000 kWh, 30 h, 0.40 yuan, 4 times: -2000."""
    return half_up(-kwh_last_month / 30 / 24 * hours * price * times)
