/** The life of the kept checkpoint, and its text. */
import type { LifeSettings } from 'burgeon/session'

export const settings: LifeSettings = {
  model: { context: 12, embed: 4, heads: 2, layers: 1, mlpHidden: 6 },
  seed: 7,
  rows: 2,
  learningRate: 5e-3,
  memoryRows: 8,
  rehearsalShare: 1,
  protection: 5,
  plateau: 12,
  maxParameters: 6000,
  vocabulary: 272,
  watchesBytes: true,
}

const domain = (name: string, sentence: string) => ({
  name,
  train: new TextEncoder().encode(sentence.repeat(1200 / sentence.length)),
  heldOut: new TextEncoder().encode(sentence.repeat(2)),
  digest: '',
  files: 1,
})

export const domains = [
  domain('prose', 'the quick brown fox jumps over the lazy dog. '),
  domain('code', 'export const x: number = 42;\n'),
  domain('numbers', '3.14159 2.71828 1.41421 '),
]

/** Steps before the checkpoint was written. */
export const stepsBefore = 70
