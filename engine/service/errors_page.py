"""docs/errors.md, written from the catalogue: every code with its status, whose fault it is, and what to do.

`python -m engine.service.errors_page` prints it; `make errors` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from engine.bulk.problems import FILE_PROBLEMS
from engine.language.catalogue import CATALOGUE, DESK, EVENTS, ROWS, SERVICE
from engine.language.catalogue_recalculations import RECALCULATIONS
from engine.language.catalogue_service import CALLS, STARTING, VERSIONS
from engine.language.catalogue_warnings import WARNINGS
from engine.language.entry import Entry
from engine.service.statuses import run_standing

_HEAD = """# Errors

Written from the catalogue by `make errors`; the words are those that the command line and the service say, in
English and Chinese. Names in braces are filled in.

An error of the service is a `google.rpc.Status`: its message is `code: what is wrong`; among its details are

- `google.rpc.ErrorInfo`: `domain` is `dianjia`, `reason` is the code in capitals with `_` for `-`
  (`OUT_OF_BOUNDS`), and `metadata` has the values of the names in braces;
- `google.rpc.BadRequest`, where a field of the message or an input of the row is meant;
- `google.rpc.RetryInfo`, where the same call may be repeated after a pause;
- `google.rpc.LocalizedMessage`, one in `en` and one in `zh-CN`: what is wrong and what to do, for people;
- `dianjia.type.v1.RowError`, where a single row has no bill; in streams row errors stand in the responses, beside
  the bills;
- `dianjia.rulesets.v1.Problem`, one for each problem of a rate book.

**Whose**: `caller`, the program that calls; `data`, the row; `rules`, whoever writes the rule sets; `operator`,
whoever runs the server; `ours`. **Again**: whether to repeat the call; `no`: it would get the same answer; `later`:
after a pause; `once mended`: when what the last column says is done. Rating calls change nothing and may always be
repeated; calls that change something repeat their first answer when they come with the same `request_id`.
"""

_PARTS: tuple[tuple[str, str, Mapping[str, Entry]], ...] = (
    (
        "Calls",
        "What is wrong with a message, or keeps the server from answering it.",
        {**CALLS, **RECALCULATIONS, **WARNINGS},
    ),
    ("Versions of the rate book", "Steps that the registry does not take.", VERSIONS),
    (
        "Recalculations",
        "Why one stopped: the `error` of a recalculation, not of a call. The commands name the file before it.",
        FILE_PROBLEMS,
    ),
    ("Starting the server", "Why it does not start; no call gets these.", STARTING),
    ("Rows", "Why a row has no bill.", ROWS),
    ("Events", "Why an event is not recorded.", EVENTS),
    ("The desk of warnings", "Why it does not take a step, of a call or of a command.", DESK),
    (
        "Rule files",
        "Problems of a rate book. `ValidateRuleSet` lists them; `PublishRateBook` ends with `rate-book-fails` and has"
        " them among its details.",
        {code: entry for code, entry in CATALOGUE.items() if code not in {*SERVICE, *ROWS, *EVENTS, *DESK}},
    ),
)


def errors_page() -> str:
    """Write docs/errors.md."""
    return "\n".join([_HEAD, *_parts()])


def _parts() -> Iterator[str]:
    for title, about, entries in _PARTS:
        yield f"## {title}\n\n{about}\n"
        yield "| code | status | whose | again | what is wrong | what to do |"
        yield "|---|---|---|---|---|---|"
        for code in sorted(entries):
            yield _row(code, entries[code])
        yield ""


def _row(code: str, entry: Entry) -> str:
    found = run_standing(code)
    wrong, todo = (
        "<br>".join(dict.fromkeys(text.replace("|", "\\|") for text in texts if text))
        for texts in ((entry.headline, entry.headline_zh), (entry.remedy, entry.remedy_zh))
    )
    return f"| `{code}` | {found.status.name} | {found.fault} | {found.retry} | {wrong} | {todo} |"


if __name__ == "__main__":
    sys.stdout.write(errors_page())
