/** What a worker sends after its local steps, as bytes: whole, rounded to eight bits, or its largest numbers alone. */
import {
  arrayFromRaw,
  type RawTensor,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import { ClusterError } from '../../errors.ts'
import { mapNumbers, type Numbers } from './outer-state.ts'

/** How the numbers of an update are written. */
export type UpdateForm = 'f32' | 'int8' | 'top-k'

/** Numbers that share a scale where they are rounded to eight bits. */
const blockSize = 256

/**
 * Writes a difference of weights. `f32`: as it is. `int8`: rounded to 255 levels, 256 numbers to a scale.
 * `top-k`: of each parameter the share of its numbers that are largest, as they are.
 *
 * @param share In (0, 1], for `top-k`: how many of the numbers are sent.
 */
export function bytesOfUpdate(difference: Numbers, form: UpdateForm, share: number): Uint8Array {
  const tensors = new Map<string, RawTensor>()
  for (const [path, { shape, data }] of Object.entries(difference)) {
    if (form === 'f32') tensors.set(path, rawFromArray(data, shape))
    if (form === 'int8') {
      const { codes, scales } = rounded(data)
      tensors.set(path, rawFromArray(codes, [codes.length]))
      tensors.set(`${path}/scale`, rawFromArray(scales, [scales.length]))
    }
    if (form === 'top-k') {
      const at = largest(data, Math.max(1, Math.ceil(share * data.length)))
      tensors.set(
        path,
        rawFromArray(
          Float32Array.from(at, (i) => data[i]),
          [at.length],
        ),
      )
      tensors.set(`${path}/at`, rawFromArray(at, [at.length]))
    }
  }
  return writeSafetensors(tensors, { form })
}

/**
 * Reads such bytes.
 *
 * @param like Numbers of the paths and shapes that it must have.
 * @throws ClusterError for bytes that are no update, or one of another model.
 */
export function updateFromBytes(bytes: Uint8Array, like: Numbers): Numbers {
  const { tensors, metadata } = readable(bytes)
  const form = metadata.get('form')
  const beside = form === 'int8' ? '/scale' : form === 'top-k' ? '/at' : form === 'f32' ? '' : null
  if (beside === null) throw malformed(`its form is ${form}`)
  const paths = Object.keys(like).flatMap((path) => (beside ? [path, path + beside] : [path]))
  const missing = paths.find((path) => !tensors.has(path))
  if (missing !== undefined || tensors.size !== paths.length)
    throw malformed(`${missing ?? 'a tensor'} is not its`)
  return mapNumbers(like, (path, { shape, data }) => {
    const [own, other] = [arrayOf(tensors, path), beside ? arrayOf(tensors, path + beside) : undefined]
    const isWhole = tensors.get(path)?.shape.join() === shape.join()
    if (form === 'f32' && own instanceof Float32Array && isWhole) return own
    if (form === 'int8' && own instanceof Int8Array && own.length === data.length) {
      if (other instanceof Float32Array && other.length === Math.ceil(data.length / blockSize)) {
        return Float32Array.from(own, (code, i) => code * other[Math.floor(i / blockSize)])
      }
    }
    if (form === 'top-k' && own instanceof Float32Array && other instanceof Uint32Array) {
      const isInOrder = other.every((at, i) => at < data.length && (i === 0 || at > other[i - 1]))
      if (isInOrder && own.length === other.length) return spread(own, other, data.length)
    }
    throw malformed(`${path} is of another size`)
  })
}

function malformed(why: string): ClusterError {
  return new ClusterError(`cluster: got bytes that are no update of this model: ${why}.`)
}

function readable(bytes: Uint8Array): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(bytes)
  } catch (cause) {
    throw new ClusterError(`cluster: got bytes that are no update: ${(cause as Error).message}`, { cause })
  }
}

function arrayOf(tensors: ReadonlyMap<string, RawTensor>, path: string): unknown {
  const raw = tensors.get(path)
  return raw && raw.type !== 'I64' && raw.type !== 'U64' ? arrayFromRaw(raw) : undefined
}

function rounded(data: Float32Array): { readonly codes: Int8Array; readonly scales: Float32Array } {
  const codes = new Int8Array(data.length)
  const scales = new Float32Array(Math.ceil(data.length / blockSize))
  for (const block of scales.keys()) {
    const from = block * blockSize
    const own = data.subarray(from, from + blockSize)
    const scale = Math.fround(own.reduce((most, x) => Math.max(most, Math.abs(x)), 0) / 127)
    scales[block] = scale
    if (scale > 0)
      for (const [i, x] of own.entries())
        codes[from + i] = Math.max(-127, Math.min(127, Math.round(x / scale)))
  }
  return { codes, scales }
}

/** Where the numbers of largest size are, in ascending order; of equal ones the first. */
function largest(data: Float32Array, count: number): Uint32Array {
  const order = Uint32Array.from(data.keys())
  order.sort((a, b) => Math.abs(data[b]) - Math.abs(data[a]) || a - b)
  return order.slice(0, count).sort()
}

function spread(values: Float32Array, at: Uint32Array, length: number): Float32Array {
  const data = new Float32Array(length)
  for (const [i, value] of values.entries()) data[at[i]] = value
  return data
}

/** `a + b`, number by number. */
export const sumOf = (a: Numbers, b: Numbers): Numbers =>
  mapNumbers(a, (path, { data }) => data.map((x, i) => x + b[path].data[i]))

/** `a − b`, number by number. */
export const differenceOf = (a: Numbers, b: Numbers): Numbers =>
  mapNumbers(a, (path, { data }) => data.map((x, i) => x - b[path].data[i]))

/** The Euclidean norm of all numbers together, in double precision. */
export function normOf(numbers: Numbers): number {
  let sum = 0
  for (const { data } of Object.values(numbers)) for (const x of data) sum += x * x
  return Math.sqrt(sum)
}
