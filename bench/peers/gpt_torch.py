"""The GPT of the benchmarks in PyTorch. Reads one JSON command a line on standard input, answers one JSON line each.

The argument names a device, `cpu` unless given.
"""

import ctypes
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


device = torch.device(sys.argv[1] if len(sys.argv) > 1 else 'cpu')


def about():
    if device.type == 'cuda':
        name = torch.cuda.get_device_name(device)
        return {'version': torch.__version__.split('+')[0], 'blas': name, 'threads': torch.get_num_threads()}
    return {'version': torch.__version__.split('+')[0], 'blas': blas(), 'threads': torch.get_num_threads()}


def blas():
    """The BLAS that this process has loaded: its build, its kernel, and how many threads it takes."""
    try:
        library = ctypes.CDLL('libblas.so.3')
        library.openblas_get_corename.restype = ctypes.c_char_p
        build = {0: 'sequential', 1: 'pthread', 2: 'OpenMP'}[library.openblas_get_parallel()]
        threads = library.openblas_get_num_threads()
        return f"OpenBLAS {build}, kernel {library.openblas_get_corename().decode()}, {threads} thread{'' if threads == 1 else 's'}"
    except (OSError, AttributeError):
        return 'MKL' if 'mkl' in torch.__config__.show().lower().split('mkl-dnn')[0] else 'another BLAS'


def attend(q, k, v, mask):
    if device.type == 'cuda':
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(q.shape[-1]))
    return scores.masked_fill(mask, float('-inf')).softmax(-1) @ v


def synchronise():
    if device.type == 'cuda':
        torch.cuda.synchronize()


class Gpt:
    def __init__(self, sizes, weights):
        self.sizes = sizes
        raw = np.fromfile(weights['file'], dtype=np.float32)
        self.w, at = {}, 0
        for path, shape in weights['index']:
            count = int(np.prod(shape))
            self.w[path] = torch.tensor(raw[at : at + count].reshape(shape), device=device, requires_grad=True)
            at += count
        t = sizes['context']
        self.mask = torch.triu(torch.ones(t, t, dtype=torch.bool, device=device), 1)

    def norm(self, at, x):
        return F.layer_norm(x, x.shape[-1:], self.w[at + '.gain'], self.w[at + '.bias'], 1e-5)

    def project(self, at, x):
        w, b = self.w[at + '.weight'], self.w[at + '.bias']
        return F.linear(x, w.reshape(x.shape[-1], -1).t(), b.reshape(-1))

    def attention(self, at, x):
        b, t, c = x.shape
        h = self.sizes['heads']
        q, k, v = (self.project(f'{at}.{n}', x).view(b, t, h, -1).transpose(1, 2) for n in ('query', 'key', 'value'))
        o = attend(q, k, v, self.mask[:t, :t]).transpose(1, 2).reshape(b, t, -1)
        return F.linear(o, self.w[f'{at}.output.weight'].reshape(o.shape[-1], c).t(), self.w[f'{at}.output.bias'])

    def loss(self, tokens, targets):
        x = F.embedding(tokens, self.w['embed.token.weight']) + self.w['embed.position.weight'][: tokens.shape[1]]
        for i in range(self.sizes['layers']):
            at = f'blocks.b{i}'
            x = x + self.attention(f'{at}.attention', self.norm(f'{at}.attention.norm', x))
            hidden = F.gelu(self.project(f'{at}.mlp.up', self.norm(f'{at}.mlp.norm', x)), approximate='tanh')
            x = x + self.project(f'{at}.mlp.down', hidden)
        logits = self.norm('head.norm', x) @ self.w['embed.token.weight'].t()
        return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


class Session:
    mixed = False

    def model(self, sizes, weights, optimizer, decays=None, mixed=False):
        self.mixed = mixed
        self.gpt, self.limit = Gpt(sizes, weights), optimizer['clip']
        groups = [
            {'params': [w for p, w in self.gpt.w.items() if decays is None or p in decays]},
            {'params': [w for p, w in self.gpt.w.items() if decays is not None and p not in decays], 'weight_decay': 0},
        ]
        self.adamw = torch.optim.AdamW(
            [g for g in groups if g['params']],
            lr=optimizer['learningRate'],
            betas=(optimizer['beta1'], optimizer['beta2']),
            eps=optimizer['epsilon'],
            weight_decay=optimizer['weightDecay'],
        )
        return {}

    def update(self, tokens, targets):
        self.adamw.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.mixed):
            loss = self.gpt.loss(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.gpt.w.values(), self.limit)
        self.adamw.step()
        return loss

    def steps(self, first, count):
        s = self.gpt.sizes
        n = s['batch'] * s['context']
        losses, milliseconds = [], []
        for step in range(first, first + count):
            i = torch.arange(n + 1, device=device)
            ids = (i * 7 + i * (i // 3) + step * 31) % s['vocabulary']
            start = time.perf_counter()
            loss = self.update(ids[:-1].view(s['batch'], -1), ids[1:]).item()
            milliseconds.append((time.perf_counter() - start) * 1e3)
            losses.append(loss)
        return {'losses': losses, 'milliseconds': milliseconds}

    def train(self, text, offsets, validation, rates):
        """A whole run: `offsets` [steps, batch] into the training tokens, then the loss of fixed validation batches."""
        s = self.gpt.sizes
        tokens = torch.from_numpy(np.fromfile(text, dtype=np.int32).astype(np.int64))

        def batch(starts):
            rows = torch.stack([tokens[o : o + s['context'] + 1] for o in starts])
            return rows[:, :-1], rows[:, 1:]

        starts = np.fromfile(offsets, dtype=np.int32).reshape(-1, s['batch'])
        start = time.perf_counter()
        for step, rate in enumerate(rates):
            for group in self.adamw.param_groups:
                group['lr'] = rate
            self.update(*batch(starts[step]))
        seconds = time.perf_counter() - start
        checks = np.fromfile(validation, dtype=np.int32).reshape(-1, s['batch'])
        with torch.no_grad():
            losses = [self.gpt.loss(*batch(row)).item() for row in checks]
        return {'seconds': seconds, 'validationLoss': sum(losses) / len(losses)}

    def time(self, run, milliseconds):
        times, start = [], time.perf_counter()
        while time.perf_counter() - start < milliseconds / 1e3:
            run()
        synchronise()
        start = time.perf_counter()
        while time.perf_counter() - start < milliseconds / 1e3 or len(times) < 5:
            before = time.perf_counter()
            run()
            synchronise()
            times.append((time.perf_counter() - before) * 1e3)
        return {'milliseconds': sorted(times)[len(times) // 2]}

    def matmul(self, m, n, k, transposeA=False, transposeB=False, milliseconds=60, mixed=False):
        about = {'device': device, 'dtype': torch.float16 if mixed else torch.float32}
        a = torch.randn((k, m) if transposeA else (m, k), **about)
        b = torch.randn((n, k) if transposeB else (k, n), **about)
        a, b = a.t() if transposeA else a, b.t() if transposeB else b
        with torch.no_grad():
            return self.time(lambda: a @ b, milliseconds)

    def attention(self, shape, milliseconds=60):
        b, t, h, d = shape
        q, k, v = (torch.randn(b, h, t, d, device=device) for _ in range(3))
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool, device=device), 1)
        with torch.no_grad():
            return self.time(lambda: attend(q, k, v, mask), milliseconds)

    def about(self):
        return about()


session = Session()
print(json.dumps(about()), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    print(json.dumps(getattr(session, command.pop('do'))(**command)), flush=True)
