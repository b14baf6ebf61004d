/** Reads the body of a request as JSON, within bounds. */
import type { Context } from 'hono'
import type { z } from 'zod'
import type { Limits } from '../limits.ts'
import { ApiError } from './api-error.ts'

/**
 * The body, as a schema wants it.
 *
 * @throws ApiError 415 for another type than JSON, 413 for too many bytes, 400 for what is no JSON, lies too
 *   deep, or is not as the schema wants it.
 */
export async function readJson<T>(c: Context, schema: z.ZodType<T>, limits: Limits): Promise<T> {
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/json(;|$)/i.test(type.trim())) {
    throw new ApiError(415, 'expected the header Content-Type: application/json.', {
      code: 'unsupported_media_type',
    })
  }
  const text = await textOf(c, limits.bodyBytes)
  if (isDeeperThan(text, limits.depth)) {
    throw new ApiError(400, `the body lies deeper than ${limits.depth} lists and objects.`, {
      code: 'too_deep',
    })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ApiError(400, 'the body is no JSON.', { code: 'invalid_json' })
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined
  const param = pathText(unknown === undefined ? issue.path : [...issue.path, unknown])
  const message = unknown === undefined ? issue.message : 'there is no such parameter here'
  throw new ApiError(400, `${param === '' ? 'the body' : param}: ${message}.`, {
    ...(param !== '' && { param }),
    code: unknown === undefined ? 'invalid_value' : 'unknown_parameter',
  })
}

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((key, i) =>
      typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${String(key).slice(0, 100)}`,
    )
    .join('')

async function textOf(c: Context, most: number): Promise<string> {
  // What is announced need not be what comes, so both are looked at.
  if (Number(c.req.header('content-length') ?? 0) > most) throw tooLong(most)
  const { body } = c.req.raw
  if (body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body as unknown as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > most) throw tooLong(most)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function tooLong(most: number): ApiError {
  return new ApiError(413, `the body is longer than ${most} bytes.`, { code: 'body_too_large' })
}

/** Whether brackets lie deeper in each other than so many; those inside of texts do not count. */
function isDeeperThan(text: string, most: number): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i]
    if (char === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++
    } else if (char === '[' || char === '{') {
      if (++depth > most) return true
    } else if (char === ']' || char === '}') depth--
  }
  return false
}
