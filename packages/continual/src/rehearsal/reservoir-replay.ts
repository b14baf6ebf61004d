/**
 * Experience replay from a reservoir: every row ever seen has the same chance to be in memory (Vitter 1985).
 */
import { checkOptions, checks } from '@burgeon/tensor'
import { aBatch } from '../stream/batch.ts'
import { type Replay, type ReplayOptions, replay } from './replay.ts'
import { aCapacity } from './storage/row-store.ts'

/** How much is remembered, and how much of it is learnt again. */
export type ReservoirReplayOptions = Omit<ReplayOptions, 'memory' | 'retrieval'>

/**
 * Keeps a uniform sample of the rows seen so far and mixes some of them into every batch: `replay` with the
 * memory and the retrieval that it has by default.
 *
 * @throws OptionError for a capacity below 1 or a share that is not positive.
 */
export function reservoirReplay(options: ReservoirReplayOptions): Replay {
  checkOptions('reservoirReplay', options, {
    capacity: checks.required(aCapacity),
    share: checks.number({ above: 0 }),
    seed: checks.seed,
    first: aBatch,
  })
  return replay(options)
}
