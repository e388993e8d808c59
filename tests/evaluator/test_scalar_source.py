"""The text that a program becomes: readable, without steps that nothing reads, and nothing of a rule file is in it."""

from __future__ import annotations

import ast
import builtins
import io
import re
import tokenize
from dataclasses import replace

import pytest

from engine.compiler.program import PRIMITIVES, Compiled
from engine.evaluator.scalar import Number, Scalar, ScalarBill
from engine.evaluator.scalar_arithmetic import QUOTIENTS, ROOTS
from engine.evaluator.scalar_source import SUPPLIED, Source, read_source, run_source
from tests.billing import book
from tests.evaluator.programs import JANUARY, two_tiers

OURS = re.compile(r"[a-z]\d+(_\d+)?")
WORDS = {
    *SUPPLIED.values(),
    *(function.__name__ for function in (*QUOTIENTS.values(), *ROOTS.values())),
    *("row", "get", "came", "lines", "raised", "u", "y", "Number", "accumulate", "cell_at", "power_factor"),
    *("abs", "all", "int", "list", "max", "min", "str", "sum", "tuple", "type", "zip"),
}
ATTRIBUTES = {"append", "get", "places", "unscaled"}
COMMENT = re.compile(rf"# (step \d+, )?({'|'.join(PRIMITIVES)})(: [-()\w]+)?")


def texts_of(compiled: Compiled) -> list[str]:
    """Every text that a rule set becomes."""
    runs: list[Source] = [
        run_source(compiled, every=every, together=together) for every in (False, True) for together in (False, True)
    ]
    inputs = [spec for spec in compiled.program.inputs if spec.type.axis == "row"]
    return [read_source(inputs), *(one.text for one in runs)]


def assert_ours(text: str) -> None:
    """See that a text has names of ours, whole numbers, and comments that name primitives; nothing else."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                assert name in WORDS or OURS.fullmatch(name), name
            case ast.Attribute(attr=name):
                assert name in ATTRIBUTES, name
            case ast.Constant(value=value):
                assert value is None or type(value) is int or value in (True, False), value
            case ast.FunctionDef(name=name):
                assert name in ("run", "read")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        assert token.type != tokenize.STRING
        if token.type == tokenize.COMMENT:
            assert COMMENT.fullmatch(token.string), token.string


def test_a_program_as_text() -> None:
    """Steps in their order, one a line; what is a name already has a comment alone."""
    expected = """\
def run(first, end, day, bill_from, bill_to, part, parts, i0, k0, k1, k2):
    # step 0, input: i0
    # step 1, constant: k0
    v2 = k0 * 100  # rescale
    v3 = i0 if i0 <= v2 else v2  # minimum
    v4 = i0 - v3  # subtract
    # step 5, claim: v4
    # step 6, constant: k1
    # step 7, constant: k2
    v8 = (v3 * k1 + 5000) // 10000  # multiply_round
    v9 = (v4 * k2 + 5000) // 10000  # multiply_round
    v10 = v8 + v9  # add
    # step 11, literal: 0
    v12 = 0 < v4  # less
    # step 13, literal: 100000
    v14 = i0 <= 100000  # less_equal
    if not v14: return  # step 15, require
    lines = [(0, v8, v3, k1)]
    if v12: lines.append((1, v9, v4, k2))
    raised = ()
    if v12: raised += ((0, (i0,)),)
    return v10, (v10,), tuple(lines), raised, (v10, v8, v3, k1, v9, v12, v4, k2, i0,)
"""

    assert expected == run_source(two_tiers()).text
    assert Scalar(two_tiers()).source.endswith(expected)


def test_what_nothing_reads_is_left_out() -> None:
    rules = two_tiers()
    program = replace(rules.program, lines=rules.program.lines[:1], warnings=(), total=8, ledgers=())

    text = run_source(replace(rules, program=program)).text

    assert "v9" not in text
    assert "v14" in text  # a `require` reads it


HOSTILE = '"""\nimport os; os.abort()\n# \x00\\N{BULLET} \' {i0} __import__("os")'


def test_nothing_of_a_rule_file_gets_into_the_text() -> None:
    """Names, titles, codes, messages and ids that are Python, and ends of texts and lines."""
    rules = two_tiers()
    program = rules.program
    steps = tuple(replace(step, name=HOSTILE) if step.name else step for step in program.steps)
    hostile = replace(
        rules,
        id=HOSTILE,
        title=HOSTILE,
        program=replace(
            program,
            inputs=tuple(replace(spec, name=HOSTILE, title=HOSTILE) for spec in program.inputs),
            steps=steps,
            lines=tuple(replace(line, id=HOSTILE, title=HOSTILE, ledger=HOSTILE) for line in program.lines),
            refusals=tuple(replace(one, message=HOSTILE, field=HOSTILE, code=HOSTILE) for one in program.refusals),
            warnings=tuple(replace(one, id=HOSTILE, title=HOSTILE, message=HOSTILE) for one in program.warnings),
            ledgers=((HOSTILE, program.total),),
        ),
        constants=replace(rules.constants, slots=tuple(replace(slot, path=HOSTILE) for slot in rules.constants.slots)),
    )

    made = Scalar(hostile).bill({HOSTILE: Number(15050, 2)}, **JANUARY)

    assert isinstance(made, ScalarBill)
    assert 8203 == made.total
    assert texts_of(rules) == texts_of(hostile)


@pytest.mark.parametrize("name", sorted(book()))
def test_texts_are_names_of_ours_and_whole_numbers(name: str) -> None:
    for text in texts_of(book()[name]):
        assert_ours(text)


def test_words_of_ours_are_what_the_text_may_call() -> None:
    assert {"abs", "zip"} <= {word for word in WORDS if hasattr(builtins, word)}
    with pytest.raises(AssertionError):
        assert_ours("def run(v1):\n    return open(v1)\n")
    with pytest.raises(AssertionError):
        assert_ours("def run(v1):\n    return 'text'\n")
    with pytest.raises(AssertionError):
        assert_ours("def run(v1):\n    return v1  # peak price\n")
