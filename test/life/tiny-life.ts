/**
 * A child process that lives a small life with everything in it (rehearsal, EWC, drift, growth), saving after every
 * step. `node tiny-life.ts FOLDER` begins or goes on. Reaches inside the front door for the pieces of a sitting.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import {
  buildLearner,
  domainChunks,
  emptyRecord,
  type Life,
  type LifeSettings,
  live,
  loadLife,
  saveLife,
} from 'burgeon/life'

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

/** Begins a life, or wakes the one in the folder. */
export async function tinyLife(folder: string): Promise<Life> {
  if (existsSync(join(folder, 'checkpoint.json'))) return loadLife(nodeDisk(folder))
  const learner = buildLearner(tinySettings)
  return { settings: tinySettings, learner, record: emptyRecord(learner.model.parameters.size) }
}

if (process.argv[1] === import.meta.filename) {
  const folder = process.argv[2]
  const life = await tinyLife(folder)
  await live(life, domainChunks(tinyDomains, life.record.position ?? undefined), {
    heldOut: tinyDomains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
    measureEvery: 10,
    onStep: () => {},
    betweenSteps: () => saveLife(nodeDisk(folder), life),
    stop: new AbortController().signal,
  })
  await saveLife(nodeDisk(folder), life)
  process.stdout.write('lived\n')
}
