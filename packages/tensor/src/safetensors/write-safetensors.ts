/** Writes the safetensors format: a length, a JSON header, and the tensors' bytes without gaps. */
import { checkArgument } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import { OptionError } from '../errors.ts'
import { fileLimits } from './file-limits.ts'
import { halfLetter, shown } from './header-reader.ts'
import { byteLengthOf, elementBytes, type RawTensor, requireRaw } from './raw-tensor.ts'

/**
 * Writes a safetensors file. The same content gives the same bytes: tensors are in the order of their element
 * size (largest first, so that each is aligned) and then of their name.
 *
 * @param tensors By name; `__metadata__` is the format's own.
 * @param metadata Strings for people and tools.
 * @throws OptionError for contents that `readSafetensors` would not read back: a tensor whose bytes do not
 *   fit its shape, or more than its limits allow.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, RawTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  checkArgument(
    'writeSafetensors',
    'tensors',
    tensors,
    checks.instance<ReadonlyMap<string, RawTensor>>('a Map of tensors by name', Map),
  )
  checkArgument('writeSafetensors', 'metadata', metadata, checks.object('an object of strings by name'))
  const notes = Object.entries(metadata).sort(byName)
  requireLimit(tensors.size, fileLimits.tensors, 'tensors')
  requireLimit(notes.length, fileLimits.metadata, 'metadata entries')
  for (const [name, tensor] of tensors) checkRaw(name, tensor)
  const ordered = [...tensors].sort(
    (a, b) => elementBytes[b[1].type] - elementBytes[a[1].type] || byName(a, b),
  )
  const members = notes.length > 0 ? [`"__metadata__":{${notes.map(noteMember).join()}}`] : []
  let dataBytes = 0
  for (const [name, tensor] of ordered) {
    const end = dataBytes + tensor.bytes.length
    const fields = { dtype: tensor.type, shape: tensor.shape, data_offsets: [dataBytes, end] }
    members.push(`${JSON.stringify(name)}:${JSON.stringify(fields)}`)
    dataBytes = end
  }
  // The text is written member by member: in an object a tensor named __proto__ would vanish.
  const text = new TextEncoder().encode(`{${members.join()}}`)
  const headerBytes = Math.ceil(text.length / 8) * 8
  requireLimit(headerBytes, fileLimits.headerBytes, 'bytes of header')
  const file = new Uint8Array(8 + headerBytes + dataBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true)
  file.fill(0x20, 8, 8 + headerBytes)
  file.set(text, 8)
  let at = 8 + headerBytes
  for (const [, { bytes }] of ordered) {
    file.set(bytes, at)
    at += bytes.length
  }
  return file
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function noteMember([key, value]: readonly [string, unknown]): string {
  if (typeof value !== 'string' || halfLetter.test(key) || halfLetter.test(value)) {
    throw new OptionError(
      `writeSafetensors: got the metadata ${shown(key)}: ${shown(String(value))}; expected text of whole letters.`,
    )
  }
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`
}

function checkRaw(name: string, tensor: RawTensor): void {
  checkArgument('writeSafetensors', 'a name of tensors', name, checks.text)
  requireRaw('writeSafetensors', `tensors, of which ${shown(name)} is`, tensor)
  const { type, shape, bytes } = tensor
  const fail = (got: string, expected: string): never => {
    throw new OptionError(`writeSafetensors: tensor ${shown(name)} has ${got}; expected ${expected}.`)
  }
  if (name === '__metadata__' || halfLetter.test(name)) fail('this name', 'another: text of whole letters')
  if (!Object.hasOwn(elementBytes, type))
    fail(`type ${type}`, `one of ${Object.keys(elementBytes).join(', ')}`)
  if (shape.length > fileLimits.rank) fail(`${shape.length} dimensions`, `at most ${fileLimits.rank}`)
  const expected = byteLengthOf(type, shape)
  if (bytes.length !== expected)
    fail(`${bytes.length} bytes`, `${expected} for ${type} [${shape.join(', ')}]`)
}

function requireLimit(count: number, most: number, what: string): void {
  if (count > most) throw new OptionError(`writeSafetensors: got ${count} ${what}; expected at most ${most}.`)
}
