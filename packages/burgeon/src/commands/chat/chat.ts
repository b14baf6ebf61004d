/** `burgeon chat`: a talk with a model, line by line. */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type Recalled, recallWhileWriting } from '@burgeon/continual'
import { type ChatMessage, type Generated, generate } from '@burgeon/gpt'
import { inOrder, saidOf } from '../../models/own-output.ts'
import { type OpenedModel, broughtModel } from '../../models/open-model.ts'
import { labelledPrompt } from '../../models/saved-labels.ts'
import { type Transcript, transcriptOf } from '../../models/transcript.ts'
import { orStopped } from '../../sources/or-stopped.ts'
import { count } from '../../terminal/quantities.ts'
import { recalledLine } from '../../terminal/recalled-line.ts'
import { isLive, palette, printableLines } from '../../terminal/terminal.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import {
  type GivenAnswer,
  learnInTalk,
  type LearntInTalk,
  learntLine,
  mistakeLine,
  type Said,
  saidBy,
} from './chat-feedback.ts'
import { exitCodes } from '../exit-codes.ts'
import type { GenerateCommandOptions } from '../generate.ts'

/** How an answer is written, as `generate` has it, and what a talk has beside; `tokens` are those of an answer. */
export interface ChatOptions extends Omit<GenerateCommandOptions, 'prompt' | 'stop' | 'whenFull'> {
  /** What stands before the talk. */
  readonly system?: string
  /** Writes a plain transcript, though the model has a chat template. */
  readonly plain: boolean
}

/** Runs the command: reads lines until there are no more. Returns the exit code. */
export async function chat(options: ChatOptions, context: CommandContext): Promise<number> {
  const { from, system, plain, json, ...how } = options
  let opened = await broughtModel('chat', from, context)
  const transcript = transcriptOf(opened.tokenizer, plain)
  const opening: ChatMessage[] = system === undefined ? [] : [{ role: 'system', content: system }]
  // A template that cannot be rendered is said before anybody has written anything.
  await transcript.promptOf([...opening, { role: 'user', content: 'Hello' }])
  const { strong } = palette(context.output, context.environment)
  const ask = (): void => {
    if (!json && isLive(context.output, context.environment)) context.output.write(strong('> '))
  }
  let talk: ChatMessage[] = []
  let turn = 0
  let given: GivenAnswer | null = null
  /** Has the life learn what a line says of the last answer. */
  const learn = async (said: Said): Promise<void> => {
    if (given === null || opened.form !== 'checkpoint') {
      const why = given === null ? 'there is no answer yet' : 'this model learns nothing'
      context.status.write(`burgeon: ${why}; what you said of it has no effect\n`)
      if (json) context.output.write(feedbackLine(said, null))
      return
    }
    const note = (text: string): void => void context.status.write(`burgeon: ${text}\n`)
    try {
      const { opened: now, ...learnt } = await learnInTalk(from, said, given, note)
      opened.model.parameters.dispose()
      opened = { ...opened, ...now }
      if (said.wanted !== null) talk = [...talk.slice(0, -1), { role: 'assistant', content: said.wanted }]
      if (json) context.output.write(feedbackLine(said, learnt))
      else context.status.write(learntLine(learnt))
    } catch (error) {
      context.status.write(mistakeLine(error))
      if (json) context.output.write(feedbackLine(said, null))
    }
  }
  ask()
  for await (const line of linesUntilStopped(context)) {
    const said = saidBy(line)
    if (said !== null) await learn(said)
    else if (line.trim() !== '') {
      talk.push({ role: 'user', content: line })
      const fitted = await fittingPrompt(opened, transcript, opening, talk, options.tokens)
      if (fitted === null) {
        const { context: limit } = opened.model.config
        context.status.write(
          `burgeon: chat: this line does not fit into the context of ${count(limit)} tokens and was left out; write less.\n`,
        )
        talk.pop()
        if (json) context.output.write(answerLine(null))
      } else {
        talk = [...fitted.talk]
        const seed = how.seed + turn++
        const written = await answer(opened, transcript, talk, fitted.prompt, { ...how, json, seed }, context)
        // An answer of which something was kept back is known by what was said.
        const isWhole = opened.tokenizer.decode(written.tokens).startsWith(written.text)
        const asWritten = isWhole ? written.tokens : opened.tokenizer.encode(written.text)
        const tokens = { prompt: [...fitted.prompt], tokens: [...asWritten], logProbability: null }
        given = { prompt: opened.tokenizer.decode(fitted.prompt), answer: written.text, written: tokens }
        talk.push({ role: 'assistant', content: written.text.trim() })
      }
    }
    if (context.closed.aborted) break
    ask()
  }
  if (!json && isLive(context.output, context.environment)) context.output.write('\n')
  return exitCodes[String(context.stop.reason)] ?? 0
}

