/** Compares one op on a device under test with the reference, number by number. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import { fields } from '../checks/check-state.ts'
import * as checks from '../checks/checks.ts'
import type { Device } from '../device.ts'
import type { NumericArray } from '../dtype.ts'
import { runOp, withEngine } from '../engine.ts'
import { BurgeonError } from '../errors.ts'
import { children, type Expression } from '../expression/expression.ts'
import type { OpDefinition } from '../op.ts'
import { type Attrs, type OpName, opTable } from '../op-table.ts'
import { scope } from '../scope.ts'
import { formatShape, type TensorSpec } from '../shape.ts'
import type { Tensor } from '../tensor.ts'
import { opCases } from './cases/op-cases.ts'
import { anOp, RoundingBounds } from './rounding-bounds.ts'

/**
 * An input as plain numbers. Those of `f32` should be representable in f32, or rounding them counts as an
 * error.
 */
export interface PlainInput extends TensorSpec {
  readonly data: ArrayLike<number>
}

/** The attributes of an op without the device, which `checkOp` fills in. */
export type PlainAttrs<K extends OpName> = Omit<Attrs<K>, 'device'>

const plainInputs = checks.list(
  'a list of inputs { data, shape, dtype }',
  fields<PlainInput>('an input', { data: checks.numbers, shape: checks.shape, dtype: checks.dtype }),
)

/** The error of a device in comparison with the reference. */
export interface OpCheck {
  /** The largest error, as a multiple of the error that f32 rounding can explain at that element. */
  readonly error: number
  /** Where the error was: `output 0`, or `input 2` for one that is written in place. */
  readonly output: string
}

/** A device returned another result than the reference. */
export class OpMismatchError extends BurgeonError {
  override readonly name = 'OpMismatchError'
}

/**
 * Runs an op on `device` and on `reference` with the same numbers and compares every output and every input:
 * inputs that the op writes in place must have changed in the same way, the others not at all. All memory
 * that was allocated on `device` must be free again afterwards.
 *
 * An error counts in units of what rounding to f32 can explain (see `RoundingBounds`), so that a sum of a
 * thousand terms may be off by more than a sum of two, and a number that was only moved may not be off at
 * all. Where that unit is 0 (moved numbers, integers, infinities, NaN) the result must be exact, whatever the
 * tolerance. The bits of a NaN and the sign of a zero do not matter.
 *
 * @param reference From `openReference()`.
 * @param tolerance Largest error allowed, in that unit: 1 for a device that computes in f32 as the definition
 *   says.
 * @throws OpMismatchError in one readable sentence, and any error that the op throws on either device.
 */
export async function checkOp<K extends OpName>(
  device: Device,
  reference: Device,
  op: K,
  inputs: readonly PlainInput[],
  attrs: PlainAttrs<K>,
  tolerance: number,
): Promise<OpCheck> {
  checkArgument('checkOp', 'device', device, checks.device)
  checkArgument('checkOp', 'reference', reference, checks.device)
  checkArgument('checkOp', 'op', op, anOp)
  checkArgument('checkOp', 'inputs', inputs, plainInputs)
  checkOptions<PlainAttrs<K>>('checkOp', attrs, opCases[op].attrs)
  checkArgument('checkOp', 'tolerance', tolerance, checks.number({ from: 0, infinite: true }))
  const expected = expectedResults(reference, op, inputs, attrs)
  const { buffers } = device.memory
  const actual = await actualResults(device, op, inputs, attrs)
  const fail = (what: string): never => {
    throw new OpMismatchError(`${op} on ${device.name}: ${what}. Called ${describeCall(op, inputs, attrs)}.`)
  }
  const alive = device.memory.buffers - buffers
  if (alive !== 0) fail(`${alive} buffers are still alive after the call`)
  const outputs = (results: readonly Result[]): number => results.length - inputs.length
  if (actual.length !== expected.length) fail(`got ${outputs(actual)} outputs; expected ${outputs(expected)}`)
  const errors = expected.map((wanted, i): OpCheck => {
    const { label } = wanted
    const [got, want] = [describeSpec(actual[i]), describeSpec(wanted)]
    if (got !== want) fail(`${label} is ${got}; expected ${want}`)
    const { error, element } = worstElement(actual[i].data, wanted)
    if (error > tolerance) {
      const room = wanted.bounds[element] * tolerance
      const near = room > 0 ? `, give or take ${room.toExponential(1)}` : ' exactly'
      fail(
        `element ${element} of ${label} ${want} is ${actual[i].data[element]}; ` +
          `expected ${wanted.data[element]}${near}`,
      )
    }
    return { error, output: label }
  })
  return errors.reduce((worst, check) => (check.error > worst.error ? check : worst))
}

