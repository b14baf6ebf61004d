"""Adapters in the form of peft beside the small folders of write-pretrained.py, and the logits that plain PyTorch makes of both.

    python3 test/gold/write-adapters.py

Written from Hu et al. 2022 and the documented meaning of peft's keys, independent of our code: a linear map is y = W x + b, an adapter adds
scale * B (A x) to it, with A [r, in] and B [out, r] also where W itself lies as [in, out] (GPT-2). Needs PyTorch alone.
"""

import json
import math
import pathlib
import struct

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
READ = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
WRITTEN = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}


def read_folder(name):
    folder = HERE / "pretrained" / name
    tensors = {}
    for file in sorted(folder.glob("*.safetensors")):
        raw = file.read_bytes()
        (length,) = struct.unpack("<Q", raw[:8])
        header = json.loads(raw[8 : 8 + length])
        header.pop("__metadata__", None)
        for key, entry in header.items():
            begin, end = (8 + length + at for at in entry["data_offsets"])
            data = torch.frombuffer(bytearray(raw[begin:end]), dtype=READ[entry["dtype"]])
            tensors[key] = data.reshape(entry["shape"]).double()
    bare = {key.removeprefix("transformer.").removeprefix("model."): value for key, value in tensors.items()}
    return json.loads((folder / "config.json").read_text()), bare, json.loads((folder / "gold.json").read_text())["tokens"]


