"""What the text of a segment is made of, as LLVM instructions, and its compiler: the one module that imports numba.

Takes the text of a function; gives a function in machine code, which lets go of the interpreter while it runs. Machine
code is kept on disk: the text stands there as a file named after what it and this module say, numba writes beside it
what it compiled, for the processor that it compiled for. Nothing is lost where the folder is deleted or cannot be
written: it is compiled again.

Each instruction rounds once, as numpy's call does: nothing here is allowed to fuse, reorder or assume that there are no
NaNs. What numpy leaves to the processor, such as the whole number that a NaN becomes, may differ: no bill depends on
it, as it stands in branches that are not taken.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import llvmlite.ir as ir
import numba
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from engine.evaluator.kernels import Rep

Loop = Callable[..., bool]  # (outer, inner, bounds, *arrays): whether there is a row that it may not settle

_TYPES: Final = {"f8": types.float64, "i8": types.int64, "bool": types.boolean}
_DOUBLE: Final = ir.DoubleType()
_LONG: Final = ir.IntType(64)
_LEAST_LONG: Final = -(2**63)


def compiled(text: str, arrays: Sequence[tuple[Rep, bool]], cache: Path | None) -> Loop:
    """Compile the text of `segment(outer, inner, bounds, *arrays)`.

    Args:
        text: as `engine.evaluator.native_source` writes it.
        arrays: representation of each array, and whether it is written.
        cache: folder for machine code; None: it is not kept.
    """
    signature = types.boolean(
        types.int64,
        types.int64,
        types.Array(types.int64, 1, "C", readonly=True),
        *(types.Array(_TYPES[rep], 1, "C", readonly=not written) for rep, written in arrays),
    )
    said = (text, Path(__file__).read_text(encoding="utf-8"), numba.__version__)
    # Machine code is linked by name: two functions of one name would be one, whichever was read first.
    name = f"segment_{hashlib.sha256(chr(0).join(said).encode()).hexdigest()[:32]}"
    text = text.replace("def segment(", f"def {name}(", 1)
    kept = None if cache is None else _written(cache / f"{name}.py", text)
    if kept is not None:
        try:
            return _compiled(text, name, str(kept), signature, cache=True)
        except Exception:  # noqa: BLE001  # whatever was kept, or the disk, is at fault: it is compiled without
            pass
    return _compiled(text, name, "<generated from a program>", signature, cache=False)


def _compiled(text: str, name: str, file: str, signature: Any, *, cache: bool) -> Loop:
    names: dict[str, Any] = {**_NAMES, "__name__": __name__}
    # The text holds names of ours and numbers: see `engine.evaluator.native_source`.
    exec(compile(text, file, "exec"), names)  # noqa: S102  # a segment becomes machine code here alone
    function = names[name]
    assert isinstance(function, FunctionType)
    made: Loop = numba.njit(
        [signature], nogil=True, cache=cache, error_model="numpy", boundscheck=False, fastmath=False
    )(function)
    return made


def _written(path: Path, text: str) -> Path | None:
    """Write the text where it is not yet; None: the folder cannot be written."""
    try:
        if not path.exists():
            # Whoever comes second replaces the file by an equal one.
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(temporary).replace(path)
    except OSError:
        return None
    return path


def _unary(name: str) -> Any:
    """An LLVM function of a float64."""

    def typed(_context: Any, _x: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.call(builder.module.declare_intrinsic(name, [_DOUBLE]), arguments)

        return types.float64(types.float64), generate

    return intrinsic(typed)


def _place(context: Any, builder: Any, of: Any, array: Any, index: Any) -> Any:
    """The address of an array's item. The index is known to be inside."""
    data = make_array(of)(context, builder, array).data
    return builder.gep(data, [index])


def _scopes(module: Any, numbers: Iterable[int]) -> Any:
    """A list of the memory of written arrays, as LLVM wants it told."""
    domain = module.add_metadata(["dianjia"])
    return module.add_metadata([module.add_metadata([f"dianjia {number}", domain]) for number in numbers])


@intrinsic(prefer_literal=True)
def _load(_context: Any, array: Any, _index: Any, count: Any) -> Any:
    """An item of an array that is not written, beside `count` arrays that are."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of = signature.args[0]
        item = builder.load(_place(context, builder, of, *arguments[:2]))
        # Without this, any of the arrays might be another's memory, and the loop has to go one by one.
        item.set_metadata("noalias", _scopes(builder.module, range(count.literal_value)))
        return builder.trunc(item, ir.IntType(1)) if of.dtype == types.boolean else item

    return array.dtype(array, types.int64, count), generate


@intrinsic(prefer_literal=True)
def _store(_context: Any, array: Any, _index: Any, _value: Any, number: Any, count: Any) -> Any:
    """Write an item of an array: that of a number, of the `count` that are written."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        of = signature.args[0]
        value = builder.zext(arguments[2], ir.IntType(8)) if of.dtype == types.boolean else arguments[2]
        store = builder.store(value, _place(context, builder, of, *arguments[:2]))
        mine = number.literal_value
        store.set_metadata("alias.scope", _scopes(builder.module, [mine]))
        others = [other for other in range(count.literal_value) if other != mine]
        if others:
            store.set_metadata("noalias", _scopes(builder.module, others))
        return context.get_dummy_value()

    return types.none(array, types.int64, array.dtype, number, count), generate