interface Result extends TensorSpec {
  readonly label: string
  readonly data: NumericArray
}

interface ExpectedResult extends Result {
  readonly bounds: NumericArray
}

function worstElement(
  actual: NumericArray,
  { data, bounds }: ExpectedResult,
): { error: number; element: number } {
  let worst = { error: 0, element: 0 }
  data.forEach((expected, element) => {
    const error = errorOf(actual[element], expected, bounds[element])
    if (error > worst.error) worst = { error, element }
  })
  return worst
}

/**
 * |actual − expected| as a multiple of `bound`; a number that f32 cannot hold must be the infinity it rounds
 * to.
 */
function errorOf(actual: number, expected: number, bound: number): number {
  if (actual === expected || Object.is(actual, expected) || actual === Math.fround(expected)) return 0
  if (bound === Infinity) return 0
  const difference = Math.abs(actual - expected)
  return difference > 0 && Number.isFinite(difference) && bound > 0 ? difference / bound : Infinity
}

function expectedResults<K extends OpName>(
  reference: Device,
  op: K,
  inputs: readonly PlainInput[],
  attrs: PlainAttrs<K>,
): ExpectedResult[] {
  const read = (bounds: RoundingBounds, { tensor, label }: Labeled): ExpectedResult => {
    const { shape, dtype } = tensor
    return { shape, dtype, label, data: tensor.readSync(), bounds: bounds.of(tensor).readSync() }
  }
  return scope(() =>
    withEngine(
      (below) => new RoundingBounds(below),
      (bounds) => callOp(reference, op, inputs, attrs).map((result) => read(bounds, result)),
    ),
  )
}

async function actualResults<K extends OpName>(
  device: Device,
  op: K,
  inputs: readonly PlainInput[],
  attrs: PlainAttrs<K>,
): Promise<Result[]> {
  const results = scope(() => callOp(device, op, inputs, attrs))
  try {
    return await Promise.all(
      results.map(async ({ tensor, label }) => {
        return { shape: tensor.shape, dtype: tensor.dtype, label, data: await tensor.read() }
      }),
    )
  } finally {
    for (const { tensor } of results) tensor.dispose()
  }
}

interface Labeled {
  readonly tensor: Tensor
  readonly label: string
}

/** Returns the outputs of a call, followed by its inputs as they are afterwards. */
function callOp<K extends OpName>(
  device: Device,
  op: K,
  inputs: readonly PlainInput[],
  attrs: PlainAttrs<K>,
): Labeled[] {
  const tensors = inputs.map(({ data, shape, dtype }) => device.tensor(data, { shape, dtype }))
  const outputs = runOp(op, tensors, withDevice(op, attrs, device))
  return [
    ...outputs.map((tensor, i) => ({ tensor, label: `output ${i}` })),
    ...tensors.map((tensor, i) => ({ tensor, label: `input ${i}` })),
  ]
}

/** Adds the device to the attributes of ops without inputs. */
function withDevice<K extends OpName>(op: K, attrs: PlainAttrs<K>, device: Device): Attrs<K> {
  const { takes } = opTable[op] as OpDefinition<Attrs<K>>
  return (Object.keys(takes).length === 0 ? { ...attrs, device } : attrs) as Attrs<K>
}

function describeSpec({ dtype, shape }: TensorSpec): string {
  return `${dtype}${formatShape(shape)}`
}

function describeCall<K extends OpName>(op: K, inputs: readonly PlainInput[], attrs: PlainAttrs<K>): string {
  const plain = JSON.stringify(attrs, (key, value: unknown) =>
    key === 'expression' ? formula(value as Expression, 8) : value,
  )
  return `${op}(${inputs.map(describeSpec).join(', ')}) with ${plain}`
}

/** Formats `add(input 0, scalar 1)`, leaving out the parts that lie too deep. */
function formula(node: Expression, depth: number): string {
  if (node.kind === 'constant') return String(node.value)
  if (node.kind === 'input' || node.kind === 'scalar') return `${node.kind} ${node.index}`
  const parts =
    depth === 0
      ? '…'
      : children(node)
          .map((child) => formula(child, depth - 1))
          .join(', ')
  return `${node.kind === 'select' ? 'select' : node.name}(${parts})`
}
