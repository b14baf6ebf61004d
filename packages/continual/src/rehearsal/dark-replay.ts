/** Dark experience replay (Buzzega et al. 2020): old rows come back with what the model said of them then. */
import {
  add,
  checkOptions,
  checks,
  divide,
  elementwise,
  expression,
  multiply,
  OptionError,
  slice,
  sum,
  type Tensor,
} from '@burgeon/tensor'
import type { StepContext } from '../journal/step-context.ts'
import { type Pass, weightedLossesOf } from '../model/pass.ts'
import { isTokenBatch } from '../stream/batch.ts'
import { rowAt } from '../stream/row.ts'
import { aMemory } from './memory/memory.ts'
import { reservoirMemory } from './memory/reservoir-memory.ts'
import type { Replay, ReplayOptions } from './replay.ts'
import { KeptRows } from './storage/kept-rows.ts'
import { predictionsIn } from './storage/packed-row.ts'
import { aCapacity, type Beside, describe } from './storage/row-store.ts'
import {
  areLogits,
  type LogitsFormat,
  packedLogits,
  type StoredLogits,
  unpackLogits,
} from './storage/stored-logits.ts'

/** What is kept, and how strongly it pulls. */
export interface DarkReplayOptions extends Pick<ReplayOptions, 'capacity' | 'memory' | 'share' | 'seed'> {
  /** Weight of the squared distance to the outputs that were kept, α in the paper, > 0. Default 0.5. */
  readonly alpha?: number
  /**
   * Weight of the loss by the labels of a second draw, β in the paper, ≥ 0: 0 is DER, more is DER++.
   * Default 0.5.
   */
  readonly beta?: number
  /** Form in which outputs are kept. Default `int8`. */
  readonly logits?: LogitsFormat
}

const { input, multiply: times, subtract } = expression
const distance = subtract(input(0), input(1))
const countedSquare = times(input(2), times(distance, distance))

/**
 * Adds α·mean (f(x′) − z′)² + β·mean ℓ(x″, y″) to the loss of the new rows (equations 6 and 7 of the
 * paper): z′ are the outputs of the model for x′ just before it was learnt, x′ and x″ are drawn from memory
 * one independently of the other, `share` rows per new row each. Where the model has more outputs now than it
 * had then, those that were kept count alone. A row that was written in other tokens since has no outputs
 * that would be of these, and comes back by its labels alone. Weights of predictions are of their labels: α
 * knows none.
 *
 * @throws OptionError for options outside their ranges.
 * @example
 * ```ts
 * const rehearsal = darkReplay({ capacity: 200, alpha: 0.2, beta: 1 })
 * ```
 */
export function darkReplay(options: DarkReplayOptions): Replay {
  checkOptions('darkReplay', options, {
    capacity: checks.required(aCapacity),
    memory: aMemory,
    share: checks.number({ above: 0 }),
    seed: checks.seed,
    alpha: checks.number({ above: 0 }),
    beta: checks.number({ from: 0 }),
    logits: checks.oneOf('int8', 'f32'),
  })
  const { capacity, memory = reservoirMemory(), share = 1, seed = 0 } = options
  const { alpha = 0.5, beta = 0.5, logits: format = 'int8' } = options
  const kept = new KeptRows({ capacity, memory, share, seed, fitsBeside: areLogits })
  /** The rows of the step at hand that are held to their outputs; those for their labels follow them. */
  let held: readonly (StoredLogits | null)[] = []

  return {
    name:
      `dark replay ${describe(capacity)}, share ${share}, α ${alpha}, β ${beta}, ${format}` +
      (memory.name === 'reservoir' ? '' : `, ${memory.name}`),
    usesLogits: true,
    get rows() {
      return kept.store.rows.length
    },
    get bytes() {
      return kept.store.bytes
    },
    recall({ fresh, shareFactor, domainFactors }) {
      const wanted = kept.due(fresh.rows, shareFactor)
      const first = kept.places(wanted, domainFactors)
      const second = beta === 0 ? [] : kept.places(wanted, domainFactors)
      held = first.map((place) => {
        const { beside } = kept.store.rows[place]
        return beside.length === 0 ? null : unpackLogits(beside)
      })
      return kept.recall([...first, ...second])
    },
    mark: () => kept.mark(),
    loss(_, pass) {
      const terms = [heldTo(held, pass, alpha), byLabels(held.length, pass, beta)].filter(
        (term) => term !== null,
      )
      return terms.length === 0 ? null : terms.reduce((a, b) => add(a, b))
    },
    remember(context) {
      kept.learnt(context.oldLosses, context.step)
      kept.offer(context.fresh, context.rowLosses, context.step, besideOf(context, format))
      held = []
    },
    sample: (rows) => kept.sample(rows),
    recode: (encoded) => kept.recode(encoded),
    forget: (isMeant) => kept.forget(isMeant),
    toState: () => kept.toState(),
    restore(state) {
      kept.restore(state)
      held = []
    },
  }
}

/** The outputs that are to be kept beside each of the new rows. */
function besideOf({ fresh, logits }: StepContext, format: LogitsFormat): (row: number) => Beside {
  if (logits === undefined) {
    throw new OptionError('dark replay: got a step without logits; expected those of the new rows.')
  }
  const length = isTokenBatch(fresh) ? fresh.length : 1
  const columns = logits.length / (fresh.rows * length)
  return (row) => {
    const predictions = predictionsIn(rowAt(fresh, row))
    const from = row * length * columns
    const values = Float32Array.from({ length: predictions * columns }, (_, i) => logits[from + i])
    return packedLogits({ columns, values }, format)
  }
}

/** α times the mean squared distance to the outputs that were kept; null where there are none. */
function heldTo(held: readonly (StoredLogits | null)[], pass: Pass, alpha: number): Tensor | null {
  const { freshRows, tensors, model } = pass
  const { length } = tensors
  const outputs = pass.logits()
  const [, columns] = outputs.shape
  const places = held.length * length
  const [wanted, counts] = [new Float32Array(places * columns), new Float32Array(places * columns)]
  let total = 0
  held.forEach((stored, row) => {
    if (stored === null) return
    const width = Math.min(stored.columns, columns)
    const predictions = Math.min(stored.values.length / stored.columns, length)
    for (let p = 0; p < predictions; p++) {
      const from = (row * length + p) * columns
      wanted.set(stored.values.subarray(p * stored.columns, p * stored.columns + width), from)
      counts.fill(1, from, from + width)
    }
    total += predictions * width
  })
  if (total === 0) return null
  const first = freshRows * length
  const now = slice(outputs, [first], [first + places])
  const on = (values: Float32Array): Tensor =>
    model.device.tensor(values, { shape: [places, columns], dtype: 'f32' }, 'dark replay')
  return multiply(sum(elementwise(countedSquare, [now, on(wanted), on(counts)])), alpha / total)
}

/** β times the mean loss of the rows after those that are held; null where there are none. */
function byLabels(heldRows: number, pass: Pass, beta: number): Tensor | null {
  const { freshRows, tensors } = pass
  const first = (freshRows + heldRows) * tensors.length
  const count = tensors.counted.filter((i) => i >= first).length
  return count === 0 || beta === 0
    ? null
    : multiply(divide(sum(slice(weightedLossesOf(pass), [first])), count), beta)
}
