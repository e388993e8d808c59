"""The other end of `engine.warnings.durable`: durable_rules, in a process of its own that may die.

    python -P durable_child.py MEMORY_BYTES

Reads a line of JSON with the plans of the triggers (`engine.warnings.durable_plan`), then lines with batches, and
answers each with a line. Imports nothing of the engine, so that it starts fast and is small.

A batch is a list of items, in order:

    [0, trigger, account, key, memory]                    what is remembered of a slot that is not known here yet
    [1, trigger, account, key, at, type, fits, values]    an event; fits: which steps it fits by itself
    [2, trigger, account, key, at]                        a tick: everything before `at` has come
    [3, trigger, account, key]                            a slot that may be forgotten

Accounts and keys are numbers that the other end gives out, so that no text, and no hash of one, is ever compared here.
The answer: {"found": [[item, memory before, due, states], ...], "slots": [[trigger, account, key, memory], ...], "kb":
peak of this process's memory}, or {"failed": why}. States: what is raised or cleared; due: of a tick, the deadline.

How the library is used, and why (each was found in its C source, version 2.0.28):

- Two facts a rule at most: what is open of a slot, or was raised of it, and what came: an event, a tick, or that a
  pattern is done. What came is taken back as soon as the rules that it fires have run, so that of each rule no more
  than one match waits, and the library's frames are not read beyond their end.
- A condition on the account stands first and last in each join: a join whose last condition fails is scanned without
  end, and that on the account, once it has held, cannot fail.
- Ids of facts have hashes of their own, as two facts whose ids share a hash are one fact to it.
- Facts, not events; no timers, no `none`, no state of its own: an absence is a tick that comes after the deadline.
- Fewer than 1,000 accounts share a rule set; nothing is deleted from it, the process is ended instead.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

import durable_rules_engine as rules

SHARD: Final = 999  # accounts of a rule set
CAME: Final = 1  # id of the one fact that has come
OK: Final = 0
NOT_HANDLED: Final = 1  # no rule looks at such a fact, and it is not kept


class Ids:
    """Numbers for facts that are there at one time; no two of them share the library's hash."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._last = CAME
        self._hashes = {hash_of("0"), hash_of(str(CAME)), hash_of("sid-0")}

    def take(self) -> int:
        """Give a number that is free."""
        if self._free:
            return self._free.pop()
        while True:
            self._last += 1
            hashed = hash_of(str(self._last))
            if hashed not in self._hashes:
                self._hashes.add(hashed)
                return self._last

    def give_back(self, number: int) -> None:
        """Take a number back."""
        self._free.append(number)


def hash_of(text: str) -> int:
    """The library's hash of a text: FNV-1a, 32 bits.

    >>> hash_of("C554695123") == hash_of("C884777665")
    True
    """
    found = 2166136261
    for byte in text.encode():
        found = (found ^ byte) * 16777619 & 0xFFFFFFFF
    return found


class RuleSet:
    """The rules of one trigger, with the facts of fewer than 1,000 accounts."""

    def __init__(self, name: str, definition: str) -> None:
        self._handle = rules.create_ruleset(name, definition)
        self._ids = Ids()

    def fired(self, fact: dict[str, int]) -> set[str]:
        """Assert what came, give the names of the rules that it fires, and take it back."""
        fact["id"] = CAME
        code, state = rules.assert_fact(self._handle, json.dumps(fact))
        if code == NOT_HANDLED:
            return set()
        if code != OK:
            raise RuntimeError(f"a fact was not taken: {code}")
        names: set[str] = set()
        found = rules.start_action_for_state(self._handle, state)
        waiting = None if found is None else found[1]
        while waiting is not None:
            names.update(json.loads(waiting))
            waiting = rules.complete_and_start_action(self._handle, state)
        self.retract(CAME)
        return names

    def open(self, fact: dict[str, int]) -> int:
        """Assert what is open of a slot; gives its id."""
        number = self._ids.take()
        fact["id"] = number
        code, _ = rules.assert_fact(self._handle, json.dumps(fact))
        if code not in (OK, NOT_HANDLED):
            raise RuntimeError(f"a fact was not taken: {code}")
        return number

    def close(self, number: int) -> None:
        """Take back what is open."""
        self.retract(number)
        self._ids.give_back(number)

    def retract(self, number: int) -> None:
        """Take a fact back."""
        code, _ = rules.retract_fact(self._handle, json.dumps({"id": number}))
        if code != OK:
            raise RuntimeError(f"a fact was not taken back: {code}")


class Slot:
    """What is remembered of an account, or of one key of it, by one trigger; and the fact that says so."""

    __slots__ = ("facts", "memory", "said")

    def __init__(self, memory: list[int]) -> None:
        self.memory = memory
        self.facts = [0, 0]  # ids: of what is open, of what was raised
        self.said: list[dict[str, int] | None] = [None, None]


