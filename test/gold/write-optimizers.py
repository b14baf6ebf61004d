"""Writes optimizers.json with the optimisers of PyTorch in double precision.

    /usr/bin/python3 test/gold/write-optimizers.py        (Debian: apt-get install python3-torch)

Parameters of four shapes take twenty steps on the loss sum(a/2 * (w - t)^2) + sum(n_step * w): a bowl and a noise that is drawn
once. Start, bowl and noise are multiples of 2^-10, which single precision holds exactly. Only what is equal by definition is
compared: PyTorch's weight decay of SGD is added to the gradient, and its Adam without decay is AdamW without decay.
"""

import json
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

STEPS = 20
SHAPES = {"scalar": [], "bias": [5], "weight": [4, 3], "cube": [2, 3, 2]}
generator = torch.Generator().manual_seed(31)


def random(shape, scale=1.0, shift=0.0):
    """Gaussian multiples of 2^-10."""
    return torch.round((torch.randn(shape, generator=generator) * scale + shift) * 1024) / 1024


def plain(tensor):
    flat = tensor.detach().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [int(x) if float(x).is_integer() else x for x in flat]}


def by_path(tensors):
    return {path: plain(tensor) for path, tensor in tensors.items()}


start = {path: random(shape) for path, shape in SHAPES.items()}
# From flat to steep, so that clipping, momentum and second moments have something to do.
steepness = {path: random(shape, 0.5, 2.0).abs() for path, shape in SHAPES.items()}
target = {path: random(shape) for path, shape in SHAPES.items()}
noise = [{path: random(shape, 0.5) for path, shape in SHAPES.items()} for _ in range(STEPS)]


def run(make, clip=None):
    """The weights after 1, 2 and all steps."""
    weights = {path: tensor.clone().requires_grad_() for path, tensor in start.items()}
    optimizer = make(list(weights.values()))
    after = {}
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = sum(
            (steepness[path] / 2 * (w - target[path]) ** 2 + noise[step][path] * w).sum() for path, w in weights.items()
        )
        loss.backward()
        if clip is not None:
            clip(list(weights.values()))
        optimizer.step()
        if step + 1 in (1, 2, STEPS):
            after[step + 1] = by_path(weights)
    return after


def sgd(**options):
    return lambda parameters: torch.optim.SGD(parameters, lr=0.05, **options)


def by_norm(parameters):
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)


def by_value(parameters):
    torch.nn.utils.clip_grad_value_(parameters, 0.5)


runs = {
    "sgd": run(sgd()),
    "sgd, decay": run(sgd(weight_decay=0.1)),
    "momentum": run(sgd(momentum=0.9)),
    "momentum, decay": run(sgd(momentum=0.9, weight_decay=0.1)),
    "nesterov": run(sgd(momentum=0.9, nesterov=True)),
    "nesterov, decay": run(sgd(momentum=0.9, nesterov=True, weight_decay=0.1)),
    "adam": run(lambda p: torch.optim.Adam(p, lr=0.05)),
    "adam, decay": run(lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.95), weight_decay=0.1)),
    "adamw": run(lambda p: torch.optim.AdamW(p, lr=0.05)),
    "adamw, own options": run(
        lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.5)
    ),
    "sgd, clipped by norm": run(sgd(), by_norm),
    "adamw, clipped by norm": run(lambda p: torch.optim.AdamW(p, lr=0.05), by_norm),
    "sgd, clipped by value": run(sgd(), by_value),
    "momentum, clipped by value": run(sgd(momentum=0.9), by_value),
}

content = {
    "start": by_path(start),
    "steepness": by_path(steepness),
    "target": by_path(target),
    "noise": [by_path(step) for step in noise],
    "runs": runs,
}
path = Path(__file__).parent / "optimizers.json"
path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
