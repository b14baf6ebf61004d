/** What a job of a sleep sees of a learner, and what it can have it do. */
import { checkArgument, checks, type RandomKey } from '@burgeon/tensor'
import type { Learnt } from '../../journal/learnt.ts'
import { momentOf } from '../../fork/moment.ts'
import { statesOf } from '../../learner-state.ts'
import { usualKnobs } from '../../control/knobs.ts'
import type { Loop } from '../../learning/loop.ts'
import { operationsOf } from '../../model/operations-of.ts'
import { type Batch, predictionsOf } from '../../stream/batch.ts'
import type { ProbeLosses } from '../../journal/probe-losses.ts'
import type { HeldRow, SleepContext, SleepParts } from '../sleep-job.ts'
import { longestRowOf, lookCost } from './look-cost.ts'

/** The operations of one job. */
export interface Purse {
  left: number
  spent: number
}

/** A context, and whether something was learnt through it. */
export interface JobContext {
  readonly context: SleepContext
  readonly hasLearnt: boolean
}

/** @param purse What the job may take; what it takes is taken from it. */
export function contextOf(loop: Loop, parts: SleepParts, purse: Purse, key: RandomKey): JobContext {
  const { model, journal } = loop
  let hasLearnt = false
  const pay = (operations: number): boolean => {
    checkArgument('sleep: pay', 'operations', operations, checks.number({ from: 0 }))
    if (operations > purse.left) return false
    purse.left -= operations
    purse.spent += operations
    return true
  }
  /** @param most Predictions at most. */
  const learn = async (rows: Batch | number, most: number, rate = 1): Promise<number | null> => {
    const { training } = operationsOf(model)
    if (most * training > purse.left) return null
    const learnt: Learnt | null = await loop.learnAlone(rows, { ...usualKnobs, rate })
    if (learnt === null) return null
    hasLearnt = true
    pay(learnt.tokens * training)
    return learnt.loss
  }
  const context: SleepContext = {
    ...parts,
    ...{ key, step: journal.step, pay },
    get left() {
      return purse.left
    },
    states: () => statesOf(loop.parts.kept),
    between: (rows) => journal.between(rows),
    sample(rows) {
      const found = loop.parts.memory?.sample(rows) ?? null
      return found && loop.parts.intake.within(found)
    },
    rehearse: (rows) => learn(rows, rows * longestRowOf(model)),
    learn: (rows, rate) => learn(rows, predictionsOf(rows), rate),
    async measure() {
      const { probes } = loop.parts
      if (probes === undefined || (probes.rows ?? 0) === 0) return null
      return pay(await lookCost(model, probes)) ? rowsIn(await loop.measureProbes()) : null
    },
    async attempt(work, isKept = () => false) {
      const [moment, before] = [await momentOf(loop), hasLearnt]
      let stays = false
      try {
        const result = await work()
        stays = isKept(result)
        return result
      } finally {
        if (!stays) {
          moment.putBack()
          hasLearnt = before
        }
        moment.dispose()
      }
    },
  }
  return {
    context,
    get hasLearnt() {
      return hasLearnt
    },
  }
}

/** Every row that was measured, by itself. */
const rowsIn = (losses: ProbeLosses): HeldRow[] =>
  Object.entries(losses).flatMap(([domain, { rowBits = [] }]) => rowBits.map((bits) => ({ domain, bits })))
