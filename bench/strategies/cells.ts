/** What every part of a strategy is to do, shown for one of them. */
import { isDeepStrictEqual } from 'node:util'
import type { LearnerState, Model } from '@burgeon/continual'
import { BurgeonError, InternalError } from '@burgeon/tensor'
import type { ShownIn } from './parts.ts'
import { type Circumstances, type Life, lifeOf, type Parts, steps, type Tasks } from './two-tasks.ts'

/** Losses with a part and without any, seed by seed. */
export interface Compared {
  readonly own: readonly number[]
  readonly nothing: readonly number[]
}

/** What a part has shown. */
export interface Cells {
  /** Largest difference of a weight from those of the same learner without the part. */
  readonly changes: number
  /** What refused the state of a learner of other sizes; null if it was taken and gone on with. */
  readonly refusal: string | null
  readonly kept: Compared
  /** Places at which a saved life did not go on to the same bits. */
  readonly resumedWrongly: readonly number[]
  /** With a hidden layer that grows in the middle. */
  readonly keptThroughGrowth: Compared
}

/** @param nothing Losses of lives without any part, which all parts are compared with. */
export async function cellsOf<M extends Model>(
  part: ShownIn<M>,
  tasks: Tasks<M>,
  seeds: readonly number[],
  nothing: Map<string, number> = new Map(),
): Promise<Cells> {
  const unitsDie = part.serves === 'plasticity'
  const [seed] = seeds
  const withNothing = async (how: Circumstances): Promise<number> => {
    const key = JSON.stringify(how)
    const loss = nothing.get(key) ?? (await lossAfter(part, tasks, nothingElse, how))
    nothing.set(key, loss)
    return loss
  }
  const compared = async (grows: boolean): Promise<Compared> => {
    const lives = seeds.map((one) => ({ unitsDie, grows, seed: one }))
    const losses = { own: [] as number[], nothing: [] as number[] }
    for (const how of lives) {
      losses.own.push(await lossAfter(part, tasks, await part.make(how), how))
      losses.nothing.push(await withNothing(how))
    }
    return losses
  }
  return {
    changes: await changeOf(part, tasks, { seed, unitsDie }),
    refusal: await refusalOf(part, tasks, seed),
    kept: await compared(false),
    resumedWrongly: await wronglyResumed(part, tasks, { seed, unitsDie, grows: true }),
    keptThroughGrowth: await compared(true),
  }
}

const nothingElse: Parts<Model> = { strategy: {} }

async function lossAfter<M extends Model>(
  { serves = 'memory' }: ShownIn<M>,
  tasks: Tasks<M>,
  parts: Parts<M>,
  how: Circumstances,
): Promise<number> {
  const life = lifeOf(tasks, parts, how)
  await life.liveTo(2 * steps)
  const loss = await life.lossOf(serves === 'memory' ? 'first' : 'second')
  life.dispose()
  return loss
}

async function changeOf<M extends Model>(
  { make, without }: ShownIn<M>,
  tasks: Tasks<M>,
  how: Circumstances,
): Promise<number> {
  const lives = [await make(how), without?.(how) ?? nothingElse].map((parts) => lifeOf(tasks, parts, how))
  for (const life of lives) await life.liveTo(2 * steps)
  const [own, other] = lives.map((life) => life.weights())
  for (const life of lives) life.dispose()
  return own.reduce((most, weight, i) => Math.max(most, Math.abs(weight - other[i])), 0)
}

/**
 * Gives a learner the state of the parts of another one whose sizes are others (or options, of a part that
 * keeps no sizes), and lets it learn.
 *
 * @returns Name of the typed error; null if there is none.
 */
async function refusalOf<M extends Model>(
  { make }: ShownIn<M>,
  tasks: Tasks<M>,
  seed: number,
): Promise<string | null> {
  const [own, other] = [{ seed }, { seed, isLarger: true }]
  const saved = await stateIn(lifeOf(tasks, await make(own), own))
  const { parts } = await stateIn(lifeOf(tasks, await make(other), other))
  let life: Life<M> | undefined
  try {
    life = lifeOf(tasks, await make(own), own, { ...saved, parts })
    await life.liveTo(2 * steps)
    return null
  } catch (error) {
    // An internal error would mean that nobody had looked.
    if (!(error instanceof BurgeonError) || error instanceof InternalError) throw error
    return error.name
  } finally {
    life?.dispose()
  }
}

async function stateIn<M extends Model>(life: Life<M>): Promise<LearnerState<unknown>> {
  await life.liveTo(steps + 10)
  const state = structuredClone(await life.toState())
  life.dispose()
  return state
}

/** Steps at which a life is saved: in both tasks, and between its two growths. */
const saves = [0.5, 1.1, 1.4].map((part) => Math.floor(part * steps))

async function wronglyResumed<M extends Model>(
  { make }: ShownIn<M>,
  tasks: Tasks<M>,
  how: Circumstances,
): Promise<number[]> {
  const whole = lifeOf(tasks, await make(how), how)
  const states: LearnerState<unknown>[] = []
  for (const step of saves) {
    await whole.liveTo(step)
    states.push(structuredClone(await whole.toState()))
  }
  await whole.liveTo(2 * steps)
  const end = await whole.toState()
  whole.dispose()
  const wrong: number[] = []
  for (const state of states) {
    const again = lifeOf(tasks, await make(how), how, state)
    await again.liveTo(2 * steps)
    if (!isDeepStrictEqual(await again.toState(), end)) wrong.push(state.step)
    again.dispose()
  }
  return wrong
}
