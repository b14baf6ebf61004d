/** Reads parameters from the ranges of a GGUF file where they lie, a few rows at a time. */
import type { ByteSource } from '@burgeon/tensor'
import { PretrainedError } from '../../config/pretrained-error.ts'
import { named } from '../format/gguf-cursor.ts'
import type { GgufHeader, GgufTensor } from '../format/gguf-header.ts'
import { readableTypes, readerOf } from '../format/read-blocks.ts'
import { type GgufPlace, rowHere } from './gguf-tensor-names.ts'

/** Numbers that are read at once, in whole rows. */
const chunkNumbers = 2 ** 18

/**
 * The tensor of a place, as a file says it. Throws PretrainedError where there is none, or of another shape
 * or a type that is not read.
 */
export function tensorAt({ tensors, place }: GgufHeader, { name, shape }: GgufPlace): GgufTensor {
  const tensor = tensors.get(name)
  const expected = `shape [${shape.join(', ')}], as its keys say`
  if (tensor === undefined) {
    throw new PretrainedError(`${place}: got no tensor ${name}; expected one of ${expected}.`)
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
    throw new PretrainedError(
      `${place}: got tensor ${name} of shape [${tensor.shape.join(', ')}]; expected ${expected}.`,
    )
  }
  checkReadable(place, tensor)
  return tensor
}

/** Throws PretrainedError for a type that is not read. */
export function checkReadable(place: string, { name, type }: GgufTensor): void {
  if (readerOf(type) !== undefined) return
  throw new PretrainedError(
    `${place}: got tensor ${named(name)} of type ${type}; expected one of ${readableTypes.join(', ')}.`,
  )
}

/** Calls `take` with some rows of a tensor after the others, as many as are asked for. */
async function eachRows(
  source: ByteSource,
  { place }: GgufHeader,
  { name, type, blocks, begin }: GgufTensor,
  { width, from, rows }: { readonly width: number; readonly from: number; readonly rows: number },
  take: (numbers: Float32Array, row: number, count: number) => void,
): Promise<void> {
  const read = readerOf(type)
  if (read === undefined || blocks === undefined) return
  const rowBytes = (width / blocks.numbers) * blocks.bytes
  const step = Math.max(1, Math.floor(chunkNumbers / width))
  const numbers = new Float32Array(Math.min(step, rows) * width)
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row)
    const at = begin + (from + row) * rowBytes
    const bytes = await bytesAt(source, place, name, at, at + count * rowBytes)
    const part = numbers.subarray(0, count * width)
    read(bytes, part)
    take(part, row, count)
  }
}

async function bytesAt(
  source: ByteSource,
  place: string,
  name: string,
  begin: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = await source.read(begin, end)
  if (bytes instanceof Uint8Array && bytes.length === end - begin) return bytes
  throw new PretrainedError(
    `${place}: got ${bytes?.length} bytes of tensor ${named(name)}; expected ${end - begin}. Has the file been cut?`,
  )
}

/** All numbers of a small tensor. */
export async function vectorOf(
  source: ByteSource,
  header: GgufHeader,
  tensor: GgufTensor,
): Promise<Float32Array> {
  const width = tensor.shape.reduce((a, b) => a * b, 1)
  const all = new Float32Array(width)
  await eachRows(source, header, tensor, { width, from: 0, rows: 1 }, (numbers) => all.set(numbers))
  return all
}

/** The numbers of a parameter, in its own order. */
export async function numbersAt(
  source: ByteSource,
  header: GgufHeader,
  place: GgufPlace,
): Promise<Float32Array> {
  const tensor = tensorAt(header, place)
  const { shape, from, rows, isTransposed, interleaved } = place
  if (shape.length === 1) {
    const all = await vectorOf(source, header, tensor)
    const own = new Float32Array(rows)
    for (let i = 0; i < rows; i++) own[rowHere(i, interleaved)] = all[from + i]
    return own
  }
  const width = shape.slice(1).reduce((a, b) => a * b, 1)
  const own = new Float32Array(rows * width)
  await eachRows(source, header, tensor, { width, from, rows }, (numbers, row, count) => {
    if (isTransposed) {
      const columns = Array.from({ length: count }, (_, i) => rowHere(row + i, interleaved))
      turnInto(own, numbers, { rows, width, columns })
    } else own.set(numbers, row * width)
  })
  return own
}

/** Writes rows as columns, some at a time so that both sides stay in the cache. */
function turnInto(
  own: Float32Array,
  numbers: Float32Array,
  at: { readonly rows: number; readonly width: number; readonly columns: readonly number[] },
): void {
  const { rows, width, columns } = at
  for (let top = 0; top < columns.length; top += 16) {
    const bottom = Math.min(columns.length, top + 16)
    for (let j = 0; j < width; j++) {
      for (let i = top; i < bottom; i++) own[j * rows + columns[i]] = numbers[i * width + j]
    }
  }
}

/** Whether two tensors are the same, byte by byte. */
export async function areEqual(
  source: ByteSource,
  { place }: GgufHeader,
  a: GgufTensor,
  b: GgufTensor,
): Promise<boolean> {
  const length = a.end - a.begin
  if (a.type !== b.type || a.shape.join() !== b.shape.join() || b.end - b.begin !== length) return false
  const step = 4 * chunkNumbers
  for (let at = 0; at < length; at += step) {
    const end = Math.min(length, at + step)
    const ours = await bytesAt(source, place, a.name, a.begin + at, a.begin + end)
    const theirs = await bytesAt(source, place, b.name, b.begin + at, b.begin + end)
    if (!ours.every((byte, i) => byte === theirs[i])) return false
  }
  return true
}
