/** The finder of NaN and infinity: an engine that reads every number which passes through it. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { type Engine, withEngine, withEngineAsync } from '../engine.ts'
import { AsyncCallbackError, NonFiniteError, UnsupportedError } from '../errors.ts'
import type { OpDefinition } from '../op.ts'
import { type Attrs, type OpName, opTable } from '../op-table.ts'
import { formatShape } from '../shape.ts'
import type { Tensor } from '../tensor.ts'

/** Options of `findNonFinite`. */
export interface NonFiniteOptions {
  /**
   * Whether infinities count too, or only NaN. Default true. Set it to false where −Infinity is made on
   * purpose: in masks of your own, and in second derivatives through attention, whose definition masks that
   * way. (The fused attention and its gradient keep their masks to themselves.)
   */
  readonly infinities?: boolean
}

/**
 * Runs `body` and stops at the op where the first NaN or infinity appears, also in gradients taken inside.
 *
 * The message tells numbers that were bad before they reached an op (data, weights) from those that the op
 * made. Every number is read back before and after every op, which takes several times as long as computing
 * it: use it to look for a mistake, not every day. No result changes by a bit.
 *
 * @param body Must be synchronous; `findNonFiniteAsync` takes an asynchronous one.
 * @throws NonFiniteError that names the op, the shape, the first bad number and its place, and how many there
 *   are.
 * @throws UnsupportedError on a device whose numbers cannot be read synchronously (a GPU).
 * @throws AsyncCallbackError if `body` returns a promise.
 * @example
 * ```ts
 * try {
 *   findNonFinite(() => log(subtract(ones([3]), 2)))
 * } catch (error) {
 *   console.log((error as Error).message)
 *   // → elementwise: made NaN at [0] of [3], and 2 more; its inputs were finite.
 * }
 * ```
 */
export function findNonFinite<R>(body: () => R, options: NonFiniteOptions = {}): R {
  checkArgument('findNonFinite', 'body', body, checks.callback())
  checkOptions('findNonFinite', options, { infinities: checks.boolean })
  return withEngine(
    (below) => new Finder(below, options),
    () => {
      const result = body()
      if (result instanceof Promise) {
        throw new AsyncCallbackError(
          'findNonFinite: the body returned a promise; expected it to be synchronous. Use findNonFiniteAsync.',
        )
      }
      return result
    },
  )
}

/**
 * Runs an asynchronous body as `findNonFinite` does, such as a turn of the learner. Everything else that runs
 * meanwhile is checked too.
 *
 * @throws OptionError if two such bodies overlap.
 * @example
 * ```ts
 * const learner = new Learner({ model, optimizer: adamw({ learningRate: 1e-3 }) })
 * const { loss } = await findNonFiniteAsync(() => learner.observe('Which op is it?'))
 * ```
 */
export function findNonFiniteAsync<R>(body: () => Promise<R>, options: NonFiniteOptions = {}): Promise<R> {
  checkArgument('findNonFiniteAsync', 'body', body, checks.callback())
  checkOptions('findNonFiniteAsync', options, { infinities: checks.boolean })
  return withEngineAsync((below) => new Finder(below, options), body)
}

/** The bad numbers of a tensor. */
interface Find {
  readonly value: number
  readonly index: number
  readonly others: number
}

class Finder implements Engine {
  readonly #below: Engine
  readonly #infinities: boolean

  constructor(below: Engine, { infinities = true }: NonFiniteOptions) {
    this.#below = below
    this.#infinities = infinities
  }

  run<K extends OpName>(op: K, inputs: readonly Tensor[], attrs: Attrs<K>): readonly Tensor[] {
    // Inputs are checked before the op runs: some ops write into their inputs.
    for (const [i, input] of inputs.entries()) {
      const find = this.#find(op, input)
      if (find === undefined) continue
      throw new NonFiniteError(
        `${op}: input ${i}, made by ${input.madeBy}, has ${describe(input, find)}. ` +
          'It came in from outside: look at the data and the weights.',
      )
    }
    const outputs = this.#below.run(op, inputs, attrs)
    try {
      const { mutates = [] } = opTable[op] as unknown as OpDefinition<Attrs<K>>
      for (const tensor of [...outputs, ...mutates.map((i) => inputs[i])]) {
        const find = this.#find(op, tensor)
        if (find === undefined) continue
        const before = this.#infinities ? 'were finite' : 'held no NaN'
        const innocent = inputs.length > 0 ? `; its inputs ${before}` : ''
        throw new NonFiniteError(`${op}: made ${describe(tensor, find)}${innocent}.`)
      }
    } catch (error) {
      for (const output of outputs) output.dispose()
      throw error
    }
    return outputs
  }

  #find(op: OpName, tensor: Tensor): Find | undefined {
    if (tensor.dtype !== 'f32') return undefined
    const numbers = readAtOnce(op, tensor)
    let index = -1
    let count = 0
    for (let i = 0; i < numbers.length; i++) {
      const x = numbers[i]
      // The difference is NaN for NaN and for both infinities.
      if (x - x === 0 || !(this.#infinities || Number.isNaN(x))) continue
      if (count === 0) index = i
      count++
    }
    return count === 0 ? undefined : { value: numbers[index], index, others: count - 1 }
  }
}

function readAtOnce(op: OpName, tensor: Tensor): ReturnType<Tensor['readSync']> {
  try {
    return tensor.readSync()
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error
    throw new UnsupportedError(
      `findNonFinite: got ${op} on ${tensor.device.name}, whose numbers cannot be read at once; expected a device of the ` +
        'CPU. Run the same body there: const device = openWasm().',
      { cause: error },
    )
  }
}

/** Formats a find: `NaN at [1, 2] of [4, 8], and 3 more`. */
function describe({ shape }: Tensor, { value, index, others }: Find): string {
  let rest = index
  const place = shape
    .toReversed()
    .map((size) => {
      const at = rest % size
      rest = Math.floor(rest / size)
      return at
    })
    .toReversed()
  const more = others > 0 ? `, and ${others} more` : ''
  return `${value} at [${place.join(', ')}] of ${formatShape(shape)}${more}`
}