@intrinsic
def _f8(_context: Any, x: Any) -> Any:
    """Whole number or boolean as float64."""
    of = types.unliteral(x)

    def generate(_target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.boolean:
            return builder.uitofp(arguments[0], _DOUBLE)
        return builder.sitofp(arguments[0], _DOUBLE)

    return types.float64(of), generate


@intrinsic
def _i8(_context: Any, x: Any) -> Any:
    """Float64 or boolean as int64; a float64 that is no whole number of 64 bits becomes any."""
    of = types.unliteral(x)

    def generate(_target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.boolean:
            return builder.zext(arguments[0], _LONG)
        # LLVM may take what depends on such a number for unreachable, unless the number is frozen: any, but one.
        whole = builder.fptosi(arguments[0], _LONG)
        frozen = ir.instructions.Instruction(builder.block, whole.type, "freeze", [whole])
        builder._insert(frozen)
        return frozen

    return types.int64(of), generate


@intrinsic
def _bits(_context: Any, _x: Any) -> Any:
    """The bits of a float64."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _LONG)

    return types.int64(types.float64), generate


@intrinsic
def _of_bits(_context: Any, _x: Any) -> Any:
    """The float64 of these bits."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], _DOUBLE)

    return types.float64(types.int64), generate


def _nearer(sign: str) -> Any:
    """The lesser or the greater of two numbers: one instruction of the processor, and no branch."""

    def typed(_context: Any, a: Any, b: Any) -> Any:
        of = types.float64 if types.float64 in (a, b) else types.int64

        def generate(_target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            compare = builder.fcmp_ordered if signature.args[0] == types.float64 else builder.icmp_signed
            return builder.select(compare(sign, *arguments), *arguments)

        return of(of, of), generate

    return intrinsic(typed)


def _wrapping(name: str) -> Any:
    """Arithmetic of int64, modulo 2^64."""

    def typed(_context: Any, _a: Any, _b: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        return types.int64(types.int64, types.int64), generate

    return intrinsic(typed)


@intrinsic
def _absolute(_context: Any, x: Any) -> Any:
    """A number without its sign."""
    of = types.float64 if types.unliteral(x) == types.float64 else types.int64

    def generate(_target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if signature.args[0] == types.float64:
            return builder.call(builder.module.declare_intrinsic("llvm.fabs", [_DOUBLE]), arguments)
        below = builder.icmp_signed("<", arguments[0], _LONG(0))
        return builder.select(below, builder.neg(arguments[0]), arguments[0])

    return of(of), generate


@intrinsic
def _floored(_context: Any, _a: Any, _b: Any) -> Any:
    """The floor of a quotient of whole numbers, as numpy has it: 0 by 0, and the least number by -1 is itself."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a, b = arguments
        zero = builder.icmp_signed("==", b, _LONG(0))
        over = builder.and_(builder.icmp_signed("==", a, _LONG(_LEAST_LONG)), builder.icmp_signed("==", b, _LONG(-1)))
        by = builder.select(builder.or_(zero, over), _LONG(1), b)
        quotient = builder.sdiv(a, by)
        rest = builder.sub(a, builder.mul(quotient, by))
        inexact = builder.icmp_signed("!=", rest, _LONG(0))
        apart = builder.icmp_signed("<", builder.xor(rest, by), _LONG(0))
        floor = builder.sub(quotient, builder.zext(builder.and_(inexact, apart), _LONG))
        return builder.select(zero, _LONG(0), floor)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def _floored_positive(_context: Any, _a: Any, _b: Any) -> Any:
    """The quotient of whole numbers up to 2^64; 0 by 0."""

    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        a, b = arguments
        zero = builder.icmp_signed("==", b, _LONG(0))
        return builder.select(zero, _LONG(0), builder.udiv(a, builder.select(zero, _LONG(1), b)))

    return types.int64(types.int64, types.int64), generate


def _quotient(*, signed: bool) -> Any:
    """The floor of a / b for a known b from 2^13 to 2^62, and the float64 nearest to 1 / b: int64 are divided slowly.

    The quotient is at most 2^51, and the float64 estimate, of three roundings, errs by less than 3.1 * 2^-53 of that,
    which is less than one. So its floor is the quotient or one off, and the rest, which is between -b and 2 * b and
    fits 64 bits, tells which way. Without signs, `a` is up to 2^64.
    """

    def typed(_context: Any, _a: Any, _b: Any, _part: Any) -> Any:
        def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            a, b, part = arguments
            floor = builder.module.declare_intrinsic("llvm.floor", [_DOUBLE])
            top = builder.sitofp(a, _DOUBLE) if signed else builder.uitofp(a, _DOUBLE)
            near = builder.fptosi(builder.call(floor, [builder.fmul(top, part)]), _LONG)
            rest = builder.sub(a, builder.mul(near, b))
            below = builder.zext(builder.icmp_signed("<", rest, _LONG(0)), _LONG)
            beyond = builder.zext(builder.icmp_signed(">=", rest, b), _LONG)
            return builder.sub(builder.add(near, beyond), below)

        return types.int64(types.int64, types.int64, types.float64), generate

    return intrinsic(typed)


_NAMES: Final[dict[str, Any]] = {
    "load": _load,
    "store": _store,
    "f8": _f8,
    "i8": _i8,
    "u8": types.uint64,
    "plus": _wrapping("add"),
    "minus": _wrapping("sub"),
    "times": _wrapping("mul"),
    "bits": _bits,
    "of_bits": _of_bits,
    "nearest": _unary("llvm.rint"),
    "floor": _unary("llvm.floor"),
    "ceil": _unary("llvm.ceil"),
    "trunc": _unary("llvm.trunc"),
    "root": _unary("llvm.sqrt"),
    "least": _nearer("<"),
    "most": _nearer(">"),
    "absolute": _absolute,
    "floored": _floored,
    "quotient": _quotient(signed=True),
    "quotient_positive": _quotient(signed=False),
    "floored_positive": _floored_positive,
}
