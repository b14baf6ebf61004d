/**
 * What stages are told and answer, as bytes: a safetensors file whose metadata hold the kind and a few facts. All
 * numbers that may be of any kind (losses, norms) travel as tensors, so that none is rounded or lost.
 */
import {
  arrayFromRaw,
  BadFileError,
  type RawArray,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import { ShardError } from '../shard-error.ts'

/** Real numbers: of single precision, or of double from a device that has those. */
export type Reals = Float32Array | Float64Array

/** Numbers with a shape. */
export interface Numbers {
  readonly shape: readonly number[]
  readonly data: Reals | Int32Array
}

/** A message: its kind, facts as JSON, and numbers by name. */
export interface StageMessage {
  readonly kind: string
  readonly facts: Readonly<Record<string, unknown>>
  readonly numbers: ReadonlyMap<string, Numbers>
}

/** Makes a message. */
export function messageOf(
  kind: string,
  facts: Readonly<Record<string, unknown>> = {},
  numbers: Readonly<Record<string, Numbers | undefined>> = {},
): StageMessage {
  const given = Object.entries(numbers).filter((entry): entry is [string, Numbers] => entry[1] !== undefined)
  return { kind, facts, numbers: new Map(given) }
}

/** The bytes of a message. */
export function writeMessage({ kind, facts, numbers }: StageMessage): Uint8Array {
  const tensors = [...numbers].map(([name, { shape, data }]) => [name, rawFromArray(data, shape)] as const)
  return writeSafetensors(new Map(tensors), { kind, facts: JSON.stringify(facts) })
}

/** @throws ShardError for bytes that are no message. */
export function readMessage(bytes: Uint8Array): StageMessage {
  const fail = (why: string): never => {
    throw new ShardError(
      `stage: got ${bytes.length} bytes that are no message: ${why} Are both sides of one version?`,
    )
  }
  try {
    const { tensors, metadata } = readSafetensors(bytes)
    const facts: unknown = JSON.parse(metadata.get('facts') ?? 'null')
    const kind = metadata.get('kind')
    if (kind === undefined || typeof facts !== 'object' || facts === null) return fail('they have no kind.')
    const numbers = new Map<string, Numbers>()
    for (const [name, raw] of tensors) {
      const data: RawArray = arrayFromRaw(raw)
      if (!isWanted(data)) return fail(`${name} is ${raw.type}.`)
      numbers.set(name, { shape: raw.shape, data })
    }
    return { kind, facts: facts as Record<string, unknown>, numbers }
  } catch (error) {
    if (error instanceof BadFileError || error instanceof SyntaxError) return fail(error.message)
    throw error
  }
}

const isWanted = (data: RawArray): data is Float32Array | Int32Array | Float64Array =>
  data instanceof Float32Array || data instanceof Int32Array || data instanceof Float64Array

/** A fact that is a whole number from 0. Throws ShardError for another. */
export function countIn({ kind, facts }: StageMessage, name: string): number {
  const value = facts[name]
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  throw new ShardError(`stage: got ${kind} with ${name} ${String(value)}; expected a whole number from 0.`)
}

/** Real numbers of a message, as wide as the device has them. Throws ShardError if there are none of that name. */
export function realsIn({ kind, numbers }: StageMessage, name: string): Numbers & { readonly data: Reals } {
  const found = numbers.get(name)
  if (found !== undefined && !(found.data instanceof Int32Array))
    return { shape: found.shape, data: found.data }
  throw new ShardError(`stage: got ${kind} without ${name}; expected numbers.`)
}

/** Whole numbers of a message. Throws ShardError if there are none of that name. */
export function integersIn(
  { kind, numbers }: StageMessage,
  name: string,
): Numbers & { readonly data: Int32Array } {
  const found = numbers.get(name)
  if (found?.data instanceof Int32Array) return { shape: found.shape, data: found.data }
  throw new ShardError(`stage: got ${kind} without ${name}; expected whole numbers.`)
}
