/** Learners that sleep, rows for each of their steps, and what stands in their journals of it. */
import { sgd } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  heldBack,
  joinBatches,
  Learner,
  type LearnerEvent,
  type LearnerOptions,
  type LearnerState,
  reservoirReplay,
  type SleepJob,
  type SleepReport,
  type StepReport,
  type Strategy,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { multiply, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'

export type Parts = Omit<LearnerOptions, 'model'>

export const wasm = openWasm({ threads: 1 })

/** Four rows, some of which are held back; from the twelfth step on of another domain. */
export function batchAt(step: number): TokenBatch {
  const rows = Array.from({ length: 4 }, (_, row) => {
    const text = new TextEncoder().encode(`row ${step * 7 + row}, ${step} ${row}`.padEnd(9, '.'))
    return batchOfTokens(text, 8, step < 12 ? 'a' : 'b')
  })
  return joinBatches(rows)
}

/** Made anew for every learner. */
export const partsWith = (more: Strategy = {}): Parts => ({
  optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
  strategy: {
    rehearsal: reservoirReplay({ capacity: 20, share: 0.5, seed: 1 }),
    probes: heldBack({ share: 0.3, capacity: 8, every: 1000 }),
    ...more,
  },
})

export const learnerOf = (parts: Parts): Learner =>
  new Learner({
    model: Gpt.create({ context: 8, embed: 8, heads: 2, layers: 1, mlpHidden: 8 }, { seed: 1, device: wasm }),
    ...parts,
  })

export const resumedFrom = (state: LearnerState, parts: Parts): Learner =>
  Learner.fromState(structuredClone(state), { ...parts, device: wasm })

export async function live(
  learner: { observe(batch: TokenBatch): Promise<StepReport> },
  to: number,
  from: number = 0,
): Promise<StepReport[]> {
  const reports: StepReport[] = []
  for (let step = from; step < to; step++) reports.push(await learner.observe(batchAt(step)))
  return reports
}

/** What was slept, in order. */
export const sleepsIn = (events: readonly LearnerEvent[]): SleepReport[] =>
  events.flatMap((event) => (event.kind === 'sleep' ? [event.data] : []))

/** Learns as much as it may, and then takes most of what the model knows. */
export const sabotage: SleepJob = {
  name: 'sabotage',
  changesWeights: true,
  async run({ rehearse, model: { parameters } }) {
    await rehearse(2)
    for (const { path, tensor } of parameters) scope(() => parameters.replace(path, multiply(tensor, -30)))
    return { summary: 'took what was known' }
  },
}
