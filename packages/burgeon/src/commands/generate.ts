/** `burgeon generate --prompt TEXT`: lets a model speak. */
import { recallWhileWriting } from '@burgeon/continual'
import { generate as generateTokens } from '@burgeon/gpt'
import { inOrder, saidOf } from '../models/own-output.ts'
import { contextsOf, likeliestContext } from '../models/saved-labels.ts'
import { broughtModel } from '../models/open-model.ts'
import { recalledLine } from '../terminal/recalled-line.ts'
import { printable, printableLines } from '../terminal/terminal.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { exitCodes } from './exit-codes.ts'
import { UsageError } from '../terminal/usage-error.ts'

export interface GenerateCommandOptions {
  /** Checkpoint, folder or file of the model. */
  readonly from: string
  readonly prompt: string
  /** Domain whose label stands before it; the likeliest unless given, where the model has labels. */
  readonly label?: string
  readonly tokens: number
  readonly temperature: number
  readonly topK?: number
  readonly topP?: number
  readonly minP?: number
  readonly repetitionPenalty?: number
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  /** Texts before which it ends. */
  readonly stop?: readonly string[]
  readonly whenFull: 'slide' | 'stop' | 'error'
  readonly seed: number
  /** Prints one object of JSON when all is written. */
  readonly json: boolean
}

/** Runs the command: writes prompt and continuation as they come. Returns the exit code. */
export async function generate(options: GenerateCommandOptions, context: CommandContext): Promise<number> {
  const { from, prompt, label, stop = [], whenFull, json, ...sampling } = options
  if (prompt.length === 0)
    throw new UsageError('generate: got an empty --prompt; expected at least one character.')
  const opened = await broughtModel('generate', from, context)
  const { form, model, tokenizer, endTokens, recall, output } = opened
  // In a vocabulary of words the next one begins with its own blank; the prompt's would be one too many.
  const begun = tokenizer.vocabulary > 256 ? prompt.trimEnd() || prompt : prompt
  const contexts = contextsOf('generate', from, opened.labels, label)
  const stands = await likeliestContext(model, begun, contexts, tokenizer)
  // What a model writes must not drive the terminal, but its lines and tabs are its own.
  const show = (text: string): void => {
    if (!json) context.output.write(printableLines(text))
  }
  let isFirst = true
  const recalling = recall && recallWhileWriting(recall, tokenizer)
  const logitsProcessor = inOrder(recalling?.logitsProcessor, output?.logitsProcessor)
  const how = {
    ...{ ...sampling, tokenizer, stopTexts: stop, stopTokens: endTokens, onContextFull: whenFull },
    ...(logitsProcessor && { logitsProcessor }),
    ...(output && { textFilter: () => output.begin([begun]) }),
  }
  const begins = stands ? [...stands.tokens, ...tokenizer.encode(begun)] : begun
  const generation = generateTokens(model, [begins], how)
  for await (const { text = '' } of generation) {
    // The prompt comes with the first piece, so that a mistake in the options is all that is said about it.
    if (isFirst) show(begun)
    isFirst = false
    show(text)
    // A CPU device never waits; without this turn of the event loop neither Ctrl-C nor a closed pipe would be
    // heard.
    await new Promise((resolve) => setImmediate(resolve))
    if (context.stop.aborted || context.closed.aborted) break
  }
  if (isFirst) show(begun)
  const [written] = await generation
  const recalled = saidOf(recalling?.recalledIn(0, written), output)
  if (json) {
    const { text = '', tokens, finish } = written
    const line = { model: from, form, prompt: begun, text, tokens: tokens.length, finish }
    const more = { ...(stands && { label: stands.name }), ...(recalled && { recalled }) }
    context.output.write(`${JSON.stringify({ ...line, ...more })}\n`)
  } else {
    context.output.write('\n')
    if (stands && label === undefined)
      context.status.write(
        `Written as ${printable(stands.name)} (${stands.probability.toFixed(2)} by the prompt).\n`,
      )
    context.status.write(recalledLine(recalled ?? []))
  }
  return exitCodes[String(context.stop.reason)] ?? 0
}
