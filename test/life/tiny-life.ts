/**
 * A child process that lives a small life of the front door (rehearsal, EWC, drift, growth), saving after every step.
 * `node tiny-life.ts FOLDER [STATE]` begins or goes on, and halts in the state named.
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
import { haltAt, haltingDisk } from './halt-at.ts'

const tinySettings: LifeSettings = {
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
const tinyDomains = [
  domain('prose', 'the quick brown fox jumps over the lazy dog. '),
  domain('code', 'export const x: number = 42;\n'),
  domain('numbers', '3.14159 2.71828 1.41421 '),
]

const [folder, wanted] = process.argv.slice(2)
const pass = haltAt(wanted)
let step = 0
const disk = haltingDisk(nodeDisk(folder), pass, () => `step ${step}:`, wanted)
pass('awake')
const life = existsSync(join(folder, 'checkpoint.json')) ? await loadLife(disk) : newborn()
await live(life, domainChunks(tinyDomains, life.record.position ?? undefined), {
  heldOut: tinyDomains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
  measureEvery: 10,
  onStep(report) {
    step = report.step
    pass(`step ${step}: learnt`)
  },
  betweenSteps: () => saveLife(disk, life),
  stop: new AbortController().signal,
})
await saveLife(disk, life)
process.stdout.write('lived\n')

function newborn(): Life {
  const learner = buildLearner(tinySettings)
  return { settings: tinySettings, learner, record: emptyRecord(learner.model.parameters.size) }
}
