"""Writes gradients.json: the gradient of every op that has one, on random inputs, by PyTorch in double precision.

    /usr/bin/python3 test/gold/write-gradients.py        (Debian: apt-get install python3-torch)

A case is a name that the test knows, inputs, a cotangent, and the gradient of sum(output * cotangent) by every input.
Inputs are multiples of 2^-10: single precision holds them exactly.
"""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(31)


def exact(tensor):
    return torch.round(tensor * 1024) / 1024


def normal(*shape):
    return exact(torch.randn(shape, generator=generator))


def positive(*shape):
    return exact(0.25 + 2 * torch.rand(shape, generator=generator))


def plain(tensor):
    flat = tensor.detach().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [int(x) if float(x).is_integer() else x for x in flat]}


def attention(q, k, v, causal=True, keys=None):
    """q [B, T, H, D], k and v [B, S, G, D] of which the first `keys` exist; the last query sees every key."""
    k, v = (x[:, :keys].repeat_interleave(q.shape[2] // x.shape[2], dim=2) for x in (k, v))
    t, s = q.shape[1], k.shape[1]
    scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(q.shape[3])
    hidden = torch.arange(s) > torch.arange(t)[:, None] + (s - t)
    scores = scores.masked_fill(hidden, -math.inf) if causal else scores
    return torch.einsum("bhts,bshd->bthd", scores.softmax(-1), v)


def masked_attention(q, k, v, seen=None, bias=None, causal=False):
    """A query that sees no key gets 0. `seen` and `bias` broadcast to [B, H, T, S]."""
    k, v = (x.repeat_interleave(q.shape[2] // x.shape[2], dim=2) for x in (k, v))
    t, s = q.shape[1], k.shape[1]
    scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(q.shape[3])
    scores = scores if bias is None else scores + bias
    shown = torch.ones(t, s, dtype=torch.bool) if seen is None else seen != 0
    shown = shown & (torch.arange(s) <= torch.arange(t)[:, None] + (s - t)) if causal else shown
    weights = scores.masked_fill(~shown, -1e300).softmax(-1) * shown
    return torch.einsum("bhts,bshd->bthd", weights, v)


def rms_norm(x, gain):
    return gain * x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5)


ids = torch.tensor([[2, 0, 2], [4, 1, 2]])
targets = torch.tensor([3, -1, 0, 6])
seen = torch.tensor([[1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 0, 2], [0, 0, 0, 1]]).reshape(1, 1, 4, 4)
orders = torch.tensor([[2, 0, 3, 1], [0, 3, 2, 1]])


def losses(logits):
    return F.cross_entropy(logits, targets, ignore_index=-1, reduction="none")


def scattered(values):
    return torch.zeros(5, 3).index_add(0, ids.reshape(-1), values.reshape(-1, 3))


def qkv(heads, groups, t=4, s=4):
    return [normal(2, t, heads, 3), normal(2, s, groups, 3), normal(2, s, groups, 3)]


CASES = {
    # Elementwise, with a column and a row where there are two.
    "add": ([normal(3, 1), normal(4)], lambda a, b: a + b),
    "subtract": ([normal(3, 1), normal(4)], lambda a, b: a - b),
    "multiply": ([normal(3, 1), normal(4)], lambda a, b: a * b),
    "divide": ([normal(3, 1), positive(4)], lambda a, b: a / b),
    "minimum": ([normal(3, 1), normal(4)], torch.minimum),
    "maximum": ([normal(3, 1), normal(4)], torch.maximum),
    "where": ([normal(3, 4), normal(3, 1), normal(4)], lambda c, a, b: torch.where(c < 0, a, b)),
    "negate": ([normal(7)], torch.neg),
    "abs": ([normal(7)], torch.abs),
    "exp": ([normal(7)], torch.exp),
    "log": ([positive(7)], torch.log),
    "sqrt": ([positive(7)], torch.sqrt),
    "tanh": ([normal(7)], torch.tanh),
    "erf": ([normal(7)], torch.erf),
    "sin": ([normal(7)], torch.sin),
    "cos": ([normal(7)], torch.cos),
    "square": ([normal(7)], torch.square),
    "sigmoid": ([normal(7)], torch.sigmoid),
    "relu": ([normal(7)], torch.relu),
    "softplus": ([normal(7)], F.softplus),
    "silu": ([normal(7)], F.silu),
    "gelu": ([normal(7)], lambda x: F.gelu(x, approximate="tanh")),
    # Sums and the like.
    "sum": ([normal(2, 3, 4)], lambda x: x.sum((0, 2))),
    "sum, dimensions kept": ([normal(2, 3, 4)], lambda x: x.sum((1,), keepdim=True)),
    "mean": ([normal(2, 3, 4)], lambda x: x.mean()),
    "max": ([normal(2, 3, 4)], lambda x: x.amax((1, 2))),
    "min": ([normal(2, 3, 4)], lambda x: x.amin((0,))),
    # Products.
    "matmul": ([normal(2, 3, 4), normal(4, 5)], lambda a, b: a @ b),
    "matmul, first transposed": ([normal(2, 4, 3), normal(2, 4, 5)], lambda a, b: a.mT @ b),
    "matmul, second transposed": ([normal(1, 3, 4), normal(2, 5, 4)], lambda a, b: a @ b.mT),
    "matmul, both transposed": ([normal(4, 3), normal(2, 5, 4)], lambda a, b: a.mT @ b.mT),
    "linear": ([normal(6, 4), normal(4, 5), normal(5)], lambda x, w, b: x @ w + b),
    # Numbers that only move.
    "reshape": ([normal(2, 6)], lambda x: x.reshape(3, 4)),
    "permute": ([normal(2, 3, 4)], lambda x: x.permute(2, 0, 1)),
    "broadcastTo": ([normal(3, 1)], lambda x: x.expand(2, 3, 4)),
    "slice": ([normal(4, 5)], lambda x: x[1:3, 2:]),
    "pad": ([normal(2, 3)], lambda x: F.pad(x, (2, 0, 1, 3))),
    "concatenate": ([normal(2, 3), normal(2, 1)], lambda a, b: torch.cat([a, b], 1)),
    "gather": ([normal(5, 3)], lambda table: table[ids]),
    "scatterAdd": ([normal(2, 3, 3)], scattered),
    # Fused.
    "layerNorm": ([normal(5, 6), normal(6), normal(6)], lambda x, g, b: F.layer_norm(x, [6], g, b)),
    "rmsNorm": ([normal(5, 6), normal(6)], rms_norm),
    "attention": (qkv(3, 3), attention),
    "attention, of groups, with more keys than queries": (qkv(4, 2, t=3, s=6), attention),
    "attention, not causal": (qkv(2, 1), lambda q, k, v: attention(q, k, v, causal=False)),
    "attention, with room for keys": (qkv(2, 2, t=2, s=6), lambda q, k, v: attention(q, k, v, keys=4)),
    "crossEntropy": ([normal(4, 7)], losses),
    "linearCrossEntropy": ([normal(4, 5), normal(7, 5)], lambda x, w: losses(x @ w.T)),
    "globalNorm": ([normal(3, 2), normal(4)], lambda a, b: torch.cat([a.reshape(-1), b]).norm()),
    # The mask of the first hides every key from one query.
    "attention, with a mask": (qkv(4, 2), lambda q, k, v: masked_attention(q, k, v, seen)),
    "attention, causal, with a mask": (qkv(2, 2), lambda q, k, v: masked_attention(q, k, v, seen[:, :, :1], causal=True)),
    "attention, with numbers added to its scores": (
        [*qkv(3, 3), normal(3, 4, 4)],
        lambda q, k, v, bias: masked_attention(q, k, v, bias=bias),
    ),
    # Running sums and orders.
    "cumsum": ([normal(2, 5, 3)], lambda x: x.cumsum(1)),
    "cumsum, from the end": ([normal(4, 5)], lambda x: x.flip(1).cumsum(1).flip(1)),
    "sort": ([normal(3, 7)], lambda x: x.sort(dim=1, stable=True).values),
    "sort, the first axis, descending": (
        [normal(7, 3)],
        lambda x: x.sort(dim=0, descending=True, stable=True).values,
    ),
    "topK": ([normal(3, 7)], lambda x: x.topk(3, dim=1).values),
    "reorder": ([normal(2, 4)], lambda x: x.gather(1, orders)),
}


def written(name, inputs, compute):
    leaves = [x.clone().requires_grad_() for x in inputs]
    output = compute(*leaves)
    cotangent = normal(*output.shape)
    (output * cotangent).sum().backward()
    gradients = [torch.zeros_like(x) if x.grad is None else x.grad for x in leaves]
    return {
        "name": name,
        "inputs": [plain(x) for x in inputs],
        "output": plain(output),
        "cotangent": plain(cotangent),
        "gradients": [plain(x) for x in gradients],
    }


path = Path(__file__).parent / "gradients.json"
path.write_text(json.dumps([written(name, *case) for name, case in CASES.items()], separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
