/** Reads what stands before the numbers of a GGUF file: keys with values, and what it says of its tensors. */
import { type ByteSource, shown } from '@burgeon/tensor'
import { PretrainedError } from '../../config/pretrained-error.ts'
import { type BlockType, blockTypeOf } from './block-types.ts'
import { GgufCursor, named } from './gguf-cursor.ts'
import { type GgufValue, readValue } from './gguf-value.ts'

/** What a file says of a tensor. */
export interface GgufTensor {
  readonly name: string
  /** Row-major, as PyTorch would say it: a linear map is [out, in]. */
  readonly shape: readonly number[]
  /** How its numbers are stored, such as `F32` or `Q4_0`. */
  readonly type: string
  /** Undefined for types whose size is not known. */
  readonly blocks: BlockType | undefined
  /** Where its bytes begin and end in the file. */
  readonly begin: number
  readonly end: number
}

/** A file without its numbers. */
export interface GgufHeader {
  readonly place: string
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

/** Bytes that the shortest pair and the shortest description of a tensor take. */
const [shortestPair, shortestTensor] = [13, 32]

/** Dimensions of a tensor at most. */
const maxDimensions = 4

/** @throws PretrainedError for what is no whole and consistent GGUF file of version 2 or 3. */
export async function readGgufHeader(source: ByteSource, place: string): Promise<GgufHeader> {
  const cursor = new GgufCursor(source, place)
  const magic = await cursor.u32('the first bytes')
  if (magic !== 0x46554747) cursor.refuse('other first bytes', 'GGUF, with which such files begin')
  const version = await cursor.u32('the version')
  if (version !== 2 && version !== 3) {
    const isTurned = version === 0x02000000 || version === 0x03000000
    cursor.refuse(isTurned ? 'a big-endian file' : `version ${version}`, 'version 2 or 3, little-endian')
  }
  const tensorCount = await cursor.u64('the number of tensors')
  const pairCount = await cursor.u64('the number of keys')
  if (tensorCount * shortestTensor + pairCount * shortestPair > cursor.left) {
    cursor.refuse(
      `${tensorCount} tensors and ${pairCount} keys in ${source.size} bytes`,
      'as many as the file has room for',
    )
  }
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < pairCount; i++) {
    const key = await cursor.text(`the name of key ${i}`)
    if (metadata.has(key)) cursor.refuse(`the key ${named(key)} twice`, 'it once')
    metadata.set(key, await readValue(cursor, `the key ${named(key)}`))
  }
  const described: Described[] = []
  for (let i = 0; i < tensorCount; i++) described.push(await readTensor(cursor, i))
  const alignment = alignmentOf(metadata, place)
  const dataAt = Math.ceil(cursor.position / alignment) * alignment
  const tensors = new Map<string, GgufTensor>()
  for (const { name, shape, code, offset } of described) {
    if (tensors.has(name)) cursor.refuse(`the tensor ${named(name)} twice`, 'it once')
    if (offset % alignment !== 0) {
      cursor.refuse(`tensor ${named(name)} at ${offset}`, `a multiple of general.alignment ${alignment}`)
    }
    const { type, blocks } = blockTypeOf(code)
    const begin = dataAt + offset
    const end = begin + bytesOf(cursor, name, shape, type, blocks)
    if (end > source.size) {
      cursor.refuse(
        `tensor ${named(name)} from byte ${begin} to ${end} of ${source.size}`,
        'all of it within the file. Has the file been cut?',
      )
    }
    tensors.set(name, { name, shape, type, blocks, begin, end })
  }
  checkApart(cursor, tensors)
  return { place, version, metadata, tensors }
}

interface Described {
  readonly name: string
  readonly shape: readonly number[]
  readonly code: number
  readonly offset: number
}

async function readTensor(cursor: GgufCursor, i: number): Promise<Described> {
  const name = await cursor.text(`the name of tensor ${i}`)
  const who = `tensor ${named(name)}`
  const dimensions = await cursor.u32(`the dimensions of ${who}`)
  if (dimensions > maxDimensions)
    cursor.refuse(`${dimensions} dimensions of ${who}`, `at most ${maxDimensions}`)
  const sizes: number[] = []
  for (let d = 0; d < dimensions; d++) {
    const size = await cursor.u64(`a size of ${who}`)
    if (size === 0) cursor.refuse(`${who} of size 0`, 'at least one number')
    sizes.push(size)
  }
  const code = await cursor.u32(`the type of ${who}`)
  return { name, shape: sizes.toReversed(), code, offset: await cursor.u64(`the offset of ${who}`) }
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>, place: string): number {
  const value = metadata.get('general.alignment') ?? 32
  const isPower = typeof value === 'number' && Number.isInteger(Math.log2(value)) && value <= 2 ** 20
  if (isPower && value >= 1) return value
  throw new PretrainedError(
    `${place}: got general.alignment ${shown(value)}; expected a power of two, at most ${2 ** 20}.`,
  )
}

/** Bytes of a tensor, of which each row is whole blocks; 0 for types whose size is not known. */
function bytesOf(
  cursor: GgufCursor,
  name: string,
  shape: readonly number[],
  type: string,
  blocks: BlockType | undefined,
): number {
  const numbers = shape.reduce((a, b) => a * b, 1)
  if (!Number.isSafeInteger(numbers * 8)) {
    cursor.refuse(`tensor ${named(name)} of shape [${shape.join(', ')}]`, 'fewer numbers')
  }
  if (blocks === undefined) return 0
  const width = shape.at(-1) ?? 1
  if (width % blocks.numbers !== 0) {
    cursor.refuse(
      `tensor ${named(name)} of type ${type} with rows of ${width}`,
      `rows of a multiple of ${blocks.numbers}`,
    )
  }
  return (numbers / blocks.numbers) * blocks.bytes
}

/** Throws PretrainedError for tensors that share bytes: one of the two cannot be what it says. */
function checkApart(cursor: GgufCursor, tensors: ReadonlyMap<string, GgufTensor>): void {
  const inOrder = [...tensors.values()].toSorted((a, b) => a.begin - b.begin)
  for (let i = 1; i < inOrder.length; i++) {
    const [before, after] = [inOrder[i - 1], inOrder[i]]
    if (before.end > after.begin) {
      cursor.refuse(
        `tensors ${named(before.name)} and ${named(after.name)} in the same bytes`,
        'each in its own',
      )
    }
  }
}
