/**
 * A learner carries any optimizer along: through growth, a checkpoint and back. Reaches inside for a disk in memory.
 */
import {
  accumulate,
  adafactor,
  adamw,
  byPath,
  chain,
  clipByGlobalNorm,
  type GradientTransform,
  type MovingAverage,
  movingAverage,
  muon,
  reWarmedCosine,
} from '@burgeon/autograd/optim'
import { type GrowthPolicy, Learner, type LearnerState } from '@burgeon/continual'
import { Gpt, isDecayed, readCheckpoint, writeCheckpoint } from '@burgeon/gpt'
import { scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'

const sizes = {
  vocabulary: 256,
  context: 8,
  embed: 8,
  heads: 2,
  layers: 1,
  mlpHidden: 6,
  norm: 'rms',
} as const
const text = 'to be or not to be, that is the question. '
const lines = Array.from({ length: 12 }, (_, i) => text.slice(i) + text.slice(0, i))

/** Wider at step 3, deeper at step 6. */
const growth: GrowthPolicy<null> = {
  name: 'wider, then deeper',
  initial: null,
  decide: ({ step }) => ({
    request: [
      null,
      { kind: 'widenMlp', block: 'b0', to: 9, how: 'split' } as const,
      { kind: 'addLayer', at: 1 } as const,
    ][step === 3 ? 1 : step === 6 ? 2 : 0],
    reason: 'it is time',
    state: null,
  }),
}

const isHidden = (path: string): boolean => path.startsWith('blocks.') && path.endsWith('.weight')
const hiddenByMuon = (): GradientTransform =>
  byPath((path) => (isHidden(path) ? 'hidden' : 'others'), {
    hidden: muon({ learningRate: 2e-3, weightDecay: 0.1, warmUp: 2 }),
    others: adamw({ learningRate: 2e-3, decays: isDecayed, warmUp: 2 }),
  })
const schedule = reWarmedCosine({ restarts: [6], warmup: 2, total: 6, peak: 5e-3, final: 1e-3 })

const optimizers: Readonly<Record<string, (average: MovingAverage) => GradientTransform>> = {
  'Muon and AdamW by path': (average) => chain(clipByGlobalNorm(1), hiddenByMuon(), average),
  Adafactor: (average) => chain(adafactor({ learningRate: 0.1, warmUp: 2 }), average),
  'AdamW at every second gradient': (average) =>
    accumulate(2, chain(clipByGlobalNorm(1), adamw({ learningRate: schedule }), average)),
}

describe.each([
  ['the reference', openReference()],
  ['wasm', openWasm()],
] as const)('on %s,', (_, device) => {
  test.each(Object.entries(optimizers))('%s', async (_, make) => {
    const begin = () => {
      const average = movingAverage(0.9)
      return { average, options: { optimizer: make(average), strategy: { growth } } }
    }
    const [first, second] = [begin(), begin()]
    const learner = new Learner({ model: Gpt.create(sizes, { device, seed: 3 }), ...first.options })
    const losses: number[] = []
    for (const line of lines.slice(0, 8)) losses.push((await learner.observe(line)).loss)
    expect(learner.journal.map(({ kind }) => kind)).toEqual(['growth', 'growth'])

    const disk = memoryDisk()
    await writeCheckpoint(disk, { learner: await learner.toState() })
    const { learner: state } = await readCheckpoint(disk)
    const resumed = Learner.fromState(state as LearnerState, { ...second.options, device })
    for (const line of lines.slice(8)) {
      const [report, again] = [await learner.observe(line), await resumed.observe(line)]
      expect(again).toEqual(report)
      losses.push(report.loss)
    }
    expect(losses.at(-1)).toBeLessThan(losses[0])
    expect(await resumed.toState()).toEqual(await learner.toState())

    // The averages are weights of the grown model, and not those of the present.
    const { model } = learner
    const logits = (weights = model.parameters.tensors()): number[] =>
      scope(() => {
        const tokens = device.tensor([1, 2, 3], { shape: [1, 3], dtype: 'i32' })
        return [...model.forward(tokens, weights).readSync()]
      })
    const smooth = logits(first.average.tensors(model.parameters.tensors()))
    expect(smooth).toHaveLength(logits().length)
    expect(smooth).not.toEqual(logits())
    expect(smooth.every(Number.isFinite)).toBe(true)
  })
})
