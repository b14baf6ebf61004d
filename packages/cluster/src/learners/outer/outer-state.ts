/** What the workers of a cluster share: the weights that all begin a round with, and what the outer step keeps. */
import { Gpt, type GptConfig } from '@burgeon/gpt'
import {
  arrayFromRaw,
  checkArgument,
  type PlainTensors,
  rawFromArray,
  readSafetensors,
  scope,
  type TensorsByPath,
  writeSafetensors,
} from '@burgeon/tensor'
import { ClusterError } from '../../errors.ts'
import { someBytes } from '../../seams/blobs.ts'
import { digestOf } from '../../seams/digest.ts'

/** Numbers by the path of a parameter, in single precision. */
export type Numbers = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: Float32Array }>
>

/** The shared weights between two rounds, and the momentum of the outer step. Plain data. */
export interface OuterState {
  readonly config: GptConfig
  readonly weights: Numbers
  readonly momentum: Numbers
}

/** The state of a cluster that begins with a model: its weights, and no momentum. */
export async function outerStateOf(model: Gpt): Promise<OuterState> {
  const { config, weights } = await model.toState()
  return { config, weights: singles(weights), momentum: zerosLike(singles(weights)) }
}

/** Zeros of the same paths and shapes. */
export const zerosLike = (numbers: Numbers): Numbers =>
  mapNumbers(numbers, (_, { data }) => new Float32Array(data.length))

/** Other numbers of the same paths and shapes. */
export function mapNumbers(
  numbers: Numbers,
  of: (path: string, numbers: Numbers[string]) => Float32Array,
): Numbers {
  return Object.fromEntries(
    Object.entries(numbers).map(([path, each]) => [path, { shape: each.shape, data: of(path, each) }]),
  )
}

/** Copies of weights that have been read, in single precision. */
export const singles = (tensors: PlainTensors): Numbers =>
  Object.fromEntries(
    Object.entries(tensors).map(([path, { shape, data }]) => [
      path,
      { shape, data: Float32Array.from(data) },
    ]),
  )

/** A state as bytes, the same for the same state. */
export function bytesOfOuter({ config, weights, momentum }: OuterState): Uint8Array {
  const named = (kind: string, numbers: Numbers) =>
    Object.entries(numbers).map(
      ([path, { shape, data }]) => [`${kind}/${path}`, rawFromArray(data, shape)] as const,
    )
  const tensors = new Map([...named('weights', weights), ...named('momentum', momentum)])
  // The order of parameters is part of a model: norms are summed in it.
  const notes = { config: JSON.stringify(config), order: JSON.stringify(Object.keys(weights)) }
  return writeSafetensors(tensors, notes)
}

/** The state of such bytes. Throws ClusterError for others. */
export function outerFromBytes(bytes: Uint8Array): OuterState {
  checkArgument('outerFromBytes', 'bytes', bytes, someBytes)
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const config = JSON.parse(metadata.get('config') ?? '') as GptConfig
    const order = JSON.parse(metadata.get('order') ?? '') as readonly string[]
    const numbers = (kind: string): Numbers =>
      Object.fromEntries(
        order.map((path) => {
          const raw = tensors.get(`${kind}/${path}`)
          const data = raw && arrayFromRaw(raw)
          if (!(data instanceof Float32Array) || raw === undefined) {
            throw new ClusterError(`cluster: the state has no ${kind} of ${path}.`)
          }
          return [path, { shape: raw.shape, data }]
        }),
      )
    return { config, weights: numbers('weights'), momentum: numbers('momentum') }
  } catch (cause) {
    throw new ClusterError(
      `cluster: got bytes that are no state of a cluster (${(cause as Error).message}); is the digest that of one?`,
      { cause },
    )
  }
}

/** The name of a state: the SHA-256 of its bytes. Two states of one name are the same to the bit. */
export const versionOf = (state: OuterState): Promise<string> => digestOf(bytesOfOuter(state))

/** Gives a model the shared weights; it must have the shared sizes. */
export function setWeights(model: Gpt, weights: Numbers): void {
  scope(() => {
    for (const [path, { shape, data }] of Object.entries(weights)) {
      model.parameters.replace(path, model.device.tensor(data, { shape, dtype: 'f32' }, path))
    }
  })
}

/** A model of the shared weights. */
export const modelOf = ({ config, weights }: OuterState, device?: Gpt['device']): Gpt =>
  Gpt.fromState({ config, weights }, device)

/** The numbers of tensors, in single precision. */
export async function numbersOf(tensors: TensorsByPath): Promise<Numbers> {
  const entries = Object.entries(tensors).map(async ([path, tensor]) => {
    const data = Float32Array.from(await tensor.read())
    return [path, { shape: tensor.shape, data }] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
