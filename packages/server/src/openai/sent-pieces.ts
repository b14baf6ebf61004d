/** Pictures and sound in the messages of a talk. */
import { randomUUID } from 'node:crypto'
import { type ChatMessage, type GrowingTokenizer, tokensWithin } from '@burgeon/gpt'
import { ApiError, refuseBy } from '../http/api-error.ts'
import type { ServedModel } from '../served/served-model.ts'
import type { SentPiece } from '../served/served-senses.ts'
import type { ContentPart, RequestMessage } from './requests.ts'

/** A talk whose pieces are held by marks, which no client knows. */
export interface ReadTalk {
  readonly messages: readonly ChatMessage[]
  /** Tokens of each piece by its mark. */
  readonly pieces: ReadonlyMap<string, readonly number[]>
}

/**
 * The messages as templates know them, with a mark in the place of each piece.
 *
 * @param most Pieces that a request may have.
 * @throws ApiError 400 for a piece that cannot be read here.
 */
export async function readTalk(
  served: ServedModel,
  messages: readonly RequestMessage[],
  most: number,
): Promise<ReadTalk> {
  const pieces = new Map<string, readonly number[]>()
  const read = async (part: ContentPart, role: string, param: string): Promise<string> => {
    if (part.type === 'text') return part.text
    if (role !== 'user') throw refused(param, `got a piece from ${role}; expected pieces of a user alone`)
    if (pieces.size >= most)
      throw refused('messages', `got more than ${most} pieces; expected at most as many`)
    const mark = `\uE000${randomUUID()}\uE000`
    pieces.set(mark, await tokensOf(served, fileIn(part, param), param))
    return mark
  }
  const texts: ChatMessage[] = []
  for (const [m, { role, content }] of messages.entries()) {
    const own: string[] = []
    const parts = typeof content === 'string' ? [{ type: 'text', text: content } as const] : content
    for (const [i, part] of parts.entries()) own.push(await read(part, role, `messages.${m}.content.${i}`))
    // What templates know: a developer speaks for the system.
    texts.push({ role: role === 'developer' ? 'system' : role, content: own.join('') })
  }
  return { messages: texts, pieces }
}

/** A prompt with the pieces in the places of their marks. */
export function withPieces(
  prompt: Int32Array,
  pieces: ReadTalk['pieces'],
  tokenizer: GrowingTokenizer,
): Int32Array {
  let tokens = [...prompt]
  for (const [mark, piece] of pieces) {
    const own = [...tokenizer.encode(mark)]
    const at = tokens.findIndex((_, i) => own.every((token, j) => tokens[i + j] === token))
    if (at < 0) throw refused('messages', 'the template of this model leaves pieces out; send text alone')
    tokens = [...tokens.slice(0, at), ...piece, ...tokens.slice(at + own.length)]
  }
  return Int32Array.from(tokens)
}

/** A talk as text, with U+FFFC in the place of each piece. */
export function withMarks(talk: string, pieces: ReadTalk['pieces']): string {
  return [...pieces.keys()].reduce((text, mark) => text.replace(mark, '\uFFFC'), talk)
}

/** Throws ApiError 400 for tokens and patches that leave no room for an answer. */
export function checkRoomForPieces({ model: { config } }: ServedModel, tokens: Int32Array): void {
  if (config.context > 2 && tokensWithin(config, tokens, config.context - 2) === tokens.length) return
  throw new ApiError(
    400,
    `messages: got more pieces and text than fit; the context of this model holds ${config.context} tokens and patches, and an answer needs room.`,
    { param: 'messages', code: 'context_length_exceeded' },
  )
}

async function tokensOf(
  { senses }: ServedModel,
  piece: SentPiece,
  param: string,
): Promise<readonly number[]> {
  if (senses === undefined)
    throw refused(param, 'this model reads text alone; expected { type: "text", text }')
  try {
    return await senses.tokensOf(piece)
  } catch (error) {
    return refuseBy(error, 400, param, { param, code: 'unreadable_piece' })
  }
}

/** The file that a part holds. */
function fileIn(part: Exclude<ContentPart, { type: 'text' }>, param: string): SentPiece {
  if (part.type === 'input_audio') {
    return { kind: 'sound', bytes: bytesIn(part.input_audio.data, param), name: 'input_audio' }
  }
  const { url } = part.image_url
  const comma = url.indexOf(',')
  if (url.slice(0, comma + 1) !== 'data:image/png;base64,') {
    throw refused(param, 'got another address; expected data:image/png;base64,… for nothing is fetched here')
  }
  return { kind: 'picture', bytes: bytesIn(url.slice(comma + 1), param), name: 'image_url' }
}

function bytesIn(base64: string, param: string): Uint8Array {
  if (/^[A-Za-z0-9+/]+={0,2}$/.test(base64) && base64.length % 4 === 0)
    return Uint8Array.from(Buffer.from(base64, 'base64'))
  throw refused(param, 'got data that is no base64; expected the bytes of a file as such')
}

function refused(param: string, what: string): ApiError {
  return new ApiError(400, `${param}: ${what}.`, { param })
}
