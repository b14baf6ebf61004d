"""What plain PyTorch makes of stories260K: 100 greedy tokens after BOS, and the logits after the first 50 of all.

    python3 test/gold/write-stories.py FOLDER

Independent of our code and of the other scripts; in double precision.
"""

import json
import math
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

raw = (pathlib.Path(sys.argv[1]) / "model.safetensors").read_bytes()
(length,) = struct.unpack("<Q", raw[:8])
w = {}
for name, entry in json.loads(raw[8 : 8 + length]).items():
    if name != "__metadata__":
        begin, end = (8 + length + at for at in entry["data_offsets"])
        w[name] = torch.frombuffer(bytearray(raw[begin:end]), dtype=torch.float32).view(entry["shape"]).double()
C, D, H, G, LAYERS = 64, 8, 8, 4, 5


def forward(ids):
    T = len(ids)
    inverse = 10000.0 ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    angles = (torch.arange(T, dtype=torch.float64)[:, None] * torch.cat([inverse, inverse]))[:, None]
    turned = lambda x: x * angles.cos() + torch.cat([-x[..., D // 2 :], x[..., : D // 2]], -1) * angles.sin()
    norm = lambda x, gain: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * w[gain]
    x = w["model.embed_tokens.weight"][ids]
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        y = norm(x, at + "input_layernorm.weight")
        q, k, v = ((y @ w[f"{at}self_attn.{part}_proj.weight"].T).view(T, -1, D) for part in "qkv")
        q, k = turned(q), turned(k).repeat_interleave(H // G, 1)
        scores = torch.einsum("thd,shd->hts", q, k) / math.sqrt(D)
        shares = scores.masked_fill(~torch.ones(T, T).tril().bool(), -math.inf).softmax(-1)
        mixed = torch.einsum("hts,shd->thd", shares, v.repeat_interleave(H // G, 1)).reshape(T, C)
        x = x + mixed @ w[at + "self_attn.o_proj.weight"].T
        y = norm(x, at + "post_attention_layernorm.weight")
        gate, up = (y @ w[f"{at}mlp.{part}_proj.weight"].T for part in ("gate", "up"))
        x = x + (F.silu(gate) * up) @ w[at + "mlp.down_proj.weight"].T
    return norm(x, "model.norm.weight") @ w["model.embed_tokens.weight"].T


ids = [1]
for _ in range(100):
    ids.append(int(forward(ids)[-1].argmax()))
logits = [round(x, 7) for x in forward(ids[:50])[-1].tolist()]
(pathlib.Path(__file__).parent / "stories260k.json").write_text(json.dumps({"ids": ids, "logits": logits}) + "\n")
