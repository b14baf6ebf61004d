/** Every rehearsal keeps more of a first task than doing nothing does, and goes on through growth and saves. */
import { adamw } from '@burgeon/autograd/optim'
import {
  balancedMemory,
  darkReplay,
  greedyMemory,
  growOnSchedule,
  interference,
  Learner,
  lossAwareMemory,
  ownTextReplay,
  type Rehearsal,
  replay,
  ringMemory,
  surpriseMemory,
} from '@burgeon/continual'
import { describe, expect, test } from 'vitest'
import { batchAt, learnerOf, live, lossOfFirst } from './two-tasks.ts'

const capacity = 24
const rehearsals: Readonly<Record<string, () => Rehearsal>> = {
  reservoir: () => replay({ capacity }),
  'reservoir in bytes': () => replay({ capacity: { bytes: 240 } }),
  ring: () => replay({ capacity, memory: ringMemory() }),
  balanced: () => replay({ capacity, memory: balancedMemory() }),
  'loss-aware': () => replay({ capacity, memory: lossAwareMemory() }),
  surprise: () => replay({ capacity, memory: surpriseMemory() }),
  greedy: () => replay({ capacity, memory: greedyMemory() }),
  interference: () => replay({ capacity, retrieval: interference({ candidates: 8 }) }),
  DER: () => darkReplay({ capacity, beta: 0 }),
  'DER++': () => darkReplay({ capacity }),
  'own text': () => ownTextReplay({ rows: 4, beside: replay({ capacity }) }),
}

const forgotten = lossOfFirst((await live({})).model)

describe.each(Object.entries(rehearsals))('%s', (_, make) => {
  test('keeps more of a first task than nothing does', async () => {
    const { model } = await live({ rehearsal: make() })
    expect(lossOfFirst(model)).toBeLessThan(0.7 * forgotten)
  })
  test('goes on to the bit through growth in the middle of a task, saved before it and after', async () => {
    const parts = () => ({
      optimizer: adamw({ learningRate: 5e-3 }),
      strategy: {
        rehearsal: make(),
        growth: growOnSchedule([
          { step: 6, request: { kind: 'widenMlp', block: 'b0', to: 24 } },
          { step: 12, request: { kind: 'growContext', to: 12 } },
        ]),
      },
    })
    const whole = learnerOf(parts().strategy)
    const at = (step: number) => batchAt(step, step < 9 ? 'first' : 'second')
    const states = []
    for (let step = 0; step < 16; step++) {
      if (step === 4 || step === 10) states.push(structuredClone(await whole.toState()))
      await whole.observe(at(step))
    }
    expect(whole.journal.filter(({ kind }) => kind === 'growth')).toHaveLength(2)
    const end = await whole.toState()
    for (const state of states) {
      const again = Learner.fromState(state, { ...parts(), device: whole.model.device })
      while (again.step < 16) await again.observe(at(again.step))
      expect(await again.toState()).toEqual(end)
    }
  })
})