/** What became of what was said of an answer, for programs; null where nothing was learnt. */
const feedbackLine = ({ kind }: Said, learnt: Omit<LearntInTalk, 'opened'> | null): string => {
  const { steps = 0, strength = 0, logRatio = null, isWaiting = false } = learnt ?? {}
  return `${JSON.stringify({ role: 'feedback', kind, steps, strength, logRatio, waiting: isWaiting })}\n`
}

/** An answer for programs; null where the line did not fit. */
const answerLine = (content: string | null, recalled?: readonly Recalled[]): string =>
  `${JSON.stringify({ role: 'assistant', content, ...(recalled && { recalled }) })}\n`

/** Writes one answer as it comes, and returns it as it was written. Ctrl-C ends it, and not the talk. */
async function answer(
  { model, tokenizer, endTokens, recall, labels, output }: OpenedModel,
  { stopTexts }: Transcript,
  talk: readonly ChatMessage[],
  prompt: Int32Array,
  { json, ...sampling }: Omit<ChatOptions, 'from' | 'system' | 'plain'>,
  context: CommandContext,
): Promise<Pick<Generated, 'text' | 'tokens'> & { readonly text: string }> {
  const ends = new AbortController()
  const release = context.onInterrupt?.(() => ends.abort())
  const recalling = recall && recallWhileWriting(recall, tokenizer)
  const logitsProcessor = inOrder(recalling?.logitsProcessor, output?.logitsProcessor)
  const said = talk.filter(({ role }) => role === 'assistant').map(({ content }) => content)
  const begun = await labelledPrompt(model, prompt, labels, tokenizer)
  const generation = generate(model, [begun], {
    ...{ ...sampling, tokenizer, stopTexts, stopTokens: endTokens, onContextFull: 'stop' as const },
    ...(logitsProcessor && { logitsProcessor }),
    ...(output && { textFilter: () => output.begin(said) }),
    signal: ends.signal,
  })
  let [whole, written] = ['', '']
  try {
    for await (const { text = '' } of generation) {
      whole += text
      const piece = written === '' ? text.trimStart() : text
      written += piece
      // What a model writes must not drive the terminal, but its lines and tabs are its own.
      if (!json) context.output.write(printableLines(piece))
      // A CPU device never waits; without this turn of the event loop neither Ctrl-C nor a closed pipe would
      // be heard.
      await new Promise((resolve) => setImmediate(resolve))
      if (context.stop.aborted || context.closed.aborted) ends.abort()
    }
  } finally {
    release?.()
  }
  const content = written.trimEnd()
  const [result] = await generation
  const recalled = saidOf(recalling?.recalledIn(0, result), output)
  context.output.write(json ? answerLine(content, recalled) : '\n')
  if (!json) context.status.write(recalledLine(recalled ?? []))
  return { text: whole, tokens: result.tokens }
}

/**
 * The prompt of a talk, without its oldest turns where it would leave no room for an answer; null if the last
 * line alone is too long.
 */
async function fittingPrompt(
  { model: { config } }: OpenedModel,
  transcript: Transcript,
  opening: readonly ChatMessage[],
  talk: readonly ChatMessage[],
  tokens: number,
): Promise<{ prompt: Int32Array; talk: readonly ChatMessage[] } | null> {
  const room = config.context - Math.min(tokens, Math.floor(config.context / 4))
  for (let from = 0; from < talk.length; from += 2) {
    const rest = talk.slice(from)
    const prompt = await transcript.promptOf([...opening, ...rest])
    if (prompt.length <= room) return { prompt, talk: rest }
  }
  return null
}

/** The lines of standard input, until there are no more, the user stops or nobody reads the answers. */
async function* linesUntilStopped({ input, stop, closed }: CommandContext): AsyncGenerator<string> {
  const source = input === undefined ? process.stdin : Readable.from(input)
  const reader = createInterface({ input: source, crlfDelay: Infinity, terminal: false })
  const lines = reader[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await orStopped(lines.next(), [stop, closed])
      if (next === null || next.done || stop.aborted) return
      yield next.value
    }
  } finally {
    reader.close()
    source.destroy()
  }
}
