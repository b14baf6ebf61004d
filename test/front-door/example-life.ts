// Reaches inside: what is tested here is a part of its package, not an entry point.
import type { LifeReport, LossPoint } from '../../packages/burgeon/src/report/life-report.ts'

const domains = ['prose', 'declarations', 'data'] as const
const spanBytes = 400_000
const batchBytes = 1024

/** A made-up life with the shape of a real one: three domains, two changes, four growths, one false alarm. */
export function exampleLife(): LifeReport {
  const end = spanBytes * domains.length
  return {
    title: 'A first life',
    when: '14 March 2026, 15:09',
    seconds: 171.4,
    command: 'npm start',
    machine: [
      { label: 'processor', value: 'AMD EPYC 9R14, 2 cores' },
      { label: 'system', value: 'Linux 6.1, Node 24.21.0' },
      { label: 'backend', value: 'wasm SIMD, 2 threads' },
    ],
    config: [
      { label: 'model', value: '4 layers, width 128, 4 heads, context 256, bytes' },
      { label: 'optimizer', value: 'AdamW, learning rate 0.002, weight decay 0.01' },
      { label: 'batch', value: '4 × 256 bytes, half of it replayed' },
      { label: 'seed', value: '7' },
    ],
    domains: domains.map((name, i) => ({
      name,
      files: 122 + 40 * i,
      trainBytes: spanBytes,
      heldOutBytes: 24_000,
      digest: String(i + 1).repeat(64),
    })),
    spans: domains.map((domain, i) => ({ domain, from: i * spanBytes, to: (i + 1) * spanBytes })),
    prequential: Array.from({ length: end / batchBytes }, (_, i) => prequentialPoint(i * batchBytes)),
    heldOut: domains.map((domain, own) => ({
      domain,
      points: Array.from({ length: 25 }, (_, i) => {
        const bytes = (i * end) / 24
        return { bytes, bitsPerByte: heldOutLoss(own, bytes) }
      }),
    })),
    parameters: [
      { bytes: 0, parameters: 412_000 },
      { bytes: 188_000, parameters: 478_000 },
      { bytes: 431_000, parameters: 676_000 },
      { bytes: 446_000, parameters: 742_000 },
      { bytes: 871_000, parameters: 1_010_000 },
    ],
    changesAreKnown: true,
    alarms: [
      { bytes: 252_000, detector: 'ADWIN', verdict: 'false-alarm', delayBytes: null },
      { bytes: 403_100, detector: 'ADWIN', verdict: 'true-change', delayBytes: 3_100 },
      { bytes: 807_200, detector: 'Page–Hinkley', verdict: 'true-change', delayBytes: 7_200 },
    ],
    growth: [
      growth(
        188_000,
        'mlpHidden 512 → 640',
        412_000,
        478_000,
        'loss flat for 60 kB while gradients stay large',
      ),
      growth(431_000, 'layer 4 → 5', 478_000, 676_000, 'a change was noticed and the budget allows it'),
      growth(446_000, 'head 4 → 5', 676_000, 742_000, 'attention entropy of block 2 below its floor'),
      growth(871_000, 'layer 5 → 6', 742_000, 1_010_000, 'a change was noticed and the budget allows it'),
    ],
    matrix: {
      domains,
      rows: [
        { stage: 'before anything', learnt: null, values: [8.004, 7.998, 8.011] },
        { stage: 'after prose', learnt: 'prose', values: [2.412, 4.871, 5.02] },
        { stage: 'after declarations', learnt: 'declarations', values: [2.655, 1.721, 3.318] },
        { stage: 'after data', learnt: 'data', values: [2.702, 1.803, 1.644] },
      ],
    },
    forgetting: [
      { domain: 'prose', whenLearnt: 2.412, atEnd: 2.702 },
      { domain: 'declarations', whenLearnt: 1.721, atEnd: 1.803 },
      { domain: 'data', whenLearnt: 1.644, atEnd: 1.644 },
    ],
    samples: [
      {
        bytes: 400_000,
        domain: 'prose',
        prompt: 'The function returns ',
        text: 'the number of the callback will be the first the object is set to the `string` of the stream.\n\nWhen the process is called, the event is the value of the file system. If the option is not',
      },
      {
        bytes: 800_000,
        domain: 'declarations',
        prompt: 'interface ',
        text: 'StreamEventMap {\n    "close": Event;\n    "error": ErrorEvent;\n}\ninterface StreamOptions extends EventTarget {\n    readonly name: string;\n    addEventListener(type: string, listener: Event): void;\n}',
      },
      {
        bytes: 1_200_000,
        domain: 'data',
        prompt: '{\n  "name": "',
        text: 'color-string",\n  "version": "3.1.0",\n  "license": "MIT",\n  "main": "index.js",\n  "scripts": {\n    "test": "xo && ava"\n  },',
      },
    ],
    checkpoint: {
      path: 'first-life/life.safetensors',
      resumeCommand: 'npm run burgeon -- learn FILE --from first-life',
    },
  }
}

function growth(
  bytes: number,
  text: string,
  parametersBefore: number,
  parametersAfter: number,
  reason: string,
): LifeReport['growth'][number] {
  return { bytes, text, parametersBefore, parametersAfter, logitsMoved: 2.4e-6, reason }
}

function prequentialPoint(bytes: number): LossPoint {
  const span = Math.floor(bytes / spanBytes)
  const inside = bytes - span * spanBytes
  const floor = [2.3, 1.65, 1.55][span]
  const start = [8, 5.1, 3.9][span]
  const decay = 0.55 * Math.exp(-inside / 15_000) + 0.45 * Math.exp(-inside / 110_000)
  const noise = 0.22 * (Math.sin(bytes * 0.7) + Math.sin(bytes * 0.013) + Math.sin(bytes * 0.00031))
  return { bytes, bitsPerByte: floor + (start - floor) * decay + noise * Math.min(1, inside / 4000) }
}

function heldOutLoss(own: number, bytes: number): number {
  const stage = bytes / spanBytes
  const [start, before, learnt] = [
    [8, 8, 2.41],
    [8, 4.87, 1.72],
    [8, 3.32, 1.64],
  ][own]
  const early = before + (start - before) * Math.exp(-4 * stage)
  if (stage <= own) return early
  const inside = stage - own
  const now = learnt + (early - learnt) * Math.exp(-5 * inside)
  return now + 0.3 * Math.max(0, 1 - Math.exp(-2 * (inside - 1)))
}
