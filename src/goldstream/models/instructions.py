# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"
"""A few machine instructions that numpy has no name for, for kernels. Nothing is checked: an index must be in the array."""

import functools
from typing import Any

from llvmlite import ir

from goldstream.jit import intrinsic, types

_BYTE, _NUMBER, _WORD, _FLAG = ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.IntType(1)
_LANES = 64
_VECTOR = ir.VectorType(_BYTE, _LANES)


def _data(context, builder, array_type, array):
    """A pointer to the first byte of an array."""
    return builder.bitcast(context.make_array(array_type)(context, builder, value=array).data, _BYTE.as_pointer())


@intrinsic
def _eight_bytes(_, data, index):
    def generate(context, builder, signature, arguments):
        place = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [arguments[1]])
        return builder.load(builder.bitcast(place, _WORD.as_pointer()), align=1)

    return types.uint64(data, types.int64), generate


def _block(context, builder, signature, arguments, past=0):
    """64 bytes from `past` bytes after an index on."""
    index = builder.add(arguments[1], _WORD(past))
    place = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [index])
    return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=1)


def _all(value):
    return ir.Constant(_VECTOR, [value] * _LANES)


def _is(builder, vector, char):
    return builder.icmp_unsigned("==", vector, _all(ord(char)))


def _between(builder, vector, first, last):
    return builder.icmp_unsigned("<", builder.sub(vector, _all(ord(first))), _all(ord(last) - ord(first) + 1))


def _any(builder, *flags):
    """A bit for each byte, set where one of the flags is."""
    return builder.bitcast(functools.reduce(builder.or_, flags), _WORD)


@intrinsic
def _word_bits(_, data, index):
    def generate(context, builder, signature, arguments):
        block = _block(context, builder, signature, arguments)
        letters = _between(builder, builder.or_(block, _all(32)), "a", "z")
        return _any(builder, letters, _between(builder, block, "0", "9"), _is(builder, block, "_"))

    return types.uint64(data, types.int64), generate


@intrinsic
def _skip_bits(_, data, index):
    def generate(context, builder, signature, arguments):
        block = _block(context, builder, signature, arguments)
        return _any(builder, _between(builder, block, "\0", " "), _is(builder, block, "'"), _is(builder, block, "\x7f"))

    return types.uint64(data, types.int64), generate


@intrinsic
def _odd_bits(_, data, index):
    def generate(context, builder, signature, arguments):
        block = _block(context, builder, signature, arguments)
        first, second, third = (
            builder.or_(_block(context, builder, signature, arguments, past), _all(32)) for past in range(3)
        )
        thrice = builder.and_(builder.icmp_unsigned("==", first, second), builder.icmp_unsigned("==", first, third))
        letters = _between(builder, first, "a", "\x7f")  # `_`, too
        return _any(builder, builder.and_(thrice, letters), _is(builder, block, "'"), builder.icmp_signed("<", block, _all(0)))

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
def _fetch(_, array, row):
    def generate(context, builder, signature, arguments):
        table = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        past = builder.mul(builder.extract_value(table.strides, 0), builder.zext(arguments[1], _WORD))
        place = builder.gep(_data(context, builder, signature.args[0], arguments[0]), [past])
        prefetch = ir.FunctionType(ir.VoidType(), [place.type, *[_NUMBER] * 3])
        kind = [_NUMBER(0), _NUMBER(3), _NUMBER(1)]  # to read, into all caches, data
        builder.call(builder.module.declare_intrinsic("llvm.prefetch", [place.type], prefetch), [place, *kind])
        return context.get_dummy_value()

    return types.none(array, types.uint32), generate


@intrinsic
def _zeros_below(_, word):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], _FLAG(0))

    return types.int64(types.uint64), generate


#: eight_bytes(data, index): eight bytes of a uint8 array from `index` on as one uint64, the first of them lowest.
eight_bytes: Any = _eight_bytes
#: word_bits(data, index): a bit for each of 64 bytes, set where it is an ASCII letter, a digit or `_`; a uint64.
word_bits: Any = _word_bits
#: skip_bits(data, index): a bit for each of 64 bytes, set where it is white space, `'` or another that no token begins with.
skip_bits: Any = _skip_bits
#: odd_bits(data, index): a bit for each of 64 bytes, set where a letter stands three times, and where it is `'` or not ASCII.
odd_bits: Any = _odd_bits
#: byte(data, index): one byte of a uint8 array as int64.
byte: Any = _byte
#: put(array, index, value): write one value into a contiguous array, as if it had one dimension.
put: Any = _put
#: fetch(array, row): begin to bring a row of a two-dimensional array, a uint32, into the caches; it will be read soon.
fetch: Any = _fetch
#: zeros_below(word): how many zero bits stand below the lowest one of a uint64; 64 for 0.
zeros_below: Any = _zeros_below
