"""Compares everything that can run triggers on drawn rules and streams: `python -m tests.triggers.fuzzing`.

Each file of rules is run on several streams by the oracle, the engine's reference, the machine, the panel and a desk;
all must give the same warnings, each once, with the same values, regions and ids. Where one differs, the smallest
stream that was found is shown with the trigger.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from engine.compiler.trigger import Watch
from tests.oracles import triggers as oracle
from tests.triggers.drawing import Drawn, draw_arrivals, draw_files, draw_until
from tests.triggers.engines import ENGINES, Engine, Seen, Stream, compiled, expected

STREAMS_A_FILE = 10


@dataclass
class Compared:
    """What was compared.

    Attributes:
        counts: files, streams, events, how they came, warnings by kind of trigger and by what completed them.
        seconds: of CPU, by engine.
        differences: one text for each trigger and engine that differs from the oracle.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    differences: list[str] = field(default_factory=list)


def compare(
    seed: int, streams: int, events: int, engines: Mapping[str, Engine] = ENGINES, streams_a_file: int = STREAMS_A_FILE
) -> Compared:
    """Draw rules and streams, and compare.

    Args:
        seed: of everything that is drawn.
        streams: how many.
        events: of each stream, duplicates apart.
        engines: those that are compared with the oracle, by name.
        streams_a_file: how many streams each drawn file of rules is run on.
    """
    done = Compared()
    for number in range(streams):
        if number % streams_a_file == 0:
            drawn = draw_files(Random(f"{seed}/{number}"))
            begun = time.process_time()
            watch, documents = compiled(drawn), drawn.documents
            done.seconds["compiler"] += time.process_time() - begun
            done.counts["files"] += 1
            done.counts["triggers"] += len(watch.triggers)
        random = Random(f"{seed}/{number}/stream")
        arrivals = draw_arrivals(random, drawn, events)
        stream = Stream(arrivals, drawn.lateness, draw_until(random, arrivals), random.randrange(1 << 30))
        _compare_stream(done, f"seed {seed}, stream {number}", drawn, watch, documents, stream, engines)
    return done


def _compare_stream(
    done: Compared,
    name: str,
    drawn: Drawn,
    watch: Watch,
    documents: Sequence[oracle.Document],
    stream: Stream,
    engines: Mapping[str, Engine],
) -> None:
    begun = time.process_time()
    wanted = expected(documents, stream)
    done.seconds["oracle"] += time.process_time() - begun
    _count(done.counts, watch, stream, wanted)
    for engine, run in engines.items():
        begun = time.process_time()
        found = run(watch, stream)
        done.seconds[engine] += time.process_time() - begun
        if found != wanted:
            for trigger in sorted({one.trigger for one in set(found) ^ set(wanted)} or {one.trigger for one in found}):
                done.differences.append(
                    f"{name}, {engine}:\n{_smallest(drawn, watch, documents, stream, run, trigger)}"
                )


def _count(counts: Counter[str], watch: Watch, stream: Stream, wanted: Sequence[Seen]) -> None:
    counts["streams"] += 1
    ids = {one.id for one in stream.arrivals}
    counts["events"] += len(ids)
    counts["events that came again"] += len(stream.arrivals) - len(ids)
    counts["events refused"] += len(oracle.accepted(stream.arrivals, stream.lateness)[1])
    counts["warnings"] += len(wanted)
    for one in wanted:
        counts[f"{watch.triggers[one.trigger].kind}, {one.state}"] += 1
        counts["completed by a deadline"] += not one.event


def _smallest(
    drawn: Drawn,
    watch: Watch,
    documents: Sequence[oracle.Document],
    stream: Stream,
    run: Engine,
    trigger: str,
) -> str:
    """Leave out events as long as one trigger's warnings still differ, and say what is left."""
    alone = replace(watch, triggers={trigger: watch.triggers[trigger]})

    def differ(stream: Stream) -> tuple[list[Seen], list[Seen]] | None:
        wanted = [one for one in expected(documents, stream) if one.trigger == trigger]
        found = run(alone, stream)
        return None if found == wanted else (found, wanted)

    found = differ(stream)
    if found is None:
        return f"{trigger} differs only where other triggers run beside it, or one warning came twice"
    before = 0
    while before != len(stream.arrivals):  # chunks fall otherwise once an event is left out: more may go then
        before = len(stream.arrivals)
        for id_ in dict.fromkeys(one.id for one in stream.arrivals):
            smaller = differ(stream.without(id_))
            if smaller is not None:
                stream, found = stream.without(id_), smaller
    ruleset, _, name = trigger.partition(":")
    text = next(text for text in drawn.files.values() if f"ruleset: {ruleset}\n" in text)
    text = text[text.index(f"\n  {name}:\n") + 1 :]
    lines = [text.split("\n  t", 1)[0].rstrip(), f"lateness {stream.lateness}, until {stream.end}, as they came:"]
    lines += [f"  {one}" for one in stream.arrivals]
    lines += [f"  not of the oracle: {one}" for one in found[0] if one not in found[1]]
    lines += [f"  of the oracle:     {one}" for one in found[1] if one not in found[0]]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare as the command line says, and print what was compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.triggers.fuzzing", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of everything that is drawn (1)")
    parser.add_argument("--streams", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--events", type=int, default=60, help="of each stream (60)")
    parser.add_argument("--engines", nargs="+", choices=sorted(ENGINES), default=list(ENGINES), help="all unless named")
    asked = parser.parse_args(arguments)
    done = compare(asked.seed, asked.streams, asked.events, {name: ENGINES[name] for name in asked.engines})
    for name, count in done.counts.items():
        print(f"{count:>9,} {name}")
    for name, seconds in done.seconds.items():
        print(f"{seconds:>9.1f} s of CPU: {name}")
    for difference in done.differences[:10]:
        print(f"\n{difference}")
    print(f"\nseed {asked.seed}: {', '.join(asked.engines)} against the oracle: {len(done.differences)} differences")
    return 1 if done.differences else 0


if __name__ == "__main__":
    sys.exit(main())
