/**
 * Reads the safetensors format from something that gives ranges of bytes, so that no second copy of a large
 * file is held.
 */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { BadFileError } from './bad-file-error.ts'
import { fileLimits } from './file-limits.ts'
import {
  decodeHeader,
  headerLength,
  limitChecks,
  parseHeader,
  type SafetensorsLimits,
} from './read-safetensors.ts'
import type { RawTensor, RawType } from './raw-tensor.ts'
import { shown } from './header-reader.ts'

/** Something that gives ranges of bytes: a file, a blob, an answer to a range request. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number
  /** The bytes from `begin` up to but without `end`, a copy that belongs to the caller. */
  read(begin: number, end: number): Promise<Uint8Array>
}

/** What a header says of a tensor. */
export interface TensorEntry {
  readonly type: RawType
  readonly shape: readonly number[]
}

/** An open file, of which only the header has been read. */
export interface OpenSafetensors {
  readonly entries: ReadonlyMap<string, TensorEntry>
  readonly metadata: ReadonlyMap<string, string>
  /**
   * Reads one tensor.
   *
   * @throws BadFileError if there is none of that name, or the file has become shorter.
   */
  read(name: string): Promise<RawTensor>
}

/**
 * Opens a file: reads its header, and holds it against the file's size, as `readSafetensors` does.
 *
 * @throws BadFileError for what is no whole and consistent safetensors file. Nothing is allocated beyond its
 *   size.
 */
export async function openSafetensors(
  source: ByteSource,
  limits: SafetensorsLimits = {},
): Promise<OpenSafetensors> {
  checkArgument('openSafetensors', 'source', source, checks.role<ByteSource>('a ByteSource', 'size', 'read'))
  checkArgument('openSafetensors', 'source.size', source.size, checks.integer({ from: 0 }))
  checkOptions('openSafetensors', limits, limitChecks)
  const { headerBytes, tensors } = { ...fileLimits, ...limits }
  const length = headerLength(await bytesOf(source, 0, Math.min(8, source.size)), source.size, headerBytes)
  const dataAt = 8 + length
  const header = decodeHeader(await bytesOf(source, 8, dataAt))
  const { entries, metadata } = parseHeader(header, source.size - dataAt, tensors)
  return {
    entries,
    metadata,
    async read(name) {
      checkArgument('OpenSafetensors.read', 'name', name, checks.text)
      const entry = entries.get(name)
      if (entry === undefined) {
        throw new BadFileError(
          `safetensors: got the name ${shown(name)}; expected that of a tensor in the file.`,
        )
      }
      const { type, shape, begin, end } = entry
      return { type, shape, bytes: await bytesOf(source, dataAt + begin, dataAt + end) }
    },
  }
}

async function bytesOf(source: ByteSource, begin: number, end: number): Promise<Uint8Array> {
  if (begin === end) return new Uint8Array()
  const bytes = await source.read(begin, end)
  if (bytes instanceof Uint8Array && bytes.length === end - begin) return bytes
  throw new BadFileError(
    `safetensors: got ${bytes?.length} bytes from ${begin} on; expected ${end - begin}. Has the file been cut?`,
  )
}
