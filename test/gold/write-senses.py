"""Writes senses.json: mu-law of every sample of 16 bits, and log-mel spectrograms written out from their definitions.

    python3 test/gold/write-senses.py        (nothing but Python is needed)

Mu-law is G.711 as its tables have it: chords of 16 intervals, each twice as wide as in the chord before. The spectrogram is the
sum over all 200 samples for each of 101 frequencies, Slaney's mel scale and area norm as in librosa.filters.mel, and the
clamps of Whisper's log_mel_spectrogram. Neither shares a line with the code that is tested.
"""

import json
import math
from pathlib import Path


def mu_law_levels():
    """Decision values and outputs of the positive half of G.711 table 2a, on the scale of 16 bits (times 4)."""
    ends, outputs = [], []
    start = 0
    for chord in range(8):
        width = 2 << chord
        for interval in range(16):
            first = chord == 0 and interval == 0
            end = start + (1 if first else width)
            outputs.append(0 if first else (start + end) // 2)
            ends.append(end)
            start = end
    return [4 * e for e in ends], [4 * o for o in outputs]


ENDS, OUTPUTS = mu_law_levels()
assert ENDS[-1] == 4 * 8159 and OUTPUTS[-1] == 4 * 8031


def encoded(sample):
    magnitude = abs(sample)
    code = next((i for i, end in enumerate(ENDS) if magnitude < end), 127)
    return (0x7F if sample < 0 else 0xFF) - code


def signal(n):
    """Two tones and a click, multiples of 2^-15."""
    values = []
    for i in range(n):
        x = 0.4 * math.sin(2 * math.pi * 440 * i / 8000) + 0.2 * math.sin(2 * math.pi * 2500 * i / 8000 + 1)
        values.append(round((x + (0.3 if i == 333 else 0)) * 32768) / 32768)
    return values


def mel_of(hertz):
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def hertz_of(mel):
    return 200 * mel / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)


def log_mel(samples):
    frames = (len(samples) - 200) // 80 + 1 if len(samples) >= 200 else 0
    edges = [hertz_of(mel_of(4000) * i / 41) for i in range(42)]
    rows = []
    for frame in range(frames):
        part = samples[80 * frame : 80 * frame + 200]
        windowed = [x * (0.5 - 0.5 * math.cos(2 * math.pi * i / 200)) for i, x in enumerate(part)]
        power = []
        for k in range(101):
            re = math.fsum(x * math.cos(2 * math.pi * k * i / 200) for i, x in enumerate(windowed))
            im = math.fsum(x * math.sin(2 * math.pi * k * i / 200) for i, x in enumerate(windowed))
            power.append(re * re + im * im)
        row = []
        for low, middle, high in zip(edges, edges[1:], edges[2:]):
            total = 0.0
            for k, p in enumerate(power):
                hertz = 40 * k
                weight = max(0.0, min((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
                total += weight * 2 / (high - low) * p
            row.append(math.log10(max(total, 1e-10)))
        rows.append(row)
    top = max((max(row) for row in rows), default=0)
    return [(max(x, top - 8) + 4) / 4 for row in rows for x in row]


codes = [encoded(sample) for sample in range(-32768, 32768)]
runs = []
for code in codes:
    if runs and runs[-1][0] == code:
        runs[-1][1] += 1
    else:
        runs.append([code, 1])
samples = signal(600)
gold = {
    "muLaw": {"runs": runs, "outputs": OUTPUTS},
    "logMel": {"samples": [round(x * 32768) for x in samples], "values": [round(x, 9) for x in log_mel(samples)]},
}
Path(__file__).with_name("senses.json").write_text(json.dumps(gold) + "\n")
