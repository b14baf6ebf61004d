"""Writes the gold files of this folder with PyTorch in double precision.

    /usr/bin/python3 test/gold/write-gold.py        (Debian: apt-get install python3-torch)

The model is written here a second time, from the papers and not from the TypeScript, so that the two can disagree:
a pre-norm GPT with tied embeddings, learned or rotary positions, tanh GELU or SwiGLU, and causal attention scaled by
1/sqrt(D) whose keys and values may be shared by several heads.
Everything a test needs is in the files, initial weights included, so nothing depends on PyTorch's random numbers.
Inputs are multiples of 2^-10: single precision holds them exactly, and a float32 device starts from the same point.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

HERE = Path(__file__).parent
VOCABULARY, CONTEXT, EMBED, HEADS, LAYERS, MLP_HIDDEN, BATCH = 17, 8, 12, 3, 2, 20, 2
HEAD_DIM = EMBED // HEADS
STEPS = 10


def exact(tensor):
    """Rounds to multiples of 2^-10."""
    return torch.round(tensor * 1024) / 1024


def plain(tensor):
    """A tensor as JSON: repr of a double keeps every digit, whole numbers lose their dot."""
    flat = tensor.detach().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [int(x) if float(x).is_integer() else x for x in flat]}


def write(name, content):
    path = HERE / name
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{name}: {path.stat().st_size / 1000:.0f} kB")


@dataclass(frozen=True)
class Kind:
    norm: str
    positions: str = "learned"
    activation: str = "gelu"
    kv_heads: int = HEADS


# Every pair of choices occurs in one of them.
KINDS = {
    "layer": (20, Kind("layer")),
    "rms": (21, Kind("rms")),
    "rms-rotary-swiglu-grouped": (23, Kind("rms", "rotary", "swiglu", 1)),
    "layer-rotary": (24, Kind("layer", "rotary")),
    "layer-grouped": (25, Kind("layer", kv_heads=1)),
    "layer-swiglu": (26, Kind("layer", activation="swiglu")),
}


# The model. Shapes as in the TypeScript: a projection into heads is [embed, head, headDim], one out of them
# [head, headDim, embed], a matrix is [from, to].


def weight_shapes(kind):
    def norm_shapes(at):
        yield f"{at}.gain", [EMBED]
        if kind.norm == "layer":
            yield f"{at}.bias", [EMBED]

    yield "embed.token.weight", [VOCABULARY, EMBED]
    if kind.positions == "learned":
        yield "embed.position.weight", [CONTEXT, EMBED]
    for i in range(LAYERS):
        attention, mlp = f"blocks.b{i}.attention", f"blocks.b{i}.mlp"
        yield from norm_shapes(f"{attention}.norm")
        for name, heads in (("query", HEADS), ("key", kind.kv_heads), ("value", kind.kv_heads)):
            yield f"{attention}.{name}.weight", [EMBED, heads, HEAD_DIM]
            yield f"{attention}.{name}.bias", [heads, HEAD_DIM]
        yield f"{attention}.output.weight", [HEADS, HEAD_DIM, EMBED]
        yield f"{attention}.output.bias", [EMBED]
        yield from norm_shapes(f"{mlp}.norm")
        for name in ("gate", "up") if kind.activation == "swiglu" else ("up",):
            yield f"{mlp}.{name}.weight", [EMBED, MLP_HIDDEN]
            yield f"{mlp}.{name}.bias", [MLP_HIDDEN]
        yield f"{mlp}.down.weight", [MLP_HIDDEN, EMBED]
        yield f"{mlp}.down.bias", [EMBED]
    yield from norm_shapes("head.norm")


def initial_weights(kind, generator):
    """Far from a real start (biases and gains differ from 0 and 1, attention is uneven): every term must show."""
    weights = {}
    for path, shape in weight_shapes(kind):
        noise = torch.randn(shape, generator=generator)
        if path.endswith(".gain"):
            value = 1 + 0.2 * noise
        elif path.endswith(".weight"):
            value = 0.4 * noise
        else:
            value = 0.1 * noise
        weights[path] = exact(value).requires_grad_()
    return weights


def rms_norm(x, gain, epsilon=1e-5):
    return gain * x / torch.sqrt((x * x).mean(-1, keepdim=True) + epsilon)


def causal_attention(q, k, v, scale=None):
    """q [B, T, H, D], k and v [B, S, G, D] with H a multiple of G. The last query sees every key."""
    (_, t, h, d), (_, s, g, _) = q.shape, k.shape
    k, v = (x.repeat_interleave(h // g, dim=2) for x in (k, v))
    scores = torch.einsum("bthd,bshd->bhts", q, k) * (1 / math.sqrt(d) if scale is None else scale)
    hidden = torch.arange(s) > torch.arange(t)[:, None] + (s - t)
    return torch.einsum("bhts,bshd->bthd", scores.masked_fill(hidden, -math.inf).softmax(-1), v)


def frequencies():
    return [10000 ** (-2 * i / HEAD_DIM) for i in range(HEAD_DIM // 2)]


def turned(x):
    """Rotary positions as complex numbers: channels i and i + D/2 are one number, turned by its position."""
    angles = torch.arange(x.shape[1])[:, None, None] * torch.tensor(frequencies())
    pairs = torch.complex(*x.chunk(2, dim=-1)) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([pairs.real, pairs.imag], dim=-1)


def forward(w, kind, tokens):
    def normalise(at, x):
        if kind.norm == "layer":
            return F.layer_norm(x, [EMBED], w[f"{at}.gain"], w[f"{at}.bias"], eps=1e-5)
        return rms_norm(x, w[f"{at}.gain"])

    x = w["embed.token.weight"][tokens]
    if kind.positions == "learned":
        x = x + w["embed.position.weight"][: tokens.shape[1]]
    for i in range(LAYERS):
        at = f"blocks.b{i}.attention"
        normal = normalise(f"{at}.norm", x)
        q, k, v = (
            torch.einsum("btc,chd->bthd", normal, w[f"{at}.{name}.weight"]) + w[f"{at}.{name}.bias"]
            for name in ("query", "key", "value")
        )
        if kind.positions == "rotary":
            q, k = turned(q), turned(k)
        heads = causal_attention(q, k, v)
        x = x + torch.einsum("bthd,hdc->btc", heads, w[f"{at}.output.weight"]) + w[f"{at}.output.bias"]
        at = f"blocks.b{i}.mlp"
        normal = normalise(f"{at}.norm", x)
        hidden = normal @ w[f"{at}.up.weight"] + w[f"{at}.up.bias"]
        if kind.activation == "swiglu":
            hidden = F.silu(normal @ w[f"{at}.gate.weight"] + w[f"{at}.gate.bias"]) * hidden
        else:
            hidden = F.gelu(hidden, approximate="tanh")
        x = x + hidden @ w[f"{at}.down.weight"] + w[f"{at}.down.bias"]
    return normalise("head.norm", x) @ w["embed.token.weight"].T


def write_gpt(name, seed, kind):
    generator = torch.Generator().manual_seed(seed)
    weights = initial_weights(kind, generator)
    tokens = torch.randint(0, VOCABULARY, [BATCH, CONTEXT], generator=generator)
    targets = torch.randint(0, VOCABULARY, [BATCH, CONTEXT], generator=generator)

    def loss_and_logits():
        logits = forward(weights, kind, tokens).reshape(BATCH * CONTEXT, VOCABULARY)
        return F.cross_entropy(logits, targets.reshape(-1)), logits

    before = {path: plain(weight) for path, weight in weights.items()}
    decayed = [weight for path, weight in weights.items() if path.endswith(".weight")]
    others = [weight for path, weight in weights.items() if not path.endswith(".weight")]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.99), eps=1e-8)
    losses, norms, first = [], [], {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss, logits = loss_and_logits()
        loss.backward()
        if step == 0:
            gradients = {path: plain(weight.grad) for path, weight in weights.items()}
            first = {"loss": loss.item(), "logits": plain(logits), "gradients": gradients}
        losses.append(loss.item())
        norms.append(torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0).item())
        optimizer.step()
    print(f"{name}: losses {losses[0]:.4f} to {losses[-1]:.4f}, gradient norms {norms[0]:.4f} to {norms[-1]:.4f}")
    assert max(norms) > 1 and losses[-1] < losses[0], "clipping must bite and the model must learn"
    block = {"mlpHidden": MLP_HIDDEN, "heads": HEADS, "kvHeads": kind.kv_heads, "headDim": HEAD_DIM}
    if kind.positions == "rotary":
        block["frequencies"] = frequencies()
    config = {
        "vocabulary": VOCABULARY,
        "context": CONTEXT,
        "embed": EMBED,
        "norm": kind.norm,
        "positions": kind.positions,
        "activation": kind.activation,
        "blocks": [{"id": f"b{i}", **block} for i in range(LAYERS)],
        "nextBlock": LAYERS,
    }
    data = {"tokens": plain(tokens), "targets": plain(targets.reshape(-1))}
    write(f"gpt-{name}.json", {"config": config, **data, "weights": before, **first, "gradientNorms": norms, "losses": losses})


def write_curvature(name):
    """The Hessian of the loss of `gpt-{name}.json`, by all weights, times a direction."""
    seed, kind = KINDS[name]
    generator = torch.Generator().manual_seed(seed)
    weights = initial_weights(kind, generator)
    tokens = torch.randint(0, VOCABULARY, [BATCH, CONTEXT], generator=generator)
    targets = torch.randint(0, VOCABULARY, [BATCH, CONTEXT], generator=generator)
    logits = forward(weights, kind, tokens).reshape(BATCH * CONTEXT, VOCABULARY)
    loss = F.cross_entropy(logits, targets.reshape(-1))
    gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    direction = [exact(torch.randn(weight.shape, generator=generator)) for weight in weights.values()]
    along = sum((gradient * step).sum() for gradient, step in zip(gradients, direction))
    products = torch.autograd.grad(along, list(weights.values()))
    write(
        f"curvature-{name}.json",
        {
            "direction": dict(zip(weights, map(plain, direction))),
            "product": dict(zip(weights, map(plain, products))),
        },
    )


# Single ops: inputs, the output, a cotangent, and the gradient of sum(output * cotangent) by every input.


def op_case(name, op, inputs, constants, compute, generator):
    leaves = {key: value.clone().requires_grad_() for key, value in inputs.items()}
    output = compute(**leaves)
    cotangent = exact(torch.randn(output.shape, generator=generator))
    (output * cotangent).sum().backward()
    return {
        "name": name,
        "op": op,
        "inputs": {key: plain(value) for key, value in inputs.items()},
        "constants": constants,
        "output": plain(output),
        "cotangent": plain(cotangent),
        "gradients": {key: plain(value.grad) for key, value in leaves.items()},
    }


def write_ops():
    generator = torch.Generator().manual_seed(22)

    def random(*shape, scale=1.0, shift=0.0):
        return exact(torch.randn(shape, generator=generator) * scale + shift)

    # From deep in the tail through zero to the other tail.
    line = exact(torch.cat([torch.linspace(-9, 9, 37), torch.tensor([-0.0009765625, 0.0009765625])]))
    gain, bias = random(6, scale=0.3, shift=1.0), random(6, scale=0.3)
    # One row lies far from zero, one is almost constant: variance must not cancel away, and epsilon must count.
    rows = torch.stack([random(6), random(6, scale=30, shift=200), random(6, scale=0.01, shift=0.25), random(6)])
    logits = torch.cat([random(3, 7, scale=2), random(1, 7, scale=2, shift=80.0), random(1, 7, scale=30)])
    targets = torch.tensor([3, -100, 0, 6, 2])
    q, k, v = random(2, 5, 4, 3), random(2, 5, 4, 3), random(2, 5, 4, 3)
    grouped = {"q": random(1, 3, 4, 2), "k": random(1, 6, 2, 2), "v": random(1, 6, 2, 2)}

    def losses(logits):
        return F.cross_entropy(logits, targets, ignore_index=-100, reduction="none")

    def everything_seen(q, k, v):
        return torch.einsum("bhts,bshd->bthd", (torch.einsum("bthd,bshd->bhts", q, k) * 0.3).softmax(-1), v)

    cases = [
        ("gelu in the tanh form", "gelu", {"x": line}, {}, lambda x: F.gelu(x, approximate="tanh")),
        ("the error function", "erf", {"x": line}, {}, torch.erf),
        (
            "layer normalisation",
            "layerNorm",
            {"x": rows, "gain": gain, "bias": bias},
            {"epsilon": 1e-5},
            lambda x, gain, bias: F.layer_norm(x, [6], gain, bias, eps=1e-5),
        ),
        ("RMS normalisation", "rmsNorm", {"x": rows, "gain": gain}, {"epsilon": 1e-5}, rms_norm),
        (
            "cross-entropy of a softmax, one target not counted",
            "crossEntropy",
            {"logits": logits},
            {"targets": plain(targets)},
            losses,
        ),
        ("causal attention", "attention", {"q": q, "k": k, "v": v}, {"causal": True}, causal_attention),
        (
            "causal attention with fewer key heads and more keys than queries",
            "attention",
            grouped,
            {"causal": True},
            causal_attention,
        ),
        (
            "attention to everything with a scale of its own",
            "attention",
            {"q": q, "k": k, "v": v},
            {"causal": False, "scale": 0.3},
            everything_seen,
        ),
    ]
    write("ops.json", [op_case(*case, generator) for case in cases])


for name, (seed, kind) in KINDS.items():
    write_gpt(name, seed, kind)
for name in ("layer", "rms-rotary-swiglu-grouped"):
    write_curvature(name)
write_ops()
