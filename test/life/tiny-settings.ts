/** A life small enough for tests: its settings and its text. */
import type { LifeSettings } from 'burgeon/session'

export const tinySettings: LifeSettings = {
  model: { context: 16, embed: 16, heads: 2, layers: 2, mlpHidden: 16 },
  seed: 7,
  rows: 4,
  learningRate: 5e-3,
  memoryRows: 20,
  rehearsalShare: 1,
  protection: 5,
  plateau: 12,
  maxParameters: 12_000,
}

const encoder = new TextEncoder()
const domain = (name: string, sentence: string) => ({
  name,
  train: encoder.encode(sentence.repeat(3200 / sentence.length)),
  heldOut: encoder.encode(sentence.repeat(3)),
  digest: '',
  files: 1,
})
export const tinyDomains = [
  domain('prose', 'the quick brown fox jumps over the lazy dog. '),
  domain('code', 'export const x: number = 42;\n'),
  domain('numbers', '3.14159 2.71828 1.41421 '),
]
