/** The cases of `test/gold/functions.json`, and how a device is held to them. */
import { valueAndGrad } from '@burgeon/autograd'
import {
  type Device,
  multiply,
  type NumericArray,
  scope,
  sum,
  type Tensor,
  withEngine,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { RoundingBounds } from '@burgeon/tensor/testing'
import { readGold } from '../gold/read-gold.ts'
import { callOf } from './calls.ts'

/** A tensor; numbers that JSON has not are strings. */
export interface GoldTensor {
  readonly dtype: 'f32' | 'i32'
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
}

export interface FunctionGold {
  readonly name: string
  /** Whether finite differences may be taken at these inputs. */
  readonly smooth: boolean
  readonly inputs: readonly GoldTensor[]
  readonly output: GoldTensor
  readonly cotangent: GoldTensor | null
  /** By input; null for integers. */
  readonly gradients: readonly (GoldTensor | null)[] | null
}

export const cases = readGold('functions.json') as readonly FunctionGold[]

/** The name of the function that a case is of. */
export const functionOf = ({ name }: FunctionGold): string => name.split(',')[0]

const numbersOf = ({ data }: GoldTensor): number[] => data.map(Number)

export function placed(device: Device, gold: GoldTensor): Tensor {
  return device.tensor(numbersOf(gold), gold)
}

/** What a case gives: the output, and after it the gradient of every f32 input, if there are gradients. */
export function results(gold: FunctionGold, device: Device): Tensor[] {
  const call = callOf(gold.name)
  return scope(() => {
    const inputs = gold.inputs.map((input) => placed(device, input))
    const { cotangent } = gold
    if (cotangent === null) return [call(inputs, device)]
    const isFloat = inputs.map(({ dtype }) => dtype === 'f32')
    const leaves = inputs.filter((_, i) => isFloat[i])
    const weights = placed(device, cotangent)
    const { gradient, aux } = valueAndGrad((x: readonly Tensor[]) => {
      const rest = [...x]
      const output = call(
        inputs.map((input, i) => (isFloat[i] ? (rest.shift() as Tensor) : input)),
        device,
      )
      return [sum(multiply(output, weights)), output] as const
    })(leaves)
    return [aux, ...gradient]
  })
}

/** What PyTorch says of the same. */
function expectations(gold: FunctionGold): GoldTensor[] {
  return [gold.output, ...(gold.gradients ?? []).filter((gradient) => gradient !== null)]
}

interface Plain {
  readonly spec: string
  readonly numbers: NumericArray
}

const specOf = ({ dtype, shape }: { dtype: string; shape: readonly number[] }): string =>
  `${dtype}[${shape.join(', ')}]`

async function plain(tensors: readonly Tensor[]): Promise<Plain[]> {
  const read = await Promise.all(tensors.map(async (x) => ({ spec: specOf(x), numbers: await x.read() })))
  for (const x of tensors) x.dispose()
  return read
}

/**
 * `output 3: 0.5, expected 0.25`, for every number of a case that is further from PyTorch's than `room`
 * allows.
 */
function differences(
  expected: readonly GoldTensor[],
  actual: readonly Plain[],
  room: (result: number, element: number, value: number) => number,
): string[] {
  return expected.flatMap((gold, k) => {
    const label = k === 0 ? 'output' : `gradient ${k - 1}`
    if (actual[k]?.spec !== specOf(gold)) return [`${label} is ${actual[k]?.spec}, expected ${specOf(gold)}`]
    return numbersOf(gold).flatMap((value, i) => {
      const got = actual[k].numbers[i]
      const isSame = Object.is(got, value) || got === value || Math.abs(got - value) <= room(k, i, value)
      return isSame ? [] : [`${label} ${i}: ${got}, expected ${value}`]
    })
  })
}

/** In double precision only the order of additions and the functions of the standard library may differ. */
export async function differencesInDouble(gold: FunctionGold, device: Device): Promise<string[]> {
  const actual = await plain(results(gold, device))
  return differences(expectations(gold), actual, (_, _i, value) => 1e-12 * Math.max(1, Math.abs(value)))
}

const reference = openReference()

/**
 * In single precision as much as can be derived from the ops that are called, with room for other formulas of
 * functions.
 */
export async function differencesInSingle(gold: FunctionGold, device: Device): Promise<string[]> {
  const bounds = withEngine(
    (below) => new RoundingBounds(below),
    (engine) => results(gold, reference).map((x) => engine.of(x).readSync()),
  )
  const actual = await plain(results(gold, device))
  return differences(expectations(gold), actual, (k, i) => 2 * bounds[k][i])
}
