"""Small folders in the form of Hugging Face with the logits that plain PyTorch makes of them.

    python3 test/gold/write-pretrained.py

Written from the papers and the documented meaning of the keys, independent of our code: linear maps are [out, in] as PyTorch has
them (GPT-2's are [in, out]), rotation is that of halves, every mask is made key by key. Needs PyTorch alone.
"""

import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).parent / "pretrained"
VOCABULARY, LENGTH = 19, 12
TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def safetensors(tensors):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        raw = tensor.contiguous()
        raw = raw.view(torch.int16) if raw.dtype == torch.bfloat16 else raw
        raw = raw.numpy().tobytes()
        header[name] = {"dtype": TYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write(name, config, weights, tokens, logits, shards=1):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    if shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors(weights))
    else:
        names, places = list(weights), {}
        for i in range(shards):
            file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
            part = {key: weights[key] for key in names[i::shards]}
            (folder / file).write_bytes(safetensors(part))
            places.update({key: file for key in part})
        index = {"metadata": {"total_size": sum(w.numel() * w.element_size() for w in weights.values())}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index) + "\n")
    numbers = [round(x, 7) for x in logits.reshape(-1).tolist()]
    (folder / "gold.json").write_text(json.dumps({"tokens": tokens.tolist(), "logits": numbers}) + "\n")
    print(f"{name}: logits up to {logits.abs().max():.2f}")


class Draw:
    def __init__(self, seed, dtype=torch.float32):
        self.generator, self.dtype = torch.Generator().manual_seed(seed), dtype

    def __call__(self, *shape, around=0.0, deviation=0.35):
        return (around + deviation * torch.randn(shape, generator=self.generator)).to(self.dtype)

    def tokens(self):
        return torch.randint(0, VOCABULARY, [LENGTH], generator=self.generator)


# GPT-2


