"""The servicer of rule sets: what can be billed, what each rule set needs, and whether files would compile.

A withdrawn version stays readable: calls here need no `allow_withdrawn`, for they bill nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

import grpc

from dianjia.rulesets.v1 import rulesets_pb2 as messages
from dianjia.rulesets.v1 import rulesets_pb2_grpc as rpc
from dianjia.type.v1 import type_pb2 as types
from engine.calendars.days import day_date, day_number, read_day
from engine.compiler.program import Compiled
from engine.language.problems import ProblemsFound, problem
from engine.registry.building import Built
from engine.registry.content import check_files, version_of
from engine.service.books import Books, LoadedBook
from engine.service.calls import call_of, wrong
from engine.service.describing import COLLECTION, problem_message, rule_set, summary
from engine.service.paging import read_page, token
from engine.service.sent_files import SentFiles

Build = Callable[[Mapping[str, bytes]], Built]
PROBLEMS_MAX: Final = 1_000  # told of one rate book
VALIDATIONS_MAX: Final = 2  # under way and waiting: they are compiled one after another, and each holds a thread
_FORM: Final = f"{COLLECTION}{{id}}"
_SHOWN: Final = 200  # characters of a name that a message repeats


class RuleSetServicer(rpc.RuleSetServiceServicer):
    """Lists, describes and validates rule sets."""

    def __init__(
        self,
        books: Books,
        build: Build,
        *,
        validations: int = VALIDATIONS_MAX,
    ) -> None:
        """Take what answers.

        Args:
            books: the versions.
            build: compiles files in another process, with a time limit.
            validations: how many calls may validate at once.
        """
        self._books = books
        self._build = build
        self._validations = validations
        self._places = threading.BoundedSemaphore(validations)

    def ListRuleSets(
        self, request: messages.ListRuleSetsRequest, context: grpc.ServicerContext
    ) -> messages.ListRuleSetsResponse:
        """List rule sets by id and first day, a page at a time; every page is of the version of the first."""
        day = _day(request.in_force_on, "in_force_on")
        filters = [
            request.version.version,
            str(request.version.allow_withdrawn),
            request.place,
            request.customer_class,
            request.in_force_on,
        ]
        page = read_page("ListRuleSets", filters, request.page_size, request.page_token)
        loaded = self._chosen(request.version, page.version)
        call_of(context).note(version=loaded.version)
        found = [(key, one) for key, one in _ordered(loaded) if _wanted(request, day, one)]
        later = [(key, one) for key, one in found if not page.after or _order(one) > tuple(page.after.split("@"))]
        shown = later[: page.size]
        more = len(later) > len(shown)
        return messages.ListRuleSetsResponse(
            version=loaded.version,
            rule_sets=[summary(key, one) for key, one in shown],
            next_page_token=token("ListRuleSets", filters, "@".join(_order(shown[-1][1])), loaded.version)
            if more
            else "",
            total_size=len(found),
        )

    def GetRuleSet(
        self, request: messages.GetRuleSetRequest, context: grpc.ServicerContext
    ) -> messages.GetRuleSetResponse:
        """Describe one rule set."""
        loaded = self._chosen(request.version)
        call_of(context).note(version=loaded.version)
        key = _key(loaded, request.name)
        return messages.GetRuleSetResponse(
            version=loaded.version,
            rule_set=rule_set(loaded, key, without_files=request.without_files),
        )

    def ValidateRuleSet(
        self, request: messages.ValidateRuleSetRequest, context: grpc.ServicerContext
    ) -> messages.ValidateRuleSetResponse:
        """Compile files as part of a version and run their tests, in another process."""
        call = call_of(context)
        sent = SentFiles()
        sent.take(request.files)
        files = sent.files if request.alone else {**self._chosen(request.version).files, **sent.files}
        check_files(files)
        call.check()
        if not self._places.acquire(blocking=False):
            raise _too_many(self._validations)
        try:
            built = self._build(files)
        finally:
            self._places.release()
        version = version_of(files)
        call.note(version=version, problems=len(built.problems))
        return messages.ValidateRuleSetResponse(
            version=version,
            problems=[problem_message(one) for one in built.problems[:PROBLEMS_MAX]],
            rule_sets=len(built.book.rulesets),
            tests=built.tests,
            problems_found=len(built.problems),
        )

    def _chosen(self, choice: types.VersionChoice, of_page: str = "") -> LoadedBook:
        """Give the version that is asked for; reading needs no leave to use a withdrawn one."""
        version = choice.version or of_page
        return self._books.choose(version, allow_withdrawn=choice.allow_withdrawn or bool(version))


def _too_many(at_most: int) -> ProblemsFound:
    return ProblemsFound([problem("too-many-calls", None, at_most=at_most, what="validations", what_zh="校验")])


def _day(text: str, field: str) -> int | None:
    if not text:
        return None
    found: date | None = read_day(text)
    if found is None:
        raise wrong("bad-day", field, value=text[:40])
    return day_number(found)


def _ordered(loaded: LoadedBook) -> list[tuple[str, Compiled]]:
    return sorted(loaded.rulesets.items(), key=lambda item: _order(item[1]))


def _order(compiled: Compiled) -> tuple[str, str]:
    return compiled.id, day_date(compiled.first_day).isoformat()


def _wanted(request: messages.ListRuleSetsRequest, day: int | None, compiled: Compiled) -> bool:
    """Whether the filters let a rule set through. A place holds those whose names go on behind a dot."""
    return (
        (not request.place or f"{compiled.place_code}.".startswith(f"{request.place}."))
        and request.customer_class in ("", compiled.customer_class)
        and (day is None or (compiled.first_day <= day and (compiled.end_day is None or day < compiled.end_day)))
    )


def _key(loaded: LoadedBook, name: str) -> str:
    """Find the rule set of a resource name.

    Raises:
        ProblemsFound: `unknown-resource`; where several share the id, with the names of all.
    """
    key = name.removeprefix(COLLECTION)
    if name.startswith(COLLECTION):
        if key in loaded.rulesets:
            return key
        id_, _, first_day = key.partition("@")
        same = {other: one for other, one in _ordered(loaded) if one.id == id_}
        for other, one in same.items():
            if _order(one)[1] == first_day:
                return other
        if same:
            form = " / ".join(f"{COLLECTION}{other}" for other in same)
            raise wrong("unknown-resource", "name", value=name, form=form)
    raise wrong("unknown-resource", "name", value=name[:_SHOWN], form=_FORM)
