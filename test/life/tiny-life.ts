/**
 * A child process that lives a small life of the front door (rehearsal, EWC, drift, growth), saving after every step.
 * `node tiny-life.ts FOLDER [STATE]` begins or goes on, and halts in the state named.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { domainChunks } from 'burgeon/demo'
import { buildLearner, emptyRecord, type Life, consume, loadLife, saveLife } from 'burgeon/session'
import { haltAt, haltingDisk } from './halt-at.ts'
import { tinyDomains, tinySettings } from './tiny-settings.ts'

const [folder, wanted] = process.argv.slice(2)
const pass = haltAt(wanted)
let step = 0
const disk = haltingDisk(nodeDisk(folder), pass, () => `step ${step}:`, wanted)
pass('awake')
const life = existsSync(join(folder, 'checkpoint.json')) ? await loadLife(disk) : newLife()
await consume(life, domainChunks(tinyDomains, life.record.position ?? undefined), {
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

function newLife(): Life {
  const learner = buildLearner(tinySettings)
  return { settings: tinySettings, learner, record: emptyRecord(learner.model.parameters.size) }
}