class Watcher:
    """One trigger: which facts are made of its memory, and what follows of the rules that fire."""

    def __init__(self, number: int, plan: dict[str, Any]) -> None:
        self.number = number
        self.plan = plan
        self._definition = json.dumps(plan["rules"])
        self._sets: dict[int, RuleSet] = {}
        self.slots: dict[tuple[int, int], Slot] = {}
        self._after = {
            "event": self._event,
            "count": self._count,
            "trend": self._trend,
            "sequence": self._sequence,
            "pair": self._pair,
        }[plan["kind"]]

    def remember(self, account: int, key: int, memory: list[int]) -> None:
        """Take up a slot."""
        slot = self.slots[account, key] = Slot(memory)
        for which in (0, 1):
            self._show(account, key, slot, which)

    def forget(self, account: int, key: int) -> None:
        """Let go of a slot."""
        slot = self.slots.pop((account, key), None)
        for fact in () if slot is None else slot.facts:
            if fact:
                self._set(account).close(fact)

    def on_event(
        self, account: int, key: int, at: int, type_: str, fits: list[int], values: list[int | None]
    ) -> tuple[list[int], list[str]]:
        """Take an event; gives the memory before it, and what is raised or cleared."""
        slot = self.slots.get((account, key))
        if slot is None:
            slot = self.slots[account, key] = Slot([0] * self.plan["size"])
        fact = {"came": 1, "a": account % SHARD, "k": key, "t": at}
        for number in fits:
            if all(values[needed] is not None for needed in self.plan["needs"][number]):  # else no join can hold
                fact[f"f{number}"] = 1
        for number in self.plan["shown"].get(type_, ()):
            value = values[number]
            if value is not None:
                fact[f"v{number}"] = value
        alone = self.plan["kind"] == "event"
        fired = self._set(account).fired(fact) if alone or any(slot.facts) else set()
        before, states = slot.memory, []
        slot.memory = list(before)
        if "clears" in fired:
            slot.memory[self.plan["held"]] = 0
            states.append("cleared")
            self._show(account, key, slot, 1)
        looks = self.plan["on"] in ("", type_)  # not at one that only clears
        complete = looks and self._after(slot.memory, at, set(fits), values, fired)
        if complete and self._raises(account, key, slot, at):
            states.append("raised")
        self._show(account, key, slot, 0)
        return before, states

    def on_tick(self, account: int, key: int, at: int) -> tuple[list[int], int, list[str]] | None:
        """Take a tick; gives the memory before the deadline, its time and what is raised, where one has passed."""
        slot = self.slots.get((account, key))
        if slot is None or not slot.facts[0]:
            return None
        if "due" not in self._set(account).fired({"tick": 1, "a": account % SHARD, "k": key, "t": at}):
            return None
        before = slot.memory
        slot.memory = list(before)
        due = self.plan["due"]
        slot.memory[due] = slot.memory[self.plan["stage"]] = 0
        raises = self._raises(account, key, slot, before[due])
        self._show(account, key, slot, 0)
        return before, before[due], ["raised"] if raises else []

    def _raises(self, account: int, key: int, slot: Slot, at: int) -> bool:
        """Whether a pattern that is done raises a warning: none is held, and the last was long enough ago."""
        plan = self.plan
        if slot.facts[1] and self._set(account).fired({"done": 1, "a": account % SHARD, "k": key, "t": at}):
            return False
        for position, value in ((plan["raised_at"], at), (plan["held"], 1)):
            if position >= 0:
                slot.memory[position] = value
        self._show(account, key, slot, 1)
        return True

    def _set(self, account: int) -> RuleSet:
        shard = account // SHARD
        found = self._sets.get(shard)
        if found is None:
            found = self._sets[shard] = RuleSet(f"t{self.number}s{shard}", self._definition)
        return found

    def _show(self, account: int, key: int, slot: Slot, which: int) -> None:
        """Let the fact of what is open (0), or was raised (1), say what the memory says."""
        said = self._raised(slot.memory) if which else self._open(slot.memory)
        if said == slot.said[which]:
            return
        slot.said[which] = said
        if slot.facts[which]:
            self._set(account).close(slot.facts[which])
            slot.facts[which] = 0
        if said is not None:
            slot.facts[which] = self._set(account).open({**said, "a": account % SHARD, "k": key})

    def _raised(self, memory: list[int]) -> dict[str, int] | None:
        """What a slot's second fact says: whether a warning is held, and until when no other is raised."""
        raised_at, held = self.plan["raised_at"], self.plan["held"]
        quiet = memory[raised_at] + self.plan["cool_down"] if raised_at >= 0 and memory[raised_at] else -1
        holds = memory[held] if held >= 0 else 0
        return {"calm": 1, "q": quiet, "h": holds} if quiet >= 0 or holds else None

    def _open(self, memory: list[int]) -> dict[str, int] | None:
        """What a slot's first fact says: remembered numbers, and until when each thing is awaited."""
        plan = self.plan
        found = {"open": 1, **{f"m{number}": memory[number] for number in plan["joined"]}}
        match plan["kind"]:
            case "sequence":
                stage = memory[plan["stage"]]
                if not stage:
                    return None
                found.update(s=stage, u0=memory[plan["stage_at"]] + plan["within"][stage])
            case "event":
                return None
            case _:
                times = [(number, memory[position]) for number, position in enumerate(plan["times_at"])]
                if not any(at for _, at in times):
                    return None
                found.update({f"u{number}": at + plan["apart"] if at else -1 for number, at in times})
        return found

    def _store(self, memory: list[int], step: int, values: list[int | None]) -> None:
        """Remember the fields of an event that is taken as a step."""
        for position, number, given in self.plan["stores"][step]:
            value = values[number]
            memory[position] = 0 if value is None else value
            if given >= 0:
                memory[given] = int(value is not None)

    # what follows of the rules that fired: each gives whether the pattern is complete

    def _event(self, _m: list[int], _at: int, _fits: set[int], _values: list[int | None], fired: set[str]) -> bool:
        return "fits" in fired

    def _count(self, memory: list[int], at: int, fits: set[int], _values: list[int | None], fired: set[str]) -> bool:
        if 0 not in fits:
            return False
        for position in self.plan["positions"]:
            memory[position], at = at, memory[position]
        return "full" in fired

    def _trend(self, memory: list[int], at: int, fits: set[int], values: list[int | None], fired: set[str]) -> bool:
        plan, run = self.plan, self.plan["run"]
        if "goes_on" in fired:
            memory[run] = min(memory[run] + 1, plan["times"])
        else:
            memory[run] = int(0 in fits and not plan["looks_back"])
        memory[plan["previous_at"]] = at
        self._store(memory, 0, values)
        return bool(memory[run] >= plan["times"])

    def _sequence(self, memory: list[int], at: int, fits: set[int], values: list[int | None], fired: set[str]) -> bool:
        plan = self.plan
        whole, stage_at, due = len(plan["within"]), plan["stage_at"], plan["due"]
        stage = unchanged = memory[plan["stage"]]
        if "expired" in fired or "unless" in fired:
            memory[plan["stage"]] = stage = 0
            if due >= 0:
                memory[due] = 0
            if "expired" not in fired:
                return False
        elif f"step{stage}" in fired:
            if stage == whole - 1:
                memory[plan["stage"]] = stage = 0
                if due >= 0:  # what was not to come has come
                    memory[due] = 0
                else:
                    memory[stage_at] = at
                    return True
            else:
                self._store(memory, stage, values)
                memory[plan["stage"]], memory[stage_at] = stage + 1, at
                if due >= 0 and stage + 1 == whole - 1:
                    memory[due] = at + plan["within"][stage + 1]
                return False
        if 0 in fits and (stage == 0 or (stage == unchanged == 1 and plan["latest"])):
            self._store(memory, 0, values)
            memory[plan["stage"]], memory[stage_at] = 1, at
            if due >= 0:
                memory[due] = at + plan["within"][1] if whole == 2 else 0
        return False

    def _pair(self, memory: list[int], at: int, fits: set[int], values: list[int | None], fired: set[str]) -> bool:
        side = next((number for number in (0, 1) if number in fits), None)
        if side is None:
            return False
        self._store(memory, side, values)
        here, there = self.plan["times_at"][side], self.plan["times_at"][1 - side]
        memory[here] = at
        if f"meets{side}" not in fired:
            return False
        memory[here] = memory[there] = 0
        return True


