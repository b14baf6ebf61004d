/** A talk with the model. Answers come as they are written. */
import { ask, AskError, eventsOf, fetched } from '../ask.ts'
import { byId, element, part, say } from '../elements.ts'
import { judging } from './judge.ts'
import { type ContentPart, partOf, type Piece as SentPiece, pieceOf, shown } from './pieces.ts'
import { explaining } from './why.ts'

/** The model that is served. */
export interface Model {
  readonly id: string
  /** Tokens that it sees at once. */
  readonly context: number
  readonly learns: boolean
}

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string | readonly ContentPart[]
  /** Tokens of its text, with those that say who speaks. */
  readonly tokens: number
}

/** Tokens that say who speaks, at a guess: `Assistant: ` in bytes. */
const roleTokens = 12
/** Share of the context that an answer has for itself. */
const forAnswer = 0.25
const maxTokens = 512
/** A little below 1: small models say more of what is likely. */
const temperature = 0.7

let talk: Message[] = []
let writing: AbortController | null = null

/** Has the form send, and the buttons stop and begin anew. */
export function watchTalk(modelOf: () => Model): void {
  const message = byId('message', HTMLTextAreaElement)
  const form = byId('talk-form', HTMLFormElement)
  const files = byId('files', HTMLInputElement)
  const list = part('messages')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const content = message.value.trim()
    if (content === '' || writing !== null) return
    const chosen = part('attach').hidden ? [] : [...(files.files ?? [])]
    // Nothing else is sent while they are read.
    writing = new AbortController()
    void Promise.all(chosen.map(pieceOf))
      .then((pieces) => {
        message.value = files.value = ''
        return send(modelOf(), content, pieces)
      })
      .catch((error: unknown) => {
        writing = null
        say((error as Error).message)
      })
  })
  message.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
    event.preventDefault()
    form.requestSubmit()
  })
  part('stop').addEventListener('click', () => writing?.abort())
  part('anew').addEventListener('click', () => {
    writing?.abort()
    talk = []
    list.replaceChildren()
    list.hidden = part('anew').hidden = true
    message.focus()
  })
}

/** Sends a message, and shows the answer piece by piece. */
async function send(model: Model, content: string, pieces: readonly SentPiece[]): Promise<void> {
  const stop = new AbortController()
  writing = stop
  const list = part('messages')
  list.hidden = part('anew').hidden = part('stop').hidden = false
  part('send').hidden = true
  const mine = [element('p.text', content), ...pieces.map(shown)]
  list.append(element('li.mine', element('p.who', 'You'), ...mine))
  const text = element('p.text')
  const item = element('li.its', element('p.who', model.id), text)
  item.ariaBusy = 'true'
  list.append(item)
  const atEnd = (): void => {
    list.scrollTop = list.scrollHeight
  }
  atEnd()
  const own: Said = { id: '', text: '', tokens: 0, recalled: [] }
  const begun = talk
  const before = begun.length
  try {
    const parts = [{ type: 'text' as const, text: content }, ...pieces.map(partOf)]
    const whole = pieces.length === 0 ? content : parts
    begun.push({ role: 'user', content: whole, tokens: await tokensOf(content) })
    for await (const { data } of eventsOf(await begin(model, stop.signal))) {
      if (data === '[DONE]') break
      hear(own, JSON.parse(data) as Piece)
      text.textContent = own.text.trim()
      atEnd()
    }
    if (own.recalled.length > 0) item.append(element('p.note', recalledText(own.recalled)))
    if (own.text.trim() === '') text.append(element('span.note', 'It says nothing.'))
    item.append(...below(model, own))
    // The whole of it, and not piece by piece.
    part('answered').textContent = `${model.id}: ${own.text.trim() || 'nothing'}`
  } catch (error) {
    if (stop.signal.aborted) text.append(element('span.note', ' Stopped.'))
    else text.append(element('span.note', (error as Error).message))
  } finally {
    // What was said so far belongs to the talk; a message without an answer does not.
    if (own.text === '') begun.length = before
    else begun.push({ role: 'assistant', content: own.text.trim(), tokens: own.tokens + roleTokens })
    writing = null
    item.ariaBusy = null
    part('stop').hidden = true
    part('send').hidden = false
    atEnd()
  }
}

/** What can be said of an answer, and asked about it. */
function below({ id, learns }: Model, { id: answer, text }: Said): readonly Node[] {
  const [own, ...more] = learns ? judging(answer, text) : [element('div.line judge')]
  if (text.trim() === '') return [own, ...more]
  const [why, told] = explaining(id, answer)
  own.append(why)
  return [own, ...more, told]
}

/** An answer so far. */
interface Said {
  id: string
  text: string
  tokens: number
  /** Passages that it was written from. */
  recalled: readonly Passage[]
}

interface Passage {
  readonly source: string | null
  readonly domain: string
  readonly text: string
}

const recalledText = (passages: readonly Passage[]): string =>
  `Recalled: ${passages.map(({ text, source, domain }) => `“${text.trim()}” (${source ?? domain})`).join(', ')}`

function hear(own: Said, piece: Piece): void {
  if ('error' in piece) throw new Error(piece.error.message)
  own.id = piece.id
  own.text += piece.choices[0]?.delta.content ?? ''
  own.tokens++
  own.recalled = piece.recalled ?? own.recalled
}

type Piece =
  | {
      readonly id: string
      readonly choices: readonly { readonly delta: { readonly content?: string } }[]
      readonly recalled?: readonly Passage[]
    }
  | { readonly error: { readonly message: string } }

/** Begins an answer to as much of the talk as leaves room for one; what was said long ago is left out. */
async function begin({ id, context }: Model, signal: AbortSignal): Promise<Response> {
  let room = context * (1 - forAnswer)
  let from = talk.length - 1
  room -= talk[from].tokens
  while (from > 0 && talk[from - 1].tokens <= room) room -= talk[--from].tokens
  for (;;) {
    const messages = talk.slice(from).map(({ role, content }) => ({ role, content }))
    try {
      return await fetched(
        '/v1/chat/completions',
        { model: id, messages, stream: true, max_tokens: maxTokens, temperature },
        { signal },
      )
    } catch (error) {
      // A template may write more than was guessed.
      const isTooLong = error instanceof AskError && error.code === 'context_length_exceeded'
      if (!isTooLong || from === talk.length - 1) throw error
      from++
    }
  }
}

async function tokensOf(content: string): Promise<number> {
  return (await ask<{ readonly count: number }>('/tokenize', { content })).count + roleTokens
}