def write(name, base, config, tensors, tokens, logits):
    folder = HERE / "adapters" / name
    folder.mkdir(parents=True, exist_ok=True)
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for key, tensor in tensors.items():
        raw = tensor.contiguous()
        raw = (raw.view(torch.int16) if raw.dtype == torch.bfloat16 else raw).numpy().tobytes()
        header[key] = {"dtype": WRITTEN[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    numbers = [float(f"{x:.9g}") for x in logits.reshape(-1).tolist()]
    (folder / "gold.json").write_text(json.dumps({"base": base, "tokens": tokens, "logits": numbers}) + "\n")
    print(f"{name}: logits up to {logits.abs().max():.2f}")


class Adapter:
    """A, B and scale by module; the modules are those that are asked for while the model runs."""

    def __init__(self, seed, targets, r, alpha, rslora=False, ranks=None, alphas=None, layers=None, dtype=torch.float32):
        self.generator = torch.Generator().manual_seed(seed)
        self.targets, self.r, self.alpha, self.rslora = targets, r, alpha, rslora
        self.ranks, self.alphas, self.layers, self.dtype = ranks or {}, alphas or {}, layers, dtype
        self.tensors = {}

    def __call__(self, path, x, width):
        """What is added to the output of the map at `path` (without prefix), of so many numbers."""
        layer = int(path.split(".")[1])
        if not any(path.endswith("." + target) for target in self.targets) or (self.layers is not None and layer not in self.layers):
            return 0
        of = lambda table, usual: next((value for key, value in table.items() if path == key or path.endswith("." + key)), usual)
        r, alpha = of(self.ranks, self.r), of(self.alphas, self.alpha)
        if path not in self.tensors:
            draw = lambda *shape: (0.4 * torch.randn(shape, generator=self.generator)).to(self.dtype)
            self.tensors[path] = draw(r, x.shape[-1]), draw(width, r)
        A, B = (tensor.double() for tensor in self.tensors[path])
        return (alpha / (math.sqrt(r) if self.rslora else r)) * (x @ A.T @ B.T)

    def named(self, prefix, letters=(".lora_A.weight", ".lora_B.weight")):
        return {prefix + path + letter: t for path, pair in self.tensors.items() for letter, t in zip(letters, pair)}


def config_of(adapter, **more):
    return {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "made/up", "r": adapter.r, "lora_alpha": adapter.alpha,
            "lora_dropout": 0.05, "bias": "none", "target_modules": adapter.targets, "fan_in_fan_out": False, "use_rslora": adapter.rslora,
            "rank_pattern": adapter.ranks, "alpha_pattern": adapter.alphas, "inference_mode": True, "modules_to_save": None, "use_dora": False,
            "layers_to_transform": adapter.layers, "loftq_config": {}, "init_lora_weights": True, "peft_version": "0.18.0", **more}


def gpt2(config, w, tokens, adapter):
    C, H = config["n_embd"], config["n_head"]
    T = len(tokens)
    x = w["wte.weight"][tokens] + w["wpe.weight"][:T]
    conv = lambda y, path: y @ w[path + ".weight"] + w[path + ".bias"] + adapter(path, y, w[path + ".weight"].shape[1])
    norm = lambda y, path: F.layer_norm(y, [C], w[path + ".weight"], w[path + ".bias"], 1e-5)
    form = "tanh" if config["activation_function"] == "gelu_new" else "none"
    hidden = torch.ones(T, T).triu(1).bool()
    for i in range(config["n_layer"]):
        at = f"h.{i}."
        q, k, v = (y.view(T, H, C // H).transpose(0, 1) for y in conv(norm(x, at + "ln_1"), at + "attn.c_attn").split(C, -1))
        scores = q @ k.transpose(1, 2) / math.sqrt(C // H) / (i + 1 if config.get("scale_attn_by_inverse_layer_idx") else 1)
        mixed = scores.masked_fill(hidden, -math.inf).softmax(-1) @ v
        x = x + conv(mixed.transpose(0, 1).reshape(T, C), at + "attn.c_proj")
        x = x + conv(F.gelu(conv(norm(x, at + "ln_2"), at + "mlp.c_fc"), approximate=form), at + "mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T


def llama(config, w, tokens, adapter):
    C, H, G = config["hidden_size"], config["num_attention_heads"], config["num_key_value_heads"]
    D, T, eps = config.get("head_dim") or C // H, len(tokens), config["rms_norm_eps"]
    linear = lambda y, path: y @ w[path + ".weight"].T + w.get(path + ".bias", 0) + adapter(path, y, w[path + ".weight"].shape[0])
    norm = lambda y, path: w[path + ".weight"] * y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + eps)
    inverse = config["rope_theta"] ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    angles = torch.arange(T, dtype=torch.float64)[:, None, None] * torch.cat([inverse, inverse])
    rotated = lambda y: y * angles.cos() + torch.cat([-y[..., D // 2 :], y[..., : D // 2]], -1) * angles.sin()
    hidden = torch.ones(T, T).triu(1).bool()
    x = w["embed_tokens.weight"][tokens]
    for i in range(config["num_hidden_layers"]):
        at = f"layers.{i}."
        y = norm(x, at + "input_layernorm")
        q, k, v = (linear(y, f"{at}self_attn.{part}_proj").view(T, -1, D) for part in "qkv")
        k, v = rotated(k).repeat_interleave(H // G, 1), v.repeat_interleave(H // G, 1)
        scores = torch.einsum("thd,shd->hts", rotated(q), k) / math.sqrt(D)
        mixed = torch.einsum("hts,shd->thd", scores.masked_fill(hidden, -math.inf).softmax(-1), v)
        x = x + linear(mixed.reshape(T, H * D), at + "self_attn.o_proj")
        y = norm(x, at + "post_attention_layernorm")
        x = x + linear(F.silu(linear(y, at + "mlp.gate_proj")) * linear(y, at + "mlp.up_proj"), at + "mlp.down_proj")
    head = w["embed_tokens.weight"] if config["tie_word_embeddings"] else w["lm_head.weight"]
    return norm(x, "norm") @ head.T


def make(name, base, model, adapter, prefix, letters=(".lora_A.weight", ".lora_B.weight"), **more):
    config, w, tokens = read_folder(base)
    logits = model(config, w, tokens, adapter)
    far = (logits - model(config, w, tokens, lambda *_: 0)).abs().max()
    assert far > 0.1, "an adapter that adds nothing shows nothing"
    write(name, base, config_of(adapter, **more), adapter.named(prefix, letters), tokens, logits)


GPT2, LLAMA = "base_model.model.transformer.", "base_model.model.model."
make("gpt2-attention", "gpt2", gpt2, Adapter(1, ["c_attn"], 4, 6), GPT2, fan_in_fan_out=True)
make("gpt2-all", "gpt2", gpt2, Adapter(2, ["c_attn", "c_proj", "c_fc"], 2, 3, rslora=True), GPT2, fan_in_fan_out=True, target_modules="all-linear")
make("gpt2-bare-names", "gpt2-bare-names", gpt2, Adapter(3, ["c_attn", "mlp.c_proj"], 3, 3, layers=[1]), "base_model.model.",
     letters=(".lora_A.default.weight", ".lora_B.default.weight"))
make("llama-usual", "llama", llama, Adapter(4, ["q_proj", "v_proj"], 4, 8), LLAMA)
make("llama-patterns", "llama", llama, Adapter(5, ["q_proj", "k_proj", "o_proj", "gate_proj", "down_proj"], 2, 4, rslora=True,
     ranks={"layers.1.self_attn.q_proj": 3, "down_proj": 1}, alphas={"o_proj": 7, "layers.0.mlp.gate_proj": -2.5}), LLAMA)
make("mistral-bf16", "mistral-bf16-shards", llama, Adapter(6, ["up_proj", "v_proj"], 3, 1, dtype=torch.bfloat16), LLAMA,
     target_modules=r".*\.(up_proj|v_proj)")
