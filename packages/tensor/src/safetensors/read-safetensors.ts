/**
 * Reads the safetensors format, and trusts nothing in it: every length is checked against bytes that are
 * there.
 */
import { checkArgument, checkOptions, type ChecksOf } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { BadFileError } from './bad-file-error.ts'
import { fileLimits } from './file-limits.ts'
import { HeaderReader, shown } from './header-reader.ts'
import { byteLengthOf, elementBytes, type RawTensor, type RawType } from './raw-tensor.ts'

/** What a file may hold. */
export interface SafetensorsLimits {
  /** Default 16 MB. */
  readonly headerBytes?: number
  /** Default 50,000. */
  readonly tensors?: number
}

/** What a file holds. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, RawTensor>
  readonly metadata: ReadonlyMap<string, string>
}

/**
 * The tensors of a file. Their bytes are views of it.
 *
 * @throws BadFileError, and nothing else, for any bytes that are not a whole and consistent safetensors file:
 *   the tensors must cover the data without gap or overlap, and each must have the size that its shape and
 *   type say.
 */
export function readSafetensors(source: Uint8Array, limits: SafetensorsLimits = {}): SafetensorsFile {
  checkArgument('readSafetensors', 'source', source, checks.instance('a Uint8Array', Uint8Array))
  checkOptions('readSafetensors', limits, limitChecks)
  const { headerBytes: maxBytes, tensors: maxTensors } = { ...fileLimits, ...limits }
  // Of Node's Buffer the views would be Buffers, whose slice() is no copy.
  const file = new Uint8Array(source.buffer, source.byteOffset, source.length)
  const dataAt = 8 + headerLength(file.subarray(0, 8), file.length, maxBytes)
  // A copy, because browsers decode no memory that threads share.
  const header = decodeHeader(file.slice(8, dataAt))
  const { entries, metadata } = parseHeader(header, file.length - dataAt, maxTensors)
  const tensors = new Map(
    [...entries].map(([name, { type, shape, begin, end }]) => {
      return [name, { type, shape, bytes: file.subarray(dataAt + begin, dataAt + end) }]
    }),
  )
  return { tensors, metadata }
}

/** Checks of `SafetensorsLimits`. */
export const limitChecks: ChecksOf<SafetensorsLimits> = {
  headerBytes: checks.number({ from: 0, infinite: true }),
  tensors: checks.number({ from: 0, infinite: true }),
}

/** Where a tensor lies in the data, and what its bytes mean. */
export interface HeaderEntry {
  readonly type: RawType
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

/** Tensors and metadata of a header, held against the bytes of data that there are. Throws BadFileError. */
export function parseHeader(
  header: string,
  dataBytes: number,
  maxTensors: number,
): { entries: Map<string, HeaderEntry>; metadata: Map<string, string> } {
  const entries = new Map<string, HeaderEntry>()
  const metadata = new Map<string, string>()
  const reader = new HeaderReader(header)
  reader.object('the header', (name) => {
    if (name === '__metadata__') {
      reader.object(name, (key) => {
        if (metadata.size === fileLimits.metadata) {
          throw new BadFileError(`safetensors: ${name} has more than ${fileLimits.metadata} entries.`)
        }
        metadata.set(key, reader.string(`metadata ${shown(key)}`))
      })
    } else if (entries.size === maxTensors) {
      throw new BadFileError(`safetensors: the header lists more than ${maxTensors} tensors.`)
    } else entries.set(name, entryOf(reader, name))
  })
  reader.end()
  checkCoverage(entries, dataBytes)
  return { entries, metadata }
}

/** The header's length, from the first 8 bytes of a file of `size` bytes. Throws BadFileError. */
export function headerLength(start: Uint8Array, size: number, maxBytes: number): number {
  if (start.length < 8) {
    throw new BadFileError(`safetensors: got ${size} bytes; expected at least the 8 of the header's length.`)
  }
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true)
  if (Number(length) > maxBytes || length > BigInt(size - 8)) {
    throw new BadFileError(
      `safetensors: the header's length is ${length}; expected at most ${Math.min(maxBytes, size - 8)}.`,
    )
  }
  return Number(length)
}

/** The text of a header. Throws BadFileError. */
export function decodeHeader(bytes: Uint8Array): string {
  // The format wants `{` at once: a file may not begin with what is something else to another reader.
  if (bytes[0] !== 0x7b) throw new BadFileError('safetensors: the header does not begin with {.')
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new BadFileError('safetensors: the header is not valid UTF-8.')
  }
}

function entryOf(reader: HeaderReader, rawName: string): HeaderEntry {
  const name = shown(rawName)
  const found: { type?: string; shape?: number[]; offsets?: number[] } = {}
  reader.object(`tensor ${name}`, (key) => {
    if (key === 'dtype') found.type = reader.string(`dtype of ${name}`)
    else if (key === 'shape') found.shape = reader.integers(`shape of ${name}`, fileLimits.rank)
    else if (key === 'data_offsets') found.offsets = reader.integers(`data_offsets of ${name}`, 2)
    else throw new BadFileError(`safetensors: tensor ${name} has the unknown key ${shown(key)}.`)
  })
  const { type, shape, offsets } = found
  if (type === undefined || shape === undefined || offsets?.length !== 2) {
    throw new BadFileError(`safetensors: tensor ${name} needs dtype, shape and two data_offsets.`)
  }
  if (!Object.hasOwn(elementBytes, type)) {
    throw new BadFileError(
      `safetensors: tensor ${name} has dtype ${shown(type)}; expected one of ${Object.keys(elementBytes).join(', ')}.`,
    )
  }
  const [begin, end] = offsets as [number, number]
  const bytes = byteLengthOf(type as RawType, shape)
  if (end < begin || bytes !== end - begin) {
    throw new BadFileError(
      `safetensors: tensor ${name} has data_offsets [${begin}, ${end}]; expected ${bytes} bytes for ` +
        `${type} [${shape.join(', ')}].`,
    )
  }
  return { type: type as RawType, shape, begin, end }
}

function checkCoverage(entries: ReadonlyMap<string, HeaderEntry>, dataBytes: number): void {
  let covered = 0
  const ordered = [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)
  for (const [name, { begin, end }] of ordered) {
    if (begin !== covered) {
      throw new BadFileError(
        `safetensors: tensor ${shown(name)} begins at byte ${begin} of the data; expected ${covered}, without gap or overlap.`,
      )
    }
    covered = end
  }
  if (covered !== dataBytes) {
    throw new BadFileError(
      `safetensors: the tensors cover ${covered} bytes; the file has ${dataBytes} bytes of data.`,
    )
  }
}