def answer(watchers: list[Watcher], items: list[list[Any]]) -> dict[str, Any]:
    """Take a batch."""
    found: list[list[Any]] = []
    touched: dict[tuple[int, int, int], None] = {}
    for number, (what, trigger, account, key, *rest) in enumerate(items):
        watcher = watchers[trigger]
        if what == 0:
            watcher.remember(account, key, *rest)
        elif what == 1:
            touched[trigger, account, key] = None
            before, states = watcher.on_event(account, key, *rest)
            if states:
                found.append([number, before, 0, states])
        elif what == 2:
            passed = watcher.on_tick(account, key, *rest)
            if passed is not None:
                touched[trigger, account, key] = None
                found.append([number, *passed])
        else:
            watcher.forget(account, key)
    slots = [[*slot, watchers[slot[0]].slots[slot[1:]].memory] for slot in touched]
    return {"found": found, "slots": slots, "kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main(memory_bytes: int) -> None:
    """Serve until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    watchers = [Watcher(number, plan) for number, plan in enumerate(json.loads(sys.stdin.readline()))]
    sys.stdout.write('{"found": [], "slots": [], "kb": 0}\n')
    sys.stdout.flush()
    for line in sys.stdin:
        try:
            said = answer(watchers, json.loads(line))
        except Exception as error:  # noqa: BLE001  # whatever it is, the other end tells it and starts this anew
            said = {"failed": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        if "failed" in said:
            raise SystemExit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
