# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
"""A few machine instructions that numpy has no name for, for kernels. Nothing is checked: an index must be in the array."""

from typing import Any

from llvmlite import ir

from goldstream.jit import intrinsic, types

_BYTE, _WORD, _FLAG = ir.IntType(8), ir.IntType(64), ir.IntType(1)


def _data(context, builder, array_type, array):
    """A pointer to the first byte of an array."""
    return builder.bitcast(context.make_array(array_type)(context, builder, value=array).data, _BYTE.as_pointer())


@intrinsic
def _eight_bytes(_, data, index):
    def generate(context, builder, signature, arguments):
        place = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        return builder.load(builder.bitcast(place, _WORD.as_pointer()), align=1)

    return types.uint64(data, types.int64), generate


@intrinsic
def _byte(_, data, index):
    def generate(context, builder, signature, arguments):
        place = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        return builder.zext(builder.load(place), _WORD)

    return types.int64(data, types.int64), generate


@intrinsic
def _put(_, array, index, value):
    def generate(context, builder, signature, arguments):
        start = context.make_array(signature.args[0])(context, builder, value=arguments[0]).data
        builder.store(arguments[2], builder.gep(start, [arguments[1]]))
        return context.get_dummy_value()

    return types.none(array, types.int64, array.dtype), generate


@intrinsic
def _zeros_below(_, word):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], _FLAG(0))

    return types.int64(types.uint64), generate


#: eight_bytes(data, index): eight bytes of a uint8 array from `index` on as one uint64, the first of them lowest.
eight_bytes: Any = _eight_bytes
#: byte(data, index): one byte of a uint8 array as int64.
byte: Any = _byte
#: put(array, index, value): write one value into a contiguous array, as if it had one dimension.
put: Any = _put
#: zeros_below(word): how many zero bits stand below the lowest one of a uint64; 64 for 0.
zeros_below: Any = _zeros_below
