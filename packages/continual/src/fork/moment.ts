/** A moment of a learner: all that it is made of, kept beside it, so that it can be put back. */
import { Gpt } from '@burgeon/gpt'
import { markGrowth } from '@burgeon/gpt/growth'
import { ParameterStore, shareParameters } from '@burgeon/tensor'
import { type LearnerState, restoreParts, statesOf } from '../learner-state.ts'
import type { KeptPart } from '../part.ts'
import type { Loop } from '../learning/loop.ts'
import type { Model } from '../model/model.ts'

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
export async function momentOf(loop: Loop): Promise<Moment> {
  const { model, parts, journal } = loop
  // What a part gives may be what it goes on with.
  const kept = parts.kept.filter(isOfMoments)
  const states = structuredClone(await statesOf(kept))
  const journalBack = journal.mark()
  return momentWith(loop, model, () => {
    kept.forEach(({ part }, i) => {
      part.restore?.(structuredClone(states[i].state), (parts.adapter ?? model).parameters)
    })
    journalBack()
  })
}

/**
 * The moment of a saved learner, to be put back into one that goes on from there.
 *
 * @param made The model of that moment; its parameters are disposed.
 * @throws As `restoreParts`, for states that do not belong to the parts; their own state has changed then.
 */
export function momentFrom(loop: Loop, saved: LearnerState<unknown>, made: Model): Moment {
  const { parts, journal, model } = loop
  const kept = parts.kept.filter(isOfMoments)
  const own = { ...saved, parts: saved.parts.filter(isOfMoments) }
  const putBack = (into: Model): void => {
    restoreParts(kept, structuredClone(own), (parts.adapter ?? into).parameters)
    journal.putBack(saved)
  }
  try {
    // Here and not when it is put back: a damaged state is refused where it is read.
    putBack(made)
    return momentWith(loop, made, () => putBack(model))
  } finally {
    made.parameters.dispose()
  }
}

/** Texts are judged before steps, whichever moment these are of. */
const isOfMoments = ({ role }: Pick<KeptPart, 'role'>): boolean => role !== 'guard'

/** @param from The model whose weights, and size, come back. */
function momentWith({ model }: Loop, from: Model, restPutBack: () => void): Moment {
  const weights = new ParameterStore()
  shareParameters(weights, from.parameters)
  const sizeBack = model instanceof Gpt && from instanceof Gpt ? markGrowth(model, from) : null
  return {
    putBack() {
      shareParameters(model.parameters, weights)
      sizeBack?.()
      restPutBack()
    },
    dispose: () => weights.dispose(),
  }
}
