/** Learns what a memory holds, and nothing else. */
import { checkArgument, checkOptions, checks, keyFromSeed, RandomStream } from '@burgeon/tensor'
import type { Learner } from '../../learner.ts'
import type { Model } from '../../model/model.ts'
import type { Rehearsal } from '../../rehearsal/rehearsal.ts'
import { joinBatches, rowsBetween } from '../batch.ts'

/** How often and in what pieces. */
export interface LearnMemoryOptions {
  /** How often each row is learnt, ≥ 1. Default 30. */
  readonly epochs?: number
  /** Rows of a batch, ≥ 1. Default 16. */
  readonly rows?: number
  /** Same seed, same order. Default 0. */
  readonly seed?: number
}

/** More rows than any memory has. */
const all = 2 ** 31 - 1

/**
 * Has a learner observe the rows of a memory, in another order each time. With a new model and
 * `greedyMemory` it is the dumb learner of GDumb (Prabhu et al. 2020), the baseline of what a memory is worth
 * without anything that was learnt beside it.
 *
 * @returns How many batches were learnt; 0 if there is nothing in memory.
 * @throws OptionError for arguments that are none, and what the learner throws.
 * @example
 * ```ts
 * const memory = replay({ capacity: 200, memory: greedyMemory({ by: 'class' }) })
 * // A learner with this rehearsal observes the stream. Then:
 * const model = classifier({ inputs: 784, hidden: [100], classes: 10 })
 * await learnMemory(new Learner({ model, optimizer: sgd(0.05) }), memory)
 * ```
 */
export async function learnMemory(
  learner: Pick<Learner<Model>, 'observe'>,
  memory: Pick<Rehearsal, 'sample'>,
  options: LearnMemoryOptions = {},
): Promise<number> {
  const who = 'learnMemory'
  checkArgument(who, 'learner', learner, aLearner)
  checkArgument(who, 'memory', memory, checks.role<Pick<Rehearsal, 'sample'>>('a rehearsal', 'sample'))
  const aCount = checks.integer({ from: 1 })
  checkOptions(who, options, { epochs: aCount, rows: aCount, seed: checks.seed })
  const { epochs = 30, rows = 16, seed = 0 } = options
  const held = memory.sample(all)
  if (held === null) return 0
  const order = Array.from({ length: held.rows }, (_, i) => i)
  const random = new RandomStream(keyFromSeed(seed))
  let learnt = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    random.shuffle(order)
    for (let from = 0; from < order.length; from += rows) {
      const batch = order.slice(from, from + rows).map((row) => rowsBetween(held, row, row + 1))
      await learner.observe(joinBatches(batch))
      learnt++
    }
  }
  return learnt
}

const aLearner = checks.role<Pick<Learner<Model>, 'observe'>>('a learner', 'observe')
