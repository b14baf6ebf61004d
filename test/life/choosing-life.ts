/**
 * A child process whose learner chooses among arms by trials, switches in one, and has growth tried. `node choosing-life.ts FOLDER [STATE]` begins or goes
 * on, saves after every step, in the middle of trials too, and halts in the state named.
 */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  chooseAmong,
  growByTrial,
  growOnSchedule,
  type GrowthPolicy,
  heldBack,
  joinBatches,
  type LearnerOptions,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { childLife } from './child-life.ts'

const { live } = childLife()

function batchAt(at: number): TokenBatch {
  const rows = Array.from({ length: 4 }, (_, row) => {
    const text = new TextEncoder().encode(`row ${at * 7 + row}, ${at} ${row}`.padEnd(9, '.'))
    return batchOfTokens(text, 8, 'rows')
  })
  return joinBatches(rows)
}

// Arms are tried from step 6 to 9 and from 10 to 13. Growth is asked for in step 11, waits, and is tried from 14 to 16.
const parts = (): Omit<LearnerOptions, 'model'> => ({
  optimizer: adamw({ learningRate: 1e-2 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 10, share: 0.5, seed: 1 }),
    probes: heldBack({ share: 0.3, capacity: 40 }),
    growth: growByTrial({
      when: growOnSchedule([{ step: 11, request: { kind: 'widenMlp', block: 'b0', to: 12 } }]),
      ...{ steps: 3, significance: 0 },
    }) as GrowthPolicy,
    choice: chooseAmong({ arms: { slow: { rate: 0.01 }, usual: {} }, every: 20, steps: 4 }),
  },
})

await live({ sizes: { context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, parts, batchAt, steps: 18 })
