/**
 * Refuses parts that judge by the rows of one machine: beside an exchange of gradients, machines would part
 * ways.
 */
import { OptionError } from '@burgeon/tensor'
import type { Strategy } from './strategy.ts'

/** Throws OptionError for a part by which machines with the same gradients would come to other weights. */
export function checkExchangeable(who: string, strategy: Strategy): void {
  const { penalties = [], projections = [], upkeep = [], rehearsal } = strategy
  const { lookAhead, growth, freezing, vocabulary, context, probes, controller, choice, sleep } = strategy
  const ownLoss = rehearsal?.loss === undefined ? undefined : rehearsal
  const growing = vocabulary?.isFixed ? undefined : vocabulary
  const [part] = [
    ...[...penalties, ...projections, ...upkeep, lookAhead, growth, freezing, growing, context, probes],
    ...[controller, choice, sleep && { name: 'sleep' }, ownLoss],
  ].filter((each) => each !== undefined)
  if (part === undefined) return
  throw new OptionError(
    `${who}: got an exchange of gradients and ${part.name}, which judges by the rows of one machine; expected one of them.`,
  )
}
