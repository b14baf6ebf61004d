"""Writes random.json: random tensors and dropout, by the cipher written a second time here and by PyTorch in double precision.

    /usr/bin/python3 test/gold/write-random.py        (Debian: apt-get install python3-torch)

Threefry-2x32 with 20 rounds (Salmon et al. 2011) in JAX's partitionable layout; uniform numbers are 24 bits; normal numbers are those of Box
and Muller (1958). The first numbers of each kind are kept, so that a change of any of them is noticed.
"""

import json
import math
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)

WORD = 0xFFFFFFFF
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def threefry(key, high, low):
    schedule = (key[0], key[1], key[0] ^ key[1] ^ 0x1BD11BDA)
    x, y = (high + schedule[0]) & WORD, (low + schedule[1]) & WORD
    for group in range(5):
        for distance in ROTATIONS[group % 2]:
            x = (x + y) & WORD
            y = x ^ ((y << distance | y >> (32 - distance)) & WORD)
        x = (x + schedule[(group + 1) % 3]) & WORD
        y = (y + schedule[(group + 2) % 3] + group + 1) & WORD
    return x, y


def uniform(key, count):
    words = (threefry(key, 0, i) for i in range(count))
    return [((x ^ y) >> 8) / 2**24 for x, y in words]


def normal(key, count):
    """Small uniform numbers have 24 bits more, for the logarithm's sake."""
    coarse, fine, turn = (uniform(threefry(key, 0, i), count) for i in range(3))
    lengths = (u + (more + 2**-25) * 2**-24 if u < 2**-10 else u for u, more in zip(coarse, fine))
    return [math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * (v - 0.5)) for u, v in zip(lengths, turn)]


def dropout(key, rate, shape):
    x = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).reshape(shape).requires_grad_()
    kept = torch.tensor(uniform(key, x.numel())).reshape(shape) >= math.ceil(rate * 2**24) / 2**24
    output = x * kept / (1 - rate)
    (output**2).sum().backward()
    return {"key": key, "rate": rate, "shape": shape, "output": output.detach().reshape(-1).tolist(), "gradient": x.grad.reshape(-1).tolist()}


KEYS = ((0, 0), (0, 42), (0xFFFFFFFF, 0x80000001))
content = {
    "normal": [{"key": key, "numbers": normal(key, 200)} for key in KEYS],
    "dropout": [dropout(key, rate, (4, 25)) for key, rate in zip(KEYS, (0.1, 1 / 3, 0.75))],
}
path = Path(__file__).parent / "random.json"
path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