def gpt2(name, seed, prefix="transformer.", form="gelu_new", tied=True, by_depth=False, inner=None, shards=1):
    draw = Draw(seed)
    C, H, L, P = 12, 3, 2, 16
    M = inner or 4 * C
    w = {"wte.weight": draw(VOCABULARY, C), "wpe.weight": draw(P, C)}
    for i in range(L):
        at = f"h.{i}."
        for norm in ("ln_1", "ln_2"):
            w[f"{at}{norm}.weight"], w[f"{at}{norm}.bias"] = draw(C, around=1), draw(C)
        for part, fan_in, fan_out in (("attn.c_attn", C, 3 * C), ("attn.c_proj", C, C), ("mlp.c_fc", C, M), ("mlp.c_proj", M, C)):
            w[f"{at}{part}.weight"], w[f"{at}{part}.bias"] = draw(fan_in, fan_out), draw(fan_out)
        w[f"{at}attn.bias"] = torch.ones(1, 1, P, P).tril()
    w["ln_f.weight"], w["ln_f.bias"] = draw(C, around=1), draw(C)
    head = w["wte.weight"] if tied else draw(VOCABULARY, C)
    tokens = draw.tokens()
    x = w["wte.weight"][tokens] + w["wpe.weight"][:LENGTH]
    seen = torch.ones(LENGTH, LENGTH).tril().bool()
    for i in range(L):
        at = f"h.{i}."
        y = F.layer_norm(x, [C], w[at + "ln_1.weight"], w[at + "ln_1.bias"], 1e-5)
        qkv = (y @ w[at + "attn.c_attn.weight"] + w[at + "attn.c_attn.bias"]).view(LENGTH, 3, H, C // H)
        q, k, v = (qkv[:, j].transpose(0, 1) for j in range(3))
        scores = q @ k.transpose(1, 2) / math.sqrt(C // H) / (i + 1 if by_depth else 1)
        mixed = (scores.masked_fill(~seen, -math.inf).softmax(-1) @ v).transpose(0, 1).reshape(LENGTH, C)
        x = x + mixed @ w[at + "attn.c_proj.weight"] + w[at + "attn.c_proj.bias"]
        y = F.layer_norm(x, [C], w[at + "ln_2.weight"], w[at + "ln_2.bias"], 1e-5)
        hidden = F.gelu(y @ w[at + "mlp.c_fc.weight"] + w[at + "mlp.c_fc.bias"], approximate="tanh" if form == "gelu_new" else "none")
        x = x + hidden @ w[at + "mlp.c_proj.weight"] + w[at + "mlp.c_proj.bias"]
    logits = F.layer_norm(x, [C], w["ln_f.weight"], w["ln_f.bias"], 1e-5) @ head.T
    config = {"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "vocab_size": VOCABULARY, "n_embd": C, "n_head": H, "n_layer": L}
    config.update({"n_positions": P, "n_ctx": P, "n_inner": inner, "activation_function": form, "resid_pdrop": 0.1, "summary_type": "cls_index"})
    if not tied:
        config["tie_word_embeddings"] = False
    if by_depth:
        config["scale_attn_by_inverse_layer_idx"] = True
    named = {prefix + key: value for key, value in w.items()}
    if not tied:
        named["lm_head.weight"] = head
    write(name, config, named, tokens, logits, shards)


# The Llama family


def inverse_frequencies(D, theta, rope, context):
    """Inverse frequencies and the factor of cosines and sines."""
    inverse = theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind in ("default", "dynamic"):
        return inverse, 1.0
    if kind == "linear":
        return inverse / rope["factor"], 1.0
    original = rope["original_max_position_embeddings"]
    if kind == "llama3":
        out = []
        for f in inverse.tolist():
            length = 2 * math.pi / f
            if length > original / rope["low_freq_factor"]:
                out.append(f / rope["factor"])
            elif length < original / rope["high_freq_factor"]:
                out.append(f)
            else:
                smooth = (original / length - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])
                out.append((1 - smooth) * f / rope["factor"] + smooth * f)
        return torch.tensor(out, dtype=torch.float64), 1.0
    if kind == "yarn":
        where = lambda turns: D * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))
        low, high = max(math.floor(where(rope.get("beta_fast", 32))), 0), min(math.ceil(where(rope.get("beta_slow", 1))), D - 1)
        ramp = ((torch.arange(D // 2, dtype=torch.float64) - low) / max(high - low, 0.001)).clamp(0, 1)
        return inverse / rope["factor"] * ramp + inverse * (1 - ramp), 0.1 * math.log(rope["factor"]) + 1
    assert kind == "longrope"
    factor = context / original
    return inverse / torch.tensor(rope["short_factor"], dtype=torch.float64), math.sqrt(1 + math.log(factor) / math.log(original))


def llama(name, seed, kind, D=4, heads=4, groups=2, C=16, L=3, theta=10000.0, rope=None, style=4, tied=False, eps=1e-6, dtype=torch.float32,
          shards=1, biases=(), window=None, windowed=(), unrotated=(), extra=None, qk_norm=False, prefix="model.", context=32):
    draw = Draw(seed, dtype)
    M = 24
    w = {"embed_tokens.weight": draw(VOCABULARY, C)}
    for i in range(L):
        at = f"layers.{i}."
        w[at + "input_layernorm.weight"] = draw(C, around=1)
        sizes = {"q": (heads * D, C), "k": (groups * D, C), "v": (groups * D, C), "o": (C, heads * D)}
        for part, size in sizes.items():
            w[f"{at}self_attn.{part}_proj.weight"] = draw(*size)
            if part in biases:
                w[f"{at}self_attn.{part}_proj.bias"] = draw(size[0])
        if qk_norm:
            w[at + "self_attn.q_norm.weight"], w[at + "self_attn.k_norm.weight"] = draw(D, around=1), draw(D, around=1)
        w[at + "post_attention_layernorm.weight"] = draw(C, around=1)
        for part, size in {"gate": (M, C), "up": (M, C), "down": (C, M)}.items():
            w[f"{at}mlp.{part}_proj.weight"] = draw(*size)
            if "mlp" in biases:
                w[f"{at}mlp.{part}_proj.bias"] = draw(size[0])
    w["norm.weight"] = draw(C, around=1)
    head = w["embed_tokens.weight"] if tied else draw(VOCABULARY, C)
    tokens = draw.tokens()
    f = {key: value.double() for key, value in w.items()}
    map_by = lambda x, at: x @ f[at + ".weight"].T + f.get(at + ".bias", 0)
    norm = lambda x, gain: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * f[gain]
    inverse, factor = inverse_frequencies(D, theta, rope or {}, context)
    angles = torch.arange(LENGTH, dtype=torch.float64)[:, None] * torch.cat([inverse, inverse])[None]
    cosines, sines = angles.cos() * factor, angles.sin() * factor

    def turned(x):  # [LENGTH, n, D]
        halves = torch.cat([-x[..., D // 2 :], x[..., : D // 2]], -1)
        return x * cosines[:, None] + halves * sines[:, None]

    x = f["embed_tokens.weight"][tokens]
    for i in range(L):
        at = f"layers.{i}."
        y = norm(x, at + "input_layernorm.weight")
        q = map_by(y, at + "self_attn.q_proj").view(LENGTH, heads, D)
        k = map_by(y, at + "self_attn.k_proj").view(LENGTH, groups, D)
        v = map_by(y, at + "self_attn.v_proj").view(LENGTH, groups, D)
        if qk_norm:
            q, k = norm(q, at + "self_attn.q_norm.weight"), norm(k, at + "self_attn.k_norm.weight")
        if i not in unrotated:
            q, k = turned(q), turned(k)
        k, v = k.repeat_interleave(heads // groups, 1), v.repeat_interleave(heads // groups, 1)
        scores = torch.einsum("thd,shd->hts", q, k) / math.sqrt(D)
        for t in range(LENGTH):
            for s in range(LENGTH):
                if s > t or (i in windowed and s <= t - window):
                    scores[:, t, s] = -math.inf
        mixed = torch.einsum("hts,shd->thd", scores.softmax(-1), v).reshape(LENGTH, heads * D)
        x = x + map_by(mixed, at + "self_attn.o_proj")
        y = norm(x, at + "post_attention_layernorm.weight")
        x = x + map_by(F.silu(map_by(y, at + "mlp.gate_proj")) * map_by(y, at + "mlp.up_proj"), at + "mlp.down_proj")
    logits = norm(x, "norm.weight") @ head.double().T
    config = {"model_type": kind, "vocab_size": VOCABULARY, "hidden_size": C, "intermediate_size": M, "num_hidden_layers": L}
    config.update({"num_attention_heads": heads, "num_key_value_heads": groups, "hidden_act": "silu", "max_position_embeddings": context})
    config.update({"rms_norm_eps": eps, "tie_word_embeddings": tied, "use_cache": True, "attention_dropout": 0.0})
    if style == 4:
        config.update({"rope_theta": theta, "rope_scaling": rope, "torch_dtype": str(dtype)[6:]})
    else:
        config.update({"rope_parameters": {"rope_type": "default", "rope_theta": theta, **(rope or {})}, "dtype": str(dtype)[6:]})
    config.update(extra or {})
    named = {prefix + key: value for key, value in w.items()}
    if not tied:
        named["lm_head.weight"] = head
    write(name, config, named, tokens, logits, shards)


llama3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64, "beta_fast": 4.0}
longrope = {"rope_type": "longrope", "short_factor": [1.0, 1.3, 2.0], "long_factor": [2.0, 4.0, 8.0], "original_max_position_embeddings": 16}

gpt2("gpt2", 1)
gpt2("gpt2-bare-names", 2, prefix="", form="gelu", by_depth=True, inner=20)
gpt2("gpt2-untied-shards", 3, tied=False, shards=2)
llama("llama", 11, "llama", tied=True, eps=1e-5, biases=("q", "k", "v", "o", "mlp"), extra={"attention_bias": True, "mlp_bias": True, "pretraining_tp": 1})
llama("llama-llama3", 12, "llama", D=8, C=12, heads=2, groups=1, theta=500.0, rope=llama3, extra={"head_dim": 8, "eos_token_id": [1, 2]}, context=512)
llama("llama-linear", 13, "llama", rope={"type": "linear", "factor": 3.0})
llama("llama-dynamic", 14, "llama", rope={"type": "dynamic", "rope_type": "dynamic", "factor": 2.0})
llama("llama-yarn", 15, "llama", D=8, heads=2, groups=2, theta=100.0, rope=yarn, style=5, extra={"head_dim": 8}, context=256)
llama("llama-longrope", 16, "llama", D=6, heads=2, groups=1, rope=longrope, style=5, extra={"head_dim": 6}, context=64)
llama("mistral-window", 21, "mistral", D=6, window=4, windowed=(0, 1, 2), extra={"head_dim": 6, "sliding_window": 4})
llama("mistral-bf16-shards", 22, "mistral", dtype=torch.bfloat16, shards=3, extra={"sliding_window": None})
llama("qwen2-window", 31, "qwen2", biases=("q", "k", "v"), tied=True, window=3, windowed=(1, 2),
      extra={"use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1})
llama("qwen2-f16", 32, "qwen2", biases=("q", "k", "v"), dtype=torch.float16, theta=1e6,
      extra={"use_sliding_window": False, "sliding_window": 4, "max_window_layers": 0})
llama("qwen3", 41, "qwen3", D=6, C=16, qk_norm=True, tied=True, extra={"head_dim": 6, "attention_bias": False})
llama("qwen3-windows", 42, "qwen3", D=8, qk_norm=True, style=5, window=5, windowed=(1,), biases=("q", "k", "v", "o"), extra={
    "head_dim": 8, "attention_bias": True, "use_sliding_window": True, "sliding_window": 5,
    "layer_types": ["full_attention", "sliding_attention", "full_attention"]})
llama("smollm3", 51, "smollm3", L=4, theta=2e6, tied=True, unrotated=(3,))
llama("smollm3-list", 52, "smollm3", prefix="", style=5, unrotated=(0, 2), extra={"no_rope_layers": [0, 1, 0], "layer_types": ["full_attention"] * 3})
