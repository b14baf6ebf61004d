/** The models that an upkeep part is tried with: what they read, and how they grow. */
import { Gpt, type GptState } from '@burgeon/gpt'
import type { Device } from '@burgeon/tensor'
import { growOnSchedule } from '../../growth/policies/grow-on-schedule.ts'
import { classifier, denseFromState, type DenseState } from '../../model/dense-network.ts'
import type { Model } from '../../model/model.ts'
import { widenHidden } from '../../model/widen-hidden.ts'
import type { Strategy } from '../../strategy/strategy.ts'
import { type Batch, batchOfTokens } from '../../stream/batch.ts'
import type { Upkeep } from '../../upkeep/upkeep.ts'

/** A kind of model in a small life. */
export interface UpkeepWorld {
  made(device: Device): Model
  fromState(state: unknown, device: Device): Model
  /** Rows of a stream, the same for the same step. */
  rowsAt(step: number): Batch
  /** The parts, and before them what makes a hidden layer wider after a step. */
  strategyOf(upkeep: readonly Upkeep[], grows: number): Strategy
}

const gpt: UpkeepWorld = {
  made: (device) =>
    Gpt.create(
      { vocabulary: 12, context: 4, embed: 4, heads: 1, layers: 2, mlpHidden: 6 },
      { device, seed: 2 },
    ),
  fromState: (state, device) => Gpt.fromState(state as GptState, device),
  rowsAt: (step) =>
    batchOfTokens(
      Array.from({ length: 9 }, (_, i) => (5 * i + step * step) % 12),
      4,
      'stream',
    ),
  strategyOf(upkeep, grows) {
    const request = { kind: 'widenMlp', block: 'b0', to: 9 } as const
    const growth = Number.isFinite(grows) ? { growth: growOnSchedule([{ step: grows, request }]) } : {}
    return { upkeep, ...growth }
  },
}

const denseNetwork: UpkeepWorld = {
  made: (device) => classifier({ inputs: 3, hidden: [6, 5], classes: 2, seed: 2, device }),
  fromState: (state, device) => denseFromState(state as DenseState, device),
  rowsAt(step) {
    const inputs = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + step * step))
    const targets = Float32Array.from({ length: 4 }, (_, row) => (inputs[3 * row] > 0 ? 1 : 0))
    return { rows: 4, inputs, targets, domains: new Array<string>(4).fill('stream') }
  },
  strategyOf(upkeep, grows) {
    const grower: Upkeep<ReturnType<typeof classifier>> = {
      name: 'grower',
      async afterStep({ step, model, mirrors }) {
        if (step === grows) await widenHidden(model, { layer: 0, to: 9 }, { mirrors, key: [step, 1] })
        return []
      },
    }
    return { upkeep: [grower, ...upkeep] }
  },
}

/** By the name that an expectation has for them. */
export const upkeepWorlds: Readonly<Record<'gpt' | 'dense network', UpkeepWorld>> = {
  gpt,
  'dense network': denseNetwork,
}
