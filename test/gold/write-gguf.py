"""Small GGUF files with the logits that plain numpy makes of the numbers they hold, blocks of every type that is read with their
numbers, and texts with their tokens by scores.

    python3 test/gold/write-gguf.py

Written from the format's description, independent of our code: numbers are quantized here, taken back from the very bytes that are
written, and a forward pass in double precision is made with them. Rotation is that of interleaved pairs for llama, as in llama.cpp, and of halves
for qwen2 and qwen3. Needs numpy alone.
"""

import json
import math
import pathlib
import struct

import numpy as np

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "gguf"
CODES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 8, "Q6_K": 14, "BF16": 30}
LENGTH = 12
GOLD = {}


# Numbers in blocks


def half(x):
    return np.asarray(x, dtype=np.float16)


def pack(kind, x):
    """The bytes of numbers."""
    x = np.asarray(x, dtype=np.float32)
    if kind == "F32":
        return x.tobytes()
    if kind == "F16":
        return x.astype(np.float16).tobytes()
    if kind == "BF16":
        return (x.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    out = b""
    for block in x.reshape(-1, 32):
        # Everything is rounded to single floats, as in C; halves are rounded away from 0.
        if kind == "Q8_0":
            d = np.abs(block).max() / np.float32(127)
            x = (block * (np.float32(1) / d if d else np.float32(0))).astype(np.float64)
            q = (np.sign(x) * np.floor(np.abs(x) + 0.5)).astype(np.int8)
            out += half(d).tobytes() + q.tobytes()
        if kind == "Q4_0":
            top = block[np.abs(block).argmax()]
            d = top / np.float32(-8)
            x = block * (np.float32(1) / d if d else np.float32(0))
            q = np.minimum(np.floor(x + np.float32(8.5)), 15).astype(np.uint8)
            out += half(d).tobytes() + (q[:16] | (q[16:] << 4)).tobytes()
    return out


def unpack(kind, raw):
    """The numbers of bytes, in double precision but rounded as single floats."""
    if kind in ("F32", "F16"):
        return np.frombuffer(raw, dtype=np.float32 if kind == "F32" else np.float16).astype(np.float64)
    if kind == "BF16":
        return (np.frombuffer(raw, dtype=np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    numbers = []
    size = {"Q8_0": 34, "Q4_0": 18, "Q4_1": 20, "Q4_K": 144, "Q6_K": 210}[kind]
    for at in range(0, len(raw), size):
        block = raw[at : at + size]
        scale = lambda i: float(np.frombuffer(block[i : i + 2], dtype=np.float16)[0])
        if kind == "Q8_0":
            numbers += [scale(0) * q for q in np.frombuffer(block[2:], dtype=np.int8).tolist()]
        elif kind == "Q4_0":
            numbers += [scale(0) * ((q & 15) - 8) for q in block[2:]] + [scale(0) * ((q >> 4) - 8) for q in block[2:]]
        elif kind == "Q4_1":
            numbers += [scale(0) * (q & 15) + scale(2) for q in block[4:]] + [scale(0) * (q >> 4) + scale(2) for q in block[4:]]
        elif kind == "Q4_K":
            packed, low = block[4:16], block[16:]
            for group in range(8):
                if group < 4:
                    s, m = packed[group] % 64, packed[group + 4] % 64
                else:
                    s = packed[group + 4] % 16 + packed[group - 4] // 64 * 16
                    m = packed[group + 4] // 16 + packed[group] // 64 * 16
                own = [q % 16 if group % 2 == 0 else q // 16 for q in low[group // 2 * 32 :][:32]]
                f32 = np.float32
                numbers += [float(f32(scale(0) * s) * f32(q) - f32(scale(2) * m)) for q in own]
        else:
            low, high, small = block[:128], block[128:192], struct.unpack("16b", block[192:208])
            own = [0.0] * 256
            for part in range(2):
                for i in range(32):
                    bits = high[32 * part + i]
                    nibbles = (low[64 * part + i] & 15, low[64 * part + 32 + i] & 15, low[64 * part + i] >> 4, low[64 * part + 32 + i] >> 4)
                    for row, nibble in enumerate(nibbles):
                        q = (nibble | ((bits >> (2 * row)) & 3) << 4) - 32
                        own[128 * part + 32 * row + i] = scale(208) * small[8 * part + 2 * row + i // 16] * q
            numbers += own
    return np.array(numbers, dtype=np.float32).astype(np.float64)


# The file


def text(s):
    raw = s.encode() if isinstance(s, str) else s
    return struct.pack("<Q", len(raw)) + raw


def value(v):
    if isinstance(v, bool):
        return struct.pack("<IB", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    kind, form = (8, None) if isinstance(v[0], str) else (6, "<f") if isinstance(v[0], float) else (5, "<i")
    items = b"".join(text(x) if form is None else struct.pack(form, x) for x in v)
    return struct.pack("<IIQ", 9, kind, len(v)) + items


def gguf(keys, tensors, version=3, alignment=32):
    """tensors: name -> (type, shape row-major, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, v in keys.items():
        head += text(key) + value(v)
    data = b""
    for name, (kind, shape, raw) in tensors.items():
        data += b"\0" * (-len(data) % alignment)
        head += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape))
        head += struct.pack("<IQ", CODES[kind], len(data))
        data += raw
    return head + b"\0" * (-len(head) % alignment) + data


# Forward passes, on weights [out, in]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(q, k, v):
    """q [T, H, D], k and v [T, G, D]."""
    T, H, D = q.shape
    k, v = (np.repeat(x, H // x.shape[1], axis=1) for x in (k, v))
    scores = np.einsum("thd,shd->hts", q, k) / math.sqrt(D)
    scores[:, ~np.tril(np.ones((T, T), dtype=bool))] = -np.inf
    return np.einsum("hts,shd->thd", softmax(scores), v).reshape(T, H * D)


def llama(w, tokens, s):
    H, G, D, theta, eps = s["H"], s["G"], s["D"], s["theta"], s["eps"]
    T = len(tokens)
    inverse = theta ** (-np.arange(0, D, 2) / D) / s["factor"] / w.get("rope_freqs.weight", np.ones(D // 2))
    scale = 1.0
    if s["yarn"]:
        factor, original = s["yarn"]
        plain = theta ** (-np.arange(0, D, 2) / D)
        pair = lambda turns: D * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))
        low, high = max(0, math.floor(pair(32))), min(D - 1, math.ceil(pair(1)))
        kept = 1 - np.clip((np.arange(D // 2) - low) / max(0.001, high - low), 0, 1)
        inverse, scale = plain / factor * (1 - kept) + plain * kept, 1 + 0.1 * math.log(factor)
    angles = np.arange(T)[:, None, None] * inverse
    cos, sin = np.cos(angles) * scale, np.sin(angles) * scale

    def turned(x):
        y = np.empty_like(x)
        a, b = (x[..., 0::2], x[..., 1::2]) if s["pairs"] else (x[..., : D // 2], x[..., D // 2 :])
        left, right = a * cos - b * sin, b * cos + a * sin
        if s["pairs"]:
            y[..., 0::2], y[..., 1::2] = left, right
        else:
            y[..., : D // 2], y[..., D // 2 :] = left, right
        return y

    norm = lambda x, gain: x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[gain]
    x = w["token_embd.weight"][tokens]
    for i in range(s["L"]):
        at = f"blk.{i}."
        linear = lambda y, part: y @ w[f"{at}{part}.weight"].T + w.get(f"{at}{part}.bias", 0)
        y = norm(x, at + "attn_norm.weight")
        q, k, v = (linear(y, f"attn_{part}").reshape(T, -1, D) for part in "qkv")
        if at + "attn_q_norm.weight" in w:
            q, k = norm(q, at + "attn_q_norm.weight"), norm(k, at + "attn_k_norm.weight")
        x = x + linear(attention(turned(q), turned(k), v), "attn_output")
        y = norm(x, at + "ffn_norm.weight")
        gate = linear(y, "ffn_gate")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, "ffn_up"), "ffn_down")
    return norm(x, "output_norm.weight") @ w.get("output.weight", w["token_embd.weight"]).T


def gpt2(w, tokens, s):
    T, H = len(tokens), s["H"]

    def norm(x, at):
        y = x - x.mean(-1, keepdims=True)
        return y / np.sqrt((y * y).mean(-1, keepdims=True) + s["eps"]) * w[at + ".weight"] + w[at + ".bias"]

    x = w["token_embd.weight"][tokens] + w["position_embd.weight"][:T]
    for i in range(s["L"]):
        at = f"blk.{i}."
        linear = lambda y, part: y @ w[f"{at}{part}.weight"].T + w[f"{at}{part}.bias"]
        q, k, v = np.split(linear(norm(x, at + "attn_norm"), "attn_qkv"), 3, axis=-1)
        x = x + linear(attention(*(y.reshape(T, H, -1) for y in (q, k, v))), "attn_output")
        y = linear(norm(x, at + "ffn_norm"), "ffn_up")
        y = 0.5 * y * (1 + np.tanh(math.sqrt(2 / math.pi) * (y + 0.044715 * y**3)))
        x = x + linear(y, "ffn_down")
    return norm(x, "output_norm") @ w.get("output.weight", w["token_embd.weight"]).T


# Tokens


def by_scores(tokens, scores, types, s, prefix=True):
    """Neighbors whose joint token has the best score are joined, the leftmost of equal ones first; what is left is spelled in bytes."""
    find = {t: i for i, t in enumerate(tokens)}
    normal = lambda t: t in find and types[find[t]] == 1
    parts = list((" " if prefix else "") .join(["", s]).replace(" ", "▁")) if s else []
    while True:
        joint = [(-scores[find[a + b]], i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if normal(a + b)]
        if not joint:
            break
        _, i = min(joint)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return [i for p in parts for i in ([find[p]] if normal(p) else [find[f"<0x{b:02X}>"] for b in p.encode()])]


def piece_vocabulary():
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    types = [2, 3, 3] + [6] * 256
    # Overlapping ways to join runs, and different tokens of one score.
    words = ["▁", "▁▁", "▁▁▁", "▁▁▁▁", "a", "b", "aa", "aaa", "ab", "ba", "aba", "bab", "abab", "▁a", "▁ab", "▁aba", "é", "éa", "日", "本", "日本", "▁日", "😀", "c"]
    scores = [0.0] * len(tokens) + [-float(x) for x in [9, 3, 5, 4, 20, 21, 2, 1, 6, 6, 7, 7, 8, 6, 10, 11, 22, 12, 23, 24, 13, 13, 25, 26]]
    tokens, types = tokens + words, types + [1] * len(words)
    return tokens + ["<user>"], scores + [0.0], types + [4]


TEXTS = ["", "a", " a", "aaaaaaa", "aa aaa aaaa", "    ", "     a", "ababababab", "babab abab", "日本 日本éa", "😀a😀", "x\ny", "aba ba ab  aba", "cc c"]


# What is written


def write(name, keys, shapes, kind, run, s, seed, version=3, alignment=32, extra=None, tokenizer=None):
    random = np.random.default_rng(seed)
    tensors, w = {}, {}
    for tensor, shape in shapes.items():
        around = 1 if tensor.endswith("norm.weight") else 0
        x = (around + 0.3 * random.standard_normal(shape)).astype(np.float32)
        own = kind if len(shape) == 2 and shape[-1] % 32 == 0 else "F32" if kind in ("Q8_0", "Q4_0") or len(shape) == 1 else kind
        tensors[tensor] = (own, shape, pack(own, x))
    for tensor, x in (extra or {}).items():
        tensors[tensor] = ("F32", x.shape, pack("F32", x))
    for tensor, (own, shape, raw) in tensors.items():
        w[tensor] = unpack(own, raw).reshape(shape)
    tokens = random.integers(0, s["V"], LENGTH)
    logits = run(w, tokens, s)
    if alignment != 32:
        keys = {**keys, "general.alignment": alignment}
    (FOLDER / f"{name}.gguf").write_bytes(gguf({**keys, **(tokenizer or {})}, tensors, version, alignment))
    numbers = [round(x, 7) for x in logits.reshape(-1).tolist()]
    GOLD[name] = {"tokens": tokens.tolist(), "logits": numbers}
    print(f"{name}: logits up to {np.abs(logits).max():.2f}")


def write_llama(name, seed, kind="F32", arch="llama", tied=True, biases="", qk_norm=False, C=16, H=4, G=2, D=4, M=24, V=37, freqs=None, rope=None, **how):
    s = {"H": H, "G": G, "D": D, "L": 2, "V": V, "theta": 5000.0, "eps": float(np.float32(1e-6)), "factor": 1, "pairs": arch == "llama"}
    keys = {"general.architecture": arch, "general.name": name, f"{arch}.context_length": 16, f"{arch}.embedding_length": C}
    keys.update({f"{arch}.block_count": 2, f"{arch}.feed_forward_length": M, f"{arch}.attention.head_count": H})
    keys.update({f"{arch}.attention.head_count_kv": G, f"{arch}.attention.key_length": D, f"{arch}.attention.value_length": D})
    keys.update({f"{arch}.attention.layer_norm_rms_epsilon": 1e-6, f"{arch}.rope.freq_base": 5000.0, f"{arch}.rope.dimension_count": D})
    keys.update({f"{arch}.rope.scaling.{key}": v for key, v in (rope or {}).items()})
    s["factor"] = (rope or {}).get("factor", 1)
    s["yarn"] = (rope["factor"], rope["original_context_length"]) if rope and rope["type"] == "yarn" else None
    shapes = {"token_embd.weight": (V, C), "output_norm.weight": (C,)}
    if not tied:
        shapes["output.weight"] = (V, C)
    maps = {"attn_q": (H * D, C), "attn_k": (G * D, C), "attn_v": (G * D, C), "attn_output": (C, H * D)}
    maps.update({"ffn_gate": (M, C), "ffn_up": (M, C), "ffn_down": (C, M)})
    for i in range(2):
        shapes.update({f"blk.{i}.attn_norm.weight": (C,), f"blk.{i}.ffn_norm.weight": (C,)})
        for part, shape in maps.items():
            shapes[f"blk.{i}.{part}.weight"] = shape
            if part in biases.split():
                shapes[f"blk.{i}.{part}.bias"] = shape[:1]
        if qk_norm:
            shapes.update({f"blk.{i}.attn_q_norm.weight": (D,), f"blk.{i}.attn_k_norm.weight": (D,)})
    extra = {"rope_freqs.weight": np.array(freqs, dtype=np.float32)} if freqs else None
    write(name, keys, shapes, kind, llama, s, seed, extra=extra, **how)


def write_gpt2(name, seed, kind="F32", tied=True, C=16, H=2, V=37, **how):
    s = {"H": H, "L": 2, "V": V, "eps": float(np.float32(1e-5))}
    keys = {"general.architecture": "gpt2", "gpt2.context_length": 16, "gpt2.embedding_length": C, "gpt2.feed_forward_length": 2 * C}
    keys.update({"gpt2.block_count": 2, "gpt2.attention.head_count": H, "gpt2.attention.layer_norm_epsilon": 1e-5})
    shapes = {"token_embd.weight": (V, C), "position_embd.weight": (16, C), "output_norm.weight": (C,), "output_norm.bias": (C,)}
    if not tied:
        shapes["output.weight"] = (V, C)
    for i in range(2):
        for norm in ("attn_norm", "ffn_norm"):
            shapes.update({f"blk.{i}.{norm}.weight": (C,), f"blk.{i}.{norm}.bias": (C,)})
        for part, shape in {"attn_qkv": (3 * C, C), "attn_output": (C, C), "ffn_up": (2 * C, C), "ffn_down": (C, 2 * C)}.items():
            shapes.update({f"blk.{i}.{part}.weight": shape, f"blk.{i}.{part}.bias": shape[:1]})
    write(name, keys, shapes, kind, gpt2, s, seed, **how)


FOLDER.mkdir(exist_ok=True)
pieces, scores, types = piece_vocabulary()
spm = {"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.scores": scores, "tokenizer.ggml.token_type": types}
spm.update({"tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.add_bos_token": True})
spm["tokenizer.chat_template"] = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}"
write_llama("llama", 1, tokenizer=spm, V=len(pieces))
write_llama("llama-untied-v2", 2, tied=False, biases="attn_q attn_k attn_v attn_output ffn_gate ffn_up ffn_down", version=2, alignment=64)
write_llama("llama-linear-f16", 3, kind="F16", rope={"type": "linear", "factor": 2.0}, D=8, H=2, G=1)
write_llama("llama-divisors-bf16", 4, kind="BF16", freqs=[1.0, 1.0, 2.5, 8.0], D=8, C=24, H=3, G=1)
write_llama("llama-yarn", 13, rope={"type": "yarn", "factor": 4.0, "original_context_length": 64, "yarn_attn_factor": 1.0}, D=8, H=2, G=1)
write_llama("llama-q8_0", 5, kind="Q8_0", C=32, D=8, M=64)
write_llama("llama-q4_0", 6, kind="Q4_0", C=32, D=8, M=64, tied=False)
write_llama("qwen2", 7, arch="qwen2", biases="attn_q attn_k attn_v")
write_llama("qwen3", 8, arch="qwen3", qk_norm=True, D=6, C=12)
write_gpt2("gpt2", 9)
write_gpt2("gpt2-untied-q4_0", 10, kind="Q4_0", tied=False, C=32)
write_gpt2("gpt2-q8_0", 11, kind="Q8_0", C=32)
texts = [{"text": t, "ids": [1] + by_scores(pieces, scores, types, t)} for t in TEXTS]

random = np.random.default_rng(12)
blocks = {}
for kind, (count, size) in {"F32": (32, 128), "F16": (32, 64), "BF16": (32, 64), "Q8_0": (32, 34), "Q4_0": (32, 18), "Q4_1": (32, 20), "Q4_K": (256, 144), "Q6_K": (256, 210)}.items():
    raw = bytearray(random.integers(0, 256, 2 * size, dtype=np.uint8).tobytes())
    if kind[0] == "Q":
        for i in range(2):
            for at in {"Q4_1": (0, 2), "Q4_K": (0, 2), "Q6_K": (208,)}.get(kind, (0,)):
                raw[i * size + at : i * size + at + 2] = half((-1) ** i * 0.01 * random.random()).tobytes()
    else:
        raw = bytearray(pack(kind, random.standard_normal(2 * count)))
    blocks[kind] = {"bytes": raw.hex(), "numbers": unpack(kind, bytes(raw)).tolist()}
packed = {"numbers": [float(x) for x in np.concatenate([np.zeros(32), random.standard_normal(192), 1e-3 * random.standard_normal(32)]).astype(np.float32)]}
packed["numbers"][32:40] = [0.5, -0.5, 65504.0, 2.0**-24, 2.0**-25, 3 * 2.0**-25, -(2.0**-15), 1.00048828125]
packed.update({kind: pack(kind, packed["numbers"]).hex() for kind in ("F32", "F16", "Q8_0", "Q4_0")})
(HERE / "gguf.json").write_text(json.dumps({"models": GOLD, "texts": texts, "blocks": blocks, "packed": packed}, ensure_ascii=False) + "\n")
