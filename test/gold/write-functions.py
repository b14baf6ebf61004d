"""Writes functions.json: what tensor functions made of ops return, with gradients, by PyTorch in double precision.

    /usr/bin/python3 test/gold/write-functions.py        (Debian: apt-get install python3-torch)

A case is a name (that of the function, and after a comma what is special), inputs, the output, a cotangent and the gradient of
sum(output * cotangent) by every input, or null where there is none. `smooth` says that finite differences may be taken there.
Inputs are multiples of 2^-10, so that single precision holds them exactly, or whole, or not finite: then they are strings.
Where NumPy and PyTorch differ the functions follow NumPy, and so do the cases (`sign` of NaN, `argmax` along an axis with NaN).
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(37)
inf, nan = math.inf, math.nan


def exact(tensor):
    return torch.round(tensor * 1024) / 1024


def normal(*shape):
    return exact(torch.randn(shape, generator=generator))


def positive(*shape):
    return exact(0.25 + 2 * torch.rand(shape, generator=generator))


def integers(*shape, low=-5, high=6):
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int32)


def f(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def i(*numbers):
    return torch.tensor(numbers, dtype=torch.int32)


def number(x):
    if math.isnan(x) or math.isinf(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    return int(x) if float(x).is_integer() and not (x == 0 and math.copysign(1, x) < 0) else x


def plain(tensor):
    dtype = "f32" if tensor.dtype.is_floating_point else "i32"
    return {"dtype": dtype, "shape": list(tensor.shape), "data": [number(x) for x in tensor.detach().reshape(-1).tolist()]}


def holds(condition):
    """Comparisons return 1 and 0 of f32."""
    return condition.to(torch.float64)


specials = f(nan, inf, -inf, 0.0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 2.0**-10)
# Every special number beside every other.
grid = (specials[:, None].expand(13, 13).contiguous(), specials.clone())
bases = f(nan, inf, -inf, 0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, -3)
exponents = f(nan, inf, -inf, 0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5)


def floats(compute):
    """Ours are f32 whatever comes in."""
    return lambda *x: compute(*(y.to(torch.float64) for y in x))


def flipped_argmin(x, dim):
    return torch.argmin(x, dim).to(torch.int32)


def fill_like(value):
    return lambda x: torch.full_like(x, value)


SMOOTH, KINKED, STEPS = "smooth", "kinked", "steps"


CASES = {
    # Softmax and its kin.
    "softmax": (SMOOTH, [normal(3, 4)], lambda x: x.softmax(-1)),
    "softmax, a middle axis": (SMOOTH, [normal(2, 3, 4)], lambda x: x.softmax(1)),
    "softmax, a number": (SMOOTH, [normal()], lambda x: x.softmax(0)),
    "softmax, large numbers": (SMOOTH, [f(1000, 1001, 999)], lambda x: x.softmax(0)),
    "softmax, infinities": (
        KINKED,
        [torch.stack([f(-inf, 1, 2), f(inf, 1, 2), f(-inf, -inf, -inf), f(nan, 1, 2), f(1, -inf, -inf)])],
        lambda x: x.softmax(-1),
    ),
    "softmax, empty": (SMOOTH, [normal(3, 0)], lambda x: x.softmax(-1)),
    "softmax, integers": (STEPS, [integers(2, 3)], floats(lambda x: x.softmax(-1))),
    "logSoftmax": (SMOOTH, [normal(3, 4)], lambda x: x.log_softmax(-1)),
    "logSoftmax, the first axis": (SMOOTH, [normal(3, 4)], lambda x: x.log_softmax(0)),
    "logSoftmax, a number": (SMOOTH, [normal()], lambda x: x.log_softmax(0)),
    "logSoftmax, large numbers": (SMOOTH, [f(1000, 1001, -999)], lambda x: x.log_softmax(0)),
    "logSoftmax, infinities": (
        KINKED,
        [torch.stack([f(-inf, 1, 2), f(inf, 1, 2), f(-inf, -inf, -inf), f(nan, 1, 2)])],
        lambda x: x.log_softmax(-1),
    ),
    "logsumexp": (SMOOTH, [normal(3, 4)], lambda x: x.logsumexp((0, 1))),
    "logsumexp, an axis": (SMOOTH, [normal(2, 3, 4)], lambda x: x.logsumexp(1)),
    "logsumexp, dimensions kept": (SMOOTH, [normal(2, 3, 4)], lambda x: x.logsumexp((0, 2), keepdim=True)),
    "logsumexp, large numbers": (SMOOTH, [torch.stack([f(1000, 1001), f(-1000, -1001)])], lambda x: x.logsumexp(1)),
    "logsumexp, infinities": (
        KINKED,
        [torch.stack([f(-inf, 1, 2), f(inf, 1, 2), f(-inf, -inf, -inf), f(nan, 1, 2), f(inf, -inf, 0)])],
        lambda x: x.logsumexp(-1),
    ),
    "logsumexp, empty": (STEPS, [normal(2, 0)], lambda x: x.logsumexp(1)),
    # Powers.
    "pow": (SMOOTH, [positive(3, 1), normal(4)], torch.pow),
    "pow, a whole exponent": (SMOOTH, [normal(7)], lambda x: x**5),
    "pow, an exponent that is no whole number": (SMOOTH, [positive(7)], lambda x: x**1.75),
    "pow, squares": (SMOOTH, [normal(7)], lambda x: x**2),
    "pow, cubes": (SMOOTH, [normal(7)], lambda x: x**3),
    "pow, reciprocals": (SMOOTH, [positive(7)], lambda x: x**-1.0),
    "pow, the first": (SMOOTH, [normal(7)], lambda x: x**1),
    "pow, of a number": (SMOOTH, [normal(7)], lambda x: torch.pow(2.5, x)),
    "pow, at 0": (KINKED, [f(0, 0, 0, 0, 0, 0), f(0, 0.5, 1, 1.5, 2, 3)], torch.pow),
    "pow, negative to whole powers": (KINKED, [f(-2, -2, -0.5, -1), f(3, -2, 2, 5)], torch.pow),
    "pow, special numbers": (STEPS, [bases[:, None].contiguous(), exponents], torch.pow),
    # Bounds, steps and signs.
    "clip": (SMOOTH, [normal(3, 5)], lambda x: x.clamp(-0.5, 0.75)),
    "clip, at the bounds": (KINKED, [f(-1, -0.5, 0, 0.5, 1)], lambda x: x.clamp(-0.5, 0.5)),
    "clip, from below": (SMOOTH, [normal(5)], lambda x: x.clamp(min=-0.25)),
    "clip, from above": (SMOOTH, [normal(5)], lambda x: x.clamp(max=0.25)),
    "clip, bounds that cross": (KINKED, [f(-2, 0, 2)], lambda x: x.clamp(1, -1)),
    "clip, special numbers": (STEPS, [specials], lambda x: x.clamp(-1, 2)),
    "sign": (STEPS, [specials], lambda x: torch.from_numpy(np.sign(x.detach().numpy()))),
    "floor": (STEPS, [specials], torch.floor),
    "ceil": (STEPS, [specials], torch.ceil),
    "round": (STEPS, [torch.cat([specials, f(0.4990234375, -0.4990234375, 3.5, -3.5, 8388607, 8388609, -1.25, 2.75)])], torch.round),
    "abs": (KINKED, [specials], torch.abs),
    "maximum": (KINKED, [f(1, 2, inf, 3), f(2, 1, -inf, 3)], torch.maximum),
    "maximum, special numbers": (STEPS, list(grid), torch.maximum),
    "minimum": (KINKED, [f(1, 2, inf, 3), f(2, 1, -inf, 3)], torch.minimum),
    "minimum, special numbers": (STEPS, list(grid), torch.minimum),
    "expm1": (SMOOTH, [torch.cat([normal(6), f(2.0**-10, -(2.0**-10), 2.0**-40)])], torch.expm1),
    "log1p": (SMOOTH, [torch.cat([positive(6), f(2.0**-10, -(2.0**-10), 2.0**-40)])], torch.log1p),
    # No numbers, one number, and whole ones.
    "pow, empty": (SMOOTH, [normal(0, 1), normal(3)], torch.pow),
    "pow, a number": (SMOOTH, [positive(), normal()], torch.pow),
    "pow, integers": (STEPS, [integers(4), integers(4, low=0, high=4)], floats(torch.pow)),
    "clip, empty": (SMOOTH, [normal(0)], lambda x: x.clamp(-1, 1)),
    "clip, integers": (STEPS, [integers(7)], floats(lambda x: x.clamp(-2, 1.5))),
    "abs, anywhere": (SMOOTH, [normal(2, 3)], torch.abs),
    "abs, integers": (STEPS, [integers(5)], floats(torch.abs)),
    "sign, integers": (STEPS, [integers(5)], floats(torch.sign)),
    "sign, a number": (KINKED, [normal()], torch.sign),
    "floor, empty": (KINKED, [normal(2, 0)], torch.floor),
    "ceil, a number": (KINKED, [normal()], torch.ceil),
    "floor, without gradient": (KINKED, [f(1, 2.5, -0.0, -3.25)], torch.floor),
    "ceil, without gradient": (KINKED, [f(1, 2.5, -0.0, -3.25)], torch.ceil),
    "round, without gradient": (KINKED, [f(1, 2.5, -0.0, -3.25)], torch.round),
    "sign, without gradient": (KINKED, [f(1, 0, -0.0, -3.25)], torch.sign),
    "round, integers": (STEPS, [integers(5)], floats(torch.round)),
    "maximum, anywhere": (SMOOTH, [normal(3, 1), normal(4)], torch.maximum),
    "minimum, anywhere": (SMOOTH, [normal(3, 1), normal(4)], torch.minimum),
    "where, empty": (KINKED, [i(1), normal(0), normal()], lambda c, a, b: torch.where(c != 0, a, b)),
    "where, integers": (STEPS, [i(1, 0), integers(2), integers(2)], lambda c, a, b: torch.where(c != 0, a, b).to(torch.float64)),
    "equal, empty": (STEPS, [normal(0), normal()], lambda a, b: holds(a == b)),
    "logicalAnd, integers": (STEPS, [i(0, 0, 2, 2), i(0, 3, 0, -3)], lambda a, b: holds(torch.logical_and(a, b))),
    "isNaN, integers": (STEPS, [integers(3)], lambda a: holds(torch.isnan(a))),
    "isFinite, empty": (STEPS, [normal(0)], lambda a: holds(torch.isfinite(a))),
    "logsumexp, a number": (SMOOTH, [normal()], lambda x: x.logsumexp(0)),
    "logsumexp, integers": (STEPS, [integers(2, 3)], floats(lambda x: x.logsumexp(1))),
    "logSoftmax, empty": (SMOOTH, [normal(0, 3)], lambda x: x.log_softmax(0)),
    "logSoftmax, integers": (STEPS, [integers(2, 3)], floats(lambda x: x.log_softmax(-1))),
    "variance, a number": (KINKED, [normal()], lambda x: x.var((), unbiased=False)),
    "std, a number": (KINKED, [normal()], lambda x: x.std((), unbiased=False)),
    "std, empty": (STEPS, [normal(2, 0)], lambda x: x.std(1, unbiased=False)),
    "std, integers": (STEPS, [integers(3, 4)], floats(lambda x: x.std(0, correction=1))),
    "stack, empty": (SMOOTH, [normal(0, 2), normal(0, 2)], lambda a, b: torch.stack([a, b], 1)),
    "split, empty": (SMOOTH, [normal(0, 2)], lambda x: torch.cat([*x.split([0, 0])])),
    "squeeze, integers": (STEPS, [integers(1, 2)], torch.squeeze),
    "expandDims, empty": (SMOOTH, [normal(0)], lambda x: x.unsqueeze(1)),
    "flatten, empty": (SMOOTH, [normal(2, 0)], torch.flatten),
    "repeat, integers": (STEPS, [i(2**30 + 1, 3)], lambda x: x.repeat_interleave(2)),
    "tile, a number": (SMOOTH, [normal()], lambda x: x.tile((2, 3))),
    "tile, empty": (SMOOTH, [normal(2, 0)], lambda x: x.tile((2, 2))),
    "tril, empty": (SMOOTH, [normal(0, 3)], torch.tril),
    "triu, integers": (STEPS, [integers(3, 3)], torch.triu),
    "oneHot, a number": (STEPS, [integers(low=0, high=3)], lambda x: F.one_hot(x.long(), 3).to(torch.float64)),
    "oneHot, empty": (STEPS, [integers(0)], lambda x: torch.zeros(0, 3)),
    "oneHot, outside": (STEPS, [i(-1, 3, 1)], lambda x: torch.stack([f(0, 0, 0), f(0, 0, 0), f(0, 1, 0)])),
    "eye, empty": (STEPS, [], lambda: torch.eye(0)),
    "linspace, none": (STEPS, [], lambda: torch.linspace(0, 1, 0)),
    "huber, empty": (KINKED, [normal(0), normal(0)], F.huber_loss),
    "huber, a number": (SMOOTH, [normal(), normal()], F.huber_loss),
    "l1, integers": (STEPS, [integers(4), integers(4)], floats(F.l1_loss)),
    # Comparisons.
    "less": (STEPS, list(grid), lambda a, b: holds(a < b)),
    "lessEqual": (STEPS, list(grid), lambda a, b: holds(a <= b)),
    "greater": (STEPS, list(grid), lambda a, b: holds(a > b)),
    "greaterEqual": (STEPS, list(grid), lambda a, b: holds(a >= b)),
    "equal": (STEPS, list(grid), lambda a, b: holds(a == b)),
    "notEqual": (STEPS, list(grid), lambda a, b: holds(a != b)),
    "less, integers": (STEPS, [integers(4, 1), integers(5)], lambda a, b: holds(a < b)),
    "notEqual, integers": (STEPS, [integers(4, 1), integers(5)], lambda a, b: holds(a != b)),
    "greaterEqual, a number": (STEPS, [specials], lambda a: holds(a >= 0.5)),
    "greater, of a number": (STEPS, [specials], lambda a: holds(torch.tensor(0.5) > a)),
    "logicalAnd": (STEPS, list(grid), lambda a, b: holds(torch.logical_and(a, b))),
    "logicalOr": (STEPS, list(grid), lambda a, b: holds(torch.logical_or(a, b))),
    "logicalNot": (STEPS, [specials], lambda a: holds(torch.logical_not(a))),
    "isNaN": (STEPS, [specials], lambda a: holds(torch.isnan(a))),
    "isFinite": (STEPS, [specials], lambda a: holds(torch.isfinite(a))),
    "where": (KINKED, [i(1, 0, 2), normal(2, 1), normal(3)], lambda c, a, b: torch.where(c != 0, a, b)),
    "where, a number": (KINKED, [i(1, 0, 2), f(nan, nan, 3)], lambda c, a: torch.where(c != 0, torch.tensor(7.0), a)),
    "where, a number instead": (KINKED, [i(1, 0, 2), f(nan, nan, 3)], lambda c, a: torch.where(c != 0, a, torch.tensor(7.0))),
    "where, two numbers": (STEPS, [f(1, 0, nan, -0.0)], lambda c: torch.where(c != 0, torch.tensor(7.0), torch.tensor(8.0))),
    # Statistics.
    "variance": (SMOOTH, [normal(3, 4)], lambda x: x.var((0, 1), unbiased=False)),
    "variance, an axis, corrected": (SMOOTH, [normal(3, 4)], lambda x: x.var(1, correction=1)),
    "variance, dimensions kept": (SMOOTH, [normal(2, 3, 4)], lambda x: x.var((0, 2), unbiased=False, keepdim=True)),
    "variance, far from zero": (SMOOTH, [exact(10000 + normal(64))], lambda x: x.var(0, unbiased=False)),
    "variance, nothing left": (STEPS, [normal(2, 1)], lambda x: x.var(1, correction=1)),
    "variance, more taken off than there is": (STEPS, [f(1, 2)], lambda x: x.var(0, correction=3)),
    "variance, empty": (STEPS, [normal(2, 0)], lambda x: x.var(1, unbiased=False)),
    "variance, infinities": (STEPS, [torch.stack([f(inf, 1), f(nan, 1)])], lambda x: x.var(1, unbiased=False)),
    "variance, integers": (STEPS, [integers(3, 4)], floats(lambda x: x.var(1, unbiased=False))),
    "std": (SMOOTH, [normal(3, 4)], lambda x: x.std((0, 1), unbiased=False)),
    "std, an axis, corrected": (SMOOTH, [normal(3, 4)], lambda x: x.std(0, correction=1)),
    "std, all the same": (KINKED, [f(2, 2, 2)], lambda x: x.std(0, unbiased=False)),
    "argmin": (STEPS, [normal(3, 4)], lambda x: flipped_argmin(x, -1)),
    "argmin, the first axis": (STEPS, [integers(3, 4).to(torch.float64)], lambda x: flipped_argmin(x, 0)),
    "argmin, NaN": (STEPS, [torch.stack([f(1, nan, -inf, nan), f(inf, inf, inf, inf)])], lambda x: torch.from_numpy(np.argmin(x.detach().numpy(), -1)).to(torch.int32)),
    "argmax, a middle axis": (STEPS, [normal(2, 3, 4)], lambda x: torch.argmax(x, 1).to(torch.int32)),
    # Moving numbers.
    "stack": (SMOOTH, [normal(2, 3), normal(2, 3)], lambda a, b: torch.stack([a, b], 1)),
    "stack, at the end": (SMOOTH, [normal(3), normal(3)], lambda a, b: torch.stack([a, b], -1)),
    "stack, numbers": (SMOOTH, [normal(), normal()], lambda a, b: torch.stack([a, b])),
    "stack, integers": (STEPS, [integers(3), integers(3)], lambda a, b: torch.stack([a, b])),
    "split": (SMOOTH, [normal(4, 3)], lambda x: torch.cat([*x.split(2)][::-1])),
    "split, sizes": (SMOOTH, [normal(2, 6)], lambda x: torch.cat([*x.split([1, 0, 2, 3], 1)][::-1], 1)),
    "split, integers": (STEPS, [integers(4)], lambda x: torch.cat([*x.split(2)][::-1])),
    "squeeze": (SMOOTH, [normal(1, 3, 1)], torch.squeeze),
    "squeeze, an axis": (SMOOTH, [normal(1, 3, 1)], lambda x: x.squeeze(-1)),
    "expandDims": (SMOOTH, [normal(2, 3)], lambda x: x.unsqueeze(1)),
    "expandDims, at the end": (SMOOTH, [normal(2, 3)], lambda x: x.unsqueeze(-1)),
    "expandDims, a number": (SMOOTH, [normal()], lambda x: x.unsqueeze(0)),
    "flatten": (SMOOTH, [normal(2, 3, 2)], torch.flatten),
    "flatten, some axes": (SMOOTH, [normal(2, 3, 2, 2)], lambda x: x.flatten(1, 2)),
    "flatten, a number": (SMOOTH, [normal()], torch.flatten),
    "flip": (SMOOTH, [normal(2, 3)], lambda x: x.flip((0, 1))),
    "flip, the last axis": (SMOOTH, [normal(2, 3, 4)], lambda x: x.flip((-1,))),
    "flip, a number": (SMOOTH, [normal()], lambda x: x.clone()),
    "flip, integers": (STEPS, [i(2**30 + 1, 3, -(2**31))], lambda x: x.flip((0,))),
    "flip, empty": (SMOOTH, [normal(0, 3)], lambda x: x.flip((0,))),
    "repeat": (SMOOTH, [normal(2, 3)], lambda x: x.repeat_interleave(2, 0)),
    "repeat, the last axis": (SMOOTH, [normal(2, 3)], lambda x: x.repeat_interleave(3, -1)),
    "repeat, never": (SMOOTH, [normal(2, 3)], lambda x: x.repeat_interleave(0, 1)),
    "tile": (SMOOTH, [normal(2, 3)], lambda x: x.tile((2, 2))),
    "tile, fewer counts": (SMOOTH, [normal(2, 3)], lambda x: x.tile((2,))),
    "tile, more counts": (SMOOTH, [normal(3)], lambda x: x.tile((2, 1, 2))),
    "tile, integers": (STEPS, [i(2**30 + 1, 3)], lambda x: x.tile((2,))),
    "tril": (SMOOTH, [normal(3, 4)], torch.tril),
    "tril, another diagonal": (SMOOTH, [normal(2, 3, 3)], lambda x: x.tril(-1)),
    "tril, NaN above": (STEPS, [torch.stack([f(1, nan), f(nan, 2)])], torch.tril),
    "tril, integers": (STEPS, [integers(3, 3)], torch.tril),
    "triu": (SMOOTH, [normal(4, 3)], torch.triu),
    "triu, another diagonal": (SMOOTH, [normal(2, 3, 4)], lambda x: x.triu(2)),
    # New tensors.
    "fullLike": (STEPS, [normal(2, 3)], fill_like(2.5)),
    "fullLike, integers": (STEPS, [integers(2, 3)], fill_like(7)),
    "zerosLike": (STEPS, [integers(2, 3)], fill_like(0)),
    "onesLike": (STEPS, [normal(2, 0)], fill_like(1)),
    "full": (STEPS, [], lambda: torch.full((2, 2), -1.5)),
    "full, integers": (STEPS, [], lambda: torch.full((3,), 7, dtype=torch.int32)),
    "arange": (STEPS, [], lambda: torch.arange(5, dtype=torch.int32)),
    "arange, in steps": (STEPS, [], lambda: torch.arange(7, -4, -3, dtype=torch.int32)),
    "arange, fractions": (STEPS, [], lambda: torch.arange(-1, 2, 0.375)),
    "arange, nothing": (STEPS, [], lambda: torch.arange(2, 2, dtype=torch.int32)),
    "linspace": (STEPS, [], lambda: torch.linspace(-1, 2, 7)),
    "linspace, one": (STEPS, [], lambda: torch.linspace(3, 9, 1)),
    "linspace, downwards": (STEPS, [], lambda: torch.linspace(5, -5, 4)),
    "eye": (STEPS, [], lambda: torch.eye(3)),
    "eye, oblong": (STEPS, [], lambda: torch.eye(2, 4)),
    "oneHot": (STEPS, [i(2, 0, 3)], lambda x: F.one_hot(x.long(), 4).to(torch.float64)),
    "oneHot, of several axes": (STEPS, [integers(2, 3, low=0, high=3)], lambda x: F.one_hot(x.long(), 3).to(torch.float64)),
    # Losses.
    "meanSquaredError": (SMOOTH, [normal(3, 4), normal(3, 4)], F.mse_loss),
    "meanSquaredError, summed": (SMOOTH, [normal(5), normal(5)], lambda a, b: F.mse_loss(a, b, reduction="sum")),
    "meanSquaredError, of each": (SMOOTH, [normal(5), normal(5)], lambda a, b: F.mse_loss(a, b, reduction="none")),
    "meanSquaredError, empty": (KINKED, [normal(0), normal(0)], F.mse_loss),
    "meanSquaredError, integers": (KINKED, [normal(5), integers(5)], lambda a, b: F.mse_loss(a, b.to(torch.float64))),
    "l1": (KINKED, [f(1, 2, 3, -1), f(2, 2, 1, -4)], F.l1_loss),
    "l1, of each": (SMOOTH, [normal(5), normal(5)], lambda a, b: F.l1_loss(a, b, reduction="none")),
    "l1, summed": (SMOOTH, [normal(5), normal(5)], lambda a, b: F.l1_loss(a, b, reduction="sum")),
    "huber": (SMOOTH, [normal(3, 4), 2 * normal(3, 4)], F.huber_loss),
    "huber, another delta": (SMOOTH, [normal(7), normal(7)], lambda a, b: F.huber_loss(a, b, delta=0.5, reduction="sum")),
    "huber, at its ends": (KINKED, [f(1, -1, 0, 3, inf), f(0, 0, 0, 0, 0)], lambda a, b: F.huber_loss(a, b, reduction="none")),
    "binaryCrossEntropy": (SMOOTH, [normal(3, 4), exact(torch.rand(3, 4, generator=generator))], F.binary_cross_entropy_with_logits),
    "binaryCrossEntropy, of each": (
        KINKED,
        [f(0, 12, -12, 200, -200, 1), f(1, 1, 0, 0, 1, 0)],
        lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none"),
    ),
    "binaryCrossEntropy, infinities": (
        KINKED,
        [f(inf, inf, -inf, nan), f(1, 0, 0, 1)],
        lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none"),
    ),
    "binaryCrossEntropy, summed, of integers": (
        KINKED,
        [normal(4), i(0, 1, 1, 0)],
        lambda a, b: F.binary_cross_entropy_with_logits(a, b.to(torch.float64), reduction="sum"),
    ),
}

EINSUMS = {
    "ij,jk->ik": [normal(2, 3), normal(3, 4)],
    "ij,jk": [normal(2, 3), normal(3, 4)],
    "ij,kj->ik": [normal(2, 3), normal(4, 3)],
    "ji,jk->ki": [normal(3, 2), normal(3, 4)],
    "bij,bjk->bik": [normal(2, 2, 3), normal(2, 3, 2)],
    "bthd,bshd->bhts": [normal(2, 3, 2, 2), normal(2, 4, 2, 2)],
    "bhts,bshd->bthd": [normal(2, 2, 3, 4), normal(2, 4, 2, 2)],
    "i,j->ij": [normal(3), normal(2)],
    "i,i->": [normal(3), normal(3)],
    "i,i->i": [normal(3), normal(3)],
    "ii": [normal(3, 3)],
    "ii->i": [normal(3, 3)],
    "iij->ji": [normal(3, 3, 2)],
    "ijij->j": [normal(2, 3, 2, 3)],
    "iii->i": [normal(3, 3, 3)],
    "ij->": [normal(2, 3)],
    "ij->ji": [normal(2, 3)],
    "ba": [normal(2, 3)],
    "ij->ij": [normal(2, 3)],
    "...ij->...ji": [normal(2, 2, 3, 2)],
    "...i,...i->...": [normal(2, 3, 4), normal(3, 4)],
    "...ij,jk": [normal(2, 2, 3), normal(3, 2)],
    "i...->...": [normal(2, 3, 2)],
    "...->": [normal(2, 3)],
    "b...i,bij->b...j": [normal(2, 3, 2, 2), normal(2, 2, 3)],
    "ij,jk,kl->il": [normal(2, 3), normal(3, 2), normal(2, 3)],
    "i,ij,j->": [normal(2), normal(2, 3), normal(3)],
    "bi,oij,bj->bo": [normal(2, 2), normal(3, 2, 2), normal(2, 2)],
    "ij,ij->ij": [normal(1, 3), normal(2, 3)],
    "ij,jk->ik, an axis of size 1": [normal(2, 1), normal(3, 2)],
    "ij,kl->": [normal(2, 3), normal(2, 2)],
    ",i->i": [normal(), normal(3)],
    "->": [normal()],
    "aB,Bc -> ac": [normal(2, 3), normal(3, 2)],
    "ij,jk->ik, empty": [normal(2, 0), normal(0, 3)],
}
for name, inputs in EINSUMS.items():
    spec = name.split(", ", 1)[0] if ", " in name else name
    CASES[f"einsum, {name}"] = (SMOOTH, inputs, lambda *x, spec=spec: torch.einsum(spec, *x))
CASES["einsum, ij,jk->ik, integers"] = (
    STEPS,
    [integers(2, 3), integers(3, 2)],
    floats(lambda a, b: torch.einsum("ij,jk->ik", a, b)),
)


def written(name, kind, inputs, compute):
    differentiable = kind != STEPS
    leaves = [
        x.clone().requires_grad_() if differentiable and x.dtype.is_floating_point else x.clone() for x in inputs
    ]
    output = compute(*leaves)
    case = {"name": name, "smooth": kind == SMOOTH, "inputs": [plain(x) for x in inputs], "output": plain(output)}
    if not differentiable:
        return {**case, "cotangent": None, "gradients": None}
    cotangent = normal(*output.shape)
    torch.autograd.backward(output, cotangent)
    gradients = [
        None if not x.dtype.is_floating_point else plain(torch.zeros_like(x) if x.grad is None else x.grad) for x in leaves
    ]
    return {**case, "cotangent": plain(cotangent), "gradients": gradients}


path = Path(__file__).parent / "functions.json"
path.write_text(json.dumps([written(name, *case) for name, case in CASES.items()], separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
