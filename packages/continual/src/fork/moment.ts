/** A moment of a learner: all that it is made of, kept beside it, so that it can be put back. */
import { Gpt } from '@burgeon/gpt'
import { markGrowth } from '@burgeon/gpt/growth'
import { ParameterStore, shareParameters } from '@burgeon/tensor'
import { statesOf } from '../learner-state.ts'
import type { Loop } from '../learning/loop.ts'

/** A moment that is kept. */
export interface Moment {
  /** Makes the learner what it was then, to the bit; may be done several times. */
  putBack(): void
  /** Frees what it holds on the device. */
  dispose(): void
}

/**
 * Keeps the present moment. Weights are shared on the device until one of the two writes to them; the states
 * of parts are copies.
 */
export async function momentOf({ model, parts, journal }: Loop): Promise<Moment> {
  const { kept, adapter } = parts
  // What a part gives may be what it goes on with.
  const states = structuredClone(await statesOf(kept))
  const weights = new ParameterStore()
  shareParameters(weights, model.parameters)
  const sizeBack = model instanceof Gpt ? markGrowth(model) : null
  const journalBack = journal.mark()
  return {
    putBack() {
      shareParameters(model.parameters, weights)
      sizeBack?.()
      kept.forEach(({ part }, i) => {
        part.restore?.(structuredClone(states[i].state), (adapter ?? model).parameters)
      })
      journalBack()
    },
    dispose: () => weights.dispose(),
  }
}
