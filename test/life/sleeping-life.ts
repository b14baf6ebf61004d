/**
 * A child process whose learner sleeps after every fifth step: it rehearses, dreams, and has harm undone. `node sleeping-life.ts FOLDER [STATE]` begins or
 * goes on, saves after every step, and halts in the state named, in the middle of a sleep too.
 */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  dreamJob,
  everySteps,
  growOnSchedule,
  growthJob,
  heldBack,
  joinBatches,
  type LearnerOptions,
  rehearsalJob,
  reservoirReplay,
  sleep,
  type SleepJob,
  type TokenBatch,
} from '@burgeon/continual'
import { multiply, scope } from '@burgeon/tensor'
import { childLife } from './child-life.ts'

const { pass, about, live } = childLife()

function batchAt(at: number): TokenBatch {
  const rows = Array.from({ length: 8 }, (_, row) => {
    const text = new TextEncoder().encode(`row ${at * 7 + row}, ${at} ${row}`.padEnd(9, '.'))
    return batchOfTokens(text, 8, 'rows')
  })
  return joinBatches(rows)
}

const sabotage: SleepJob = {
  name: 'sabotage',
  changesWeights: true,
  async run({ rehearse, model: { parameters } }) {
    await rehearse(2)
    for (const { path, tensor } of parameters) scope(() => parameters.replace(path, multiply(tensor, -30)))
    pass(`${about()} harmed`)
    return { summary: 'took what was known' }
  },
}
const awake: SleepJob = {
  name: 'passing',
  changesWeights: false,
  run() {
    pass(`${about()} asleep`)
    return null
  },
}

const growing = growOnSchedule([{ step: 10, request: { kind: 'widenMlp', block: 'b0', to: 12 } }])

const parts = (): Omit<LearnerOptions, 'model'> => ({
  optimizer: adamw({ learningRate: 3e-3 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 10, share: 0.5, seed: 1 }),
    probes: heldBack({ share: 0.3, rows: 2 }),
    sleep: sleep({
      when: everySteps(5),
      jobs: [
        rehearsalJob({ rows: 4, steps: 2 }),
        awake,
        sabotage,
        dreamJob({ rows: 4, steps: 1 }),
        growthJob(growing),
      ],
      ...{ share: 1, tolerance: 0.3 },
    }),
  },
})

await live({ sizes: { context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, parts, batchAt, steps: 16 })
