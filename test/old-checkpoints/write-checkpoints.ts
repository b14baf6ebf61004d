/**
 * `node --conditions=@burgeon/source test/old-checkpoints/write-checkpoints.ts NAME`: writes the checkpoint `NAME` of the learner beside it, and
 * what it came to later. Run once for each form that checkpoints have had; what it wrote is kept as it is.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Learner } from '@burgeon/continual'
import { Gpt, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { openReference } from '@burgeon/tensor/reference'
import { domainChunks } from 'burgeon/demo'
import { buildLearner, emptyRecord, consume as liveThrough, saveLife } from 'burgeon/session'
import { batchAt, digestOf, parts, sizes, stepsAfter, stepsBefore } from './old-learner.ts'
import * as old from './old-life.ts'

const [name] = process.argv.slice(2)
if (name === undefined) throw new Error('write-checkpoints: got no name; expected one, such as "version-1".')
const folder = join(import.meta.dirname, name)
const model = Gpt.create(sizes, { seed: 5, device: openReference() })
const learner = new Learner({ model, ...parts() })
const kinds = new Set<string>()
async function live(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    for (const { kind } of (await learner.observe(batchAt(learner.step))).events) kinds.add(kind)
  }
}
await live(stepsBefore)
await writeCheckpoint(nodeDisk(folder), { learner: await learner.toState() })
console.log(`before: ${[...kinds].join(', ')}`)
kinds.clear()
await live(stepsAfter)
console.log(`after: ${[...kinds].join(', ')}`)
const { parameters } = model
const later = { step: learner.step, parameters: parameters.size, digest: await digestOf(learner) }
writeFileSync(join(folder, 'later.json'), `${JSON.stringify(later, null, 2)}\n`)

const young = buildLearner(old.settings)
const life = { settings: old.settings, learner: young, record: emptyRecord(young.model.parameters.size) }
const stop = new AbortController()
await liveThrough(life, domainChunks(old.domains), {
  heldOut: old.domains.map(({ name: of, heldOut }) => ({ name: of, bytes: heldOut })),
  measureEvery: 25,
  onStep: ({ step }) => void (step >= old.stepsBefore && stop.abort()),
  betweenSteps: async () => {},
  stop: stop.signal,
})
await saveLife(nodeDisk(join(folder, 'life')), life)
console.log(`life: ${young.step} steps, ${[...new Set(young.journal.map(({ kind }) => kind))].join(', ')}`)
