"""What a server is, once it listens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers.

    Attributes:
        address: on which it listens.
        version: content hash of what answers calls that name none; "": nothing does yet.
        rule_sets: how many that version has.
        rules: folder that answers while no version is active; "": none.
        database: URL of the registry, without its password; "": none.
        metrics: address of the metrics; "": none.
    """

    address: str
    version: str
    rule_sets: int
    rules: str
    database: str
    metrics: str
