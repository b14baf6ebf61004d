/** How requests of HTTP and the parts of their answers travel as messages. */
import { TransportError } from '../../errors.ts'
import { maxPayload } from '../../seams/payload.ts'

/** A request as it is sent on. */
export interface RelayedRequest {
  readonly method: string
  /** Path and query, beginning with a slash. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Empty where there is none. */
  readonly body: Uint8Array
}

/** Who asks, and under which number. */
export interface Asking {
  /** A word, below which the parts of the answer are sent. */
  readonly door: string
  readonly call: number
}

/** Status and headers of an answer. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** The kinds of parts: the head, some of the body, its end, and that there will be none. */
export const kinds = ['head', 'data', 'end', 'failed'] as const

/** A part of an answer. */
export interface Frame {
  readonly call: number
  /** 0 for the first of an answer, and no number is left out. */
  readonly at: number
  readonly kind: (typeof kinds)[number]
  readonly bytes: Uint8Array
}

/** Call and place are numbers of 4 bytes, the kind has one. */
const frameHead = 9
/** Bytes of a body that fit into a part. */
export const partBytes: number = maxPayload - frameHead

/** A value as the bytes of its JSON. */
export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** The value of JSON. Throws TransportError for what is none. */
export function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown
  } catch (cause) {
    throw new TransportError(`relay: got ${bytes.length} bytes that are no JSON.`, { cause })
  }
}

/** The bytes of a request: its head as JSON behind the length of that, then its body. */
export function writeAsk(asking: Asking, { body, ...head }: RelayedRequest): Uint8Array {
  const json = jsonBytes({ ...asking, ...head })
  const bytes = new Uint8Array(4 + json.length + body.length)
  new DataView(bytes.buffer).setUint32(0, json.length)
  bytes.set(json, 4)
  bytes.set(body, 4 + json.length)
  return bytes
}

/** Throws TransportError for bytes that are no request. */
export function readAsk(bytes: Uint8Array): Asking & RelayedRequest {
  const length = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const head = jsonIn(bytes.subarray(4, 4 + length)) as Asking & RelayedRequest
  return { ...head, body: bytes.slice(4 + length) }
}

/** The bytes of a part. */
export function writeFrame({ call, at, kind, bytes: own }: Frame): Uint8Array {
  const bytes = new Uint8Array(frameHead + own.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, call)
  view.setUint32(4, at)
  bytes[8] = kinds.indexOf(kind)
  bytes.set(own, frameHead)
  return bytes
}

/** Null for bytes that are no part. */
export function readFrame(bytes: Uint8Array): Frame | null {
  if (bytes.length < frameHead || bytes[8] >= kinds.length) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return {
    ...{ call: view.getUint32(0), at: view.getUint32(4) },
    ...{ kind: kinds[bytes[8]], bytes: bytes.slice(frameHead) },
  }
}
