"""PyTorch as a peer in generation: a GPT-2 or Llama with a cache of keys and values, asked line by line."""
import json
import math
import os
import sys
import time

import numpy
import torch
import torch.nn.functional as F


def read_safetensors(path):
    with open(path, 'rb') as file:
        size = int.from_bytes(file.read(8), 'little')
        header = json.loads(file.read(size))
    header.pop('__metadata__', None)
    numbers = numpy.fromfile(path, dtype=numpy.float32, offset=8 + size)
    return {
        name: torch.from_numpy(numbers[about['data_offsets'][0] // 4:about['data_offsets'][1] // 4]).view(about['shape'])
        for name, about in header.items()
    }


def rms(x, gain, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * gain


class Model:
    def __init__(self, shape, folder):
        self.shape = shape
        self.is_gpt2 = shape['kind'] == 'gpt2'
        prefix = 'transformer.' if self.is_gpt2 else 'model.'
        w = read_safetensors(os.path.join(folder, 'model.safetensors'))
        self.w = {name[len(prefix):]: weight.contiguous() for name, weight in w.items()}
        if self.is_gpt2:  # rows of outputs, in which a product with one vector is fastest
            for name, weight in self.w.items():
                if name.startswith('h.') and weight.dim() == 2:
                    self.w[name] = weight.t().contiguous()
        half = shape['embed'] // shape['heads'] // 2
        angles = torch.outer(torch.arange(shape['context'], dtype=torch.float64), 1e4 ** (-torch.arange(half) / half))
        self.cos = torch.cat([angles.cos()] * 2, -1).float()
        self.sin = torch.cat([angles.sin()] * 2, -1).float()

    def attend(self, q, k, v, cache, layer):
        B, T, H = *q.shape[:2], self.shape['heads']
        G, D = self.shape['kvHeads'], self.shape['embed'] // self.shape['heads']
        q, k, v = (y.view(B, T, -1, D).transpose(1, 2) for y in (q, k, v))
        past = cache[layer]['length']
        if not self.is_gpt2:
            cos, sin = self.cos[past:past + T], self.sin[past:past + T]
            turn = lambda y: y * cos + torch.cat([-y[..., D // 2:], y[..., :D // 2]], -1) * sin
            q, k = turn(q), turn(k)
        cache[layer]['k'][:, :, past:past + T] = k
        cache[layer]['v'][:, :, past:past + T] = v
        cache[layer]['length'] = past + T
        k, v = cache[layer]['k'][:, :, :past + T], cache[layer]['v'][:, :, :past + T]
        if G < H:
            k, v = k.repeat_interleave(H // G, 1), v.repeat_interleave(H // G, 1)
        scores = q @ k.transpose(-1, -2) / math.sqrt(D)
        if T > 1:
            scores = scores + torch.full((T, past + T), -math.inf).triu(past + 1)
        return (scores.softmax(-1) @ v).transpose(1, 2).reshape(B, T, -1)

    def forward(self, tokens, cache):
        w, past, eps = self.w, cache[0]['length'], self.shape['epsilon']
        if self.is_gpt2:
            C = self.shape['embed']
            norm = lambda x, at: F.layer_norm(x, (C,), w[at + '.weight'], w[at + '.bias'], eps)
            linear = lambda x, at: F.linear(x, w[at + '.weight'], w[at + '.bias'])
            x = w['wte.weight'][tokens] + w['wpe.weight'][past:past + tokens.shape[1]]
            for i in range(self.shape['layers']):
                at = f'h.{i}'
                q, k, v = linear(norm(x, at + '.ln_1'), at + '.attn.c_attn').chunk(3, -1)
                x = x + linear(self.attend(q, k, v, cache, i), at + '.attn.c_proj')
                hidden = F.gelu(linear(norm(x, at + '.ln_2'), at + '.mlp.c_fc'), approximate='tanh')
                x = x + linear(hidden, at + '.mlp.c_proj')
            return F.linear(norm(x[:, -1], 'ln_f'), w['wte.weight'])
        x = w['embed_tokens.weight'][tokens]
        linear = lambda x, at: F.linear(x, w[at + '.weight'])
        for i in range(self.shape['layers']):
            at = f'layers.{i}'
            y = rms(x, w[at + '.input_layernorm.weight'], eps)
            q, k, v = (linear(y, f'{at}.self_attn.{name}_proj') for name in 'qkv')
            x = x + linear(self.attend(q, k, v, cache, i), at + '.self_attn.o_proj')
            y = rms(x, w[at + '.post_attention_layernorm.weight'], eps)
            x = x + linear(F.silu(linear(y, at + '.mlp.gate_proj')) * linear(y, at + '.mlp.up_proj'), at + '.mlp.down_proj')
        return F.linear(rms(x[:, -1], w['norm.weight'], eps), w['embed_tokens.weight'])

    def cache(self, rows, room):
        shape = rows, self.shape['kvHeads'], room, self.shape['embed'] // self.shape['heads']
        return [{'k': torch.empty(shape), 'v': torch.empty(shape), 'length': 0} for _ in range(self.shape['layers'])]


class Writer:
    def open(self, settings):
        start = time.perf_counter()
        torch.set_num_threads(settings['threads'])
        self.model = Model(settings['shape'], settings['files']['folder'])
        return {'milliseconds': (time.perf_counter() - start) * 1e3, 'version': torch.__version__}

    def logProbabilities(self, tokens):
        cache = self.model.cache(1, len(tokens))
        self.model.forward(torch.tensor([tokens[:-1]]), cache)
        return self.model.forward(torch.tensor([tokens[-1:]]), cache)[0].log_softmax(-1).tolist()

    def write(self, prompts, tokens):
        cache = self.model.cache(len(prompts), len(prompts[0]) + tokens)
        wall, cpu = time.perf_counter(), time.process_time()
        read = torch.tensor(prompts)
        steps = []
        for i in range(tokens):
            read = self.model.forward(read, cache).argmax(-1, keepdim=True)
            read.tolist()
            now = time.perf_counter()
            steps.append((now - wall) * 1e3)
            if i == 0:
                prompt_cpu = (time.process_time() - cpu) * 1e3
                cpu = time.process_time()
            wall = now
        step_cpu = (time.process_time() - cpu) * 1e3 / (tokens - 1)
        return {'prompt': steps[0], 'promptCpu': prompt_cpu, 'steps': steps[1:], 'stepCpu': step_cpu}


writer = Writer()
with torch.inference_mode():
    for line in sys.stdin:
        message = json.loads(line)
        print(json.dumps(getattr(writer, message['do'])(*message['arguments'])), flush=True)
