/** `burgeon eval FILE --model PATH`: how well a model predicts a text. */
import { readFile } from 'node:fs/promises'
import { evaluateText } from '@burgeon/continual'
import { contextsOf } from '../models/saved-labels.ts'
import { broughtModel } from '../models/open-model.ts'
import { bitsPerByte, count } from '../terminal/quantities.ts'
import { table } from '../terminal/table.ts'
import { palette, printable } from '../terminal/terminal.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { exitCodes } from './exit-codes.ts'
import { UsageError } from '../terminal/usage-error.ts'

export interface EvalOptions {
  /** Checkpoint, folder or file of the model. */
  readonly model: string
  /** Domain whose label stands before it; it is inferred unless given, where the model has labels. */
  readonly label?: string
  /** Tokens that a prediction may see; the context, less a label, unless given. */
  readonly window?: number
  /** Tokens that each window but the first predicts anew; half a window unless given. */
  readonly stride?: number
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function evaluate(
  file: string,
  { model: path, label, window, stride, json }: EvalOptions,
  context: CommandContext,
): Promise<number> {
  const text = await textOf(file, context)
  const { form, model, tokenizer, labels } = await broughtModel('eval', path, context)
  const contexts = contextsOf('eval', path, labels, label)
  const limit = model.config.context - (contexts.at(0)?.tokens.length ?? 0)
  if (window !== undefined && window > limit) {
    throw new UsageError(
      `eval: got --window ${window}; expected at most the context of the model, ${limit}${contexts.length > 0 ? ' beside a label' : ''}.`,
    )
  }
  if (stride !== undefined && stride > (window ?? limit)) {
    throw new UsageError(
      `eval: got --stride ${stride}; expected at most the window of ${window ?? limit}, so that every token is predicted.`,
    )
  }
  const onProgress = async (): Promise<void> => {
    // A CPU device never waits; without this turn of the event loop Ctrl-C would not be heard.
    await new Promise((resolve) => setImmediate(resolve))
    context.stop.throwIfAborted()
    context.closed.throwIfAborted()
  }
  const some = contexts.length > 0 ? { contexts } : {}
  const options = { tokenizer, onProgress, ...some, ...(window && { window }), ...(stride && { stride }) }
  try {
    const result = await evaluateText(model, text, options)
    if (json) context.output.write(`${JSON.stringify({ file, model: path, form, ...result })}\n`)
    else {
      const { strong } = palette(context.output, context.environment)
      const facts: [string, string][] = [
        ['bits per byte', bitsPerByte(result.bitsPerByte)],
        ['nats per token', result.natsPerToken.toFixed(4)],
        ['perplexity', result.perplexity.toPrecision(6)],
        ['predicted', `${count(result.tokens)} tokens of ${count(result.bytes)} bytes`],
        [
          'windows',
          `${count(result.window)} tokens, ${count(result.stride)} of them new in each after the first`,
        ],
      ]
      const found = Object.entries(result.context ?? {}).map(
        ([name, share]) => `${printable(name)} ${share.toFixed(2)}`,
      )
      if (found.length > 0) facts.push(['label', found.join(', ')])
      const title = strong('Text')
      context.output.write(`${title}\n${table(['', `${printable(file)} in ${printable(path)}`], facts)}\n`)
    }
    return 0
  } catch (error) {
    if (!context.stop.aborted && !context.closed.aborted) throw error
    return exitCodes[String(context.stop.reason)] ?? 0
  }
}

async function textOf(file: string, { input }: CommandContext): Promise<Uint8Array> {
  const bytes = file === '-' ? await allOf(input ?? process.stdin) : await fileBytes(file)
  if (bytes.length >= 2) return bytes
  const name = file === '-' ? 'standard input' : printable(file)
  throw new UsageError(`eval: got ${bytes.length} bytes in ${name}; expected a text of 2 bytes or more.`)
}

function fileBytes(file: string): Promise<Uint8Array> {
  return readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'EISDIR' ? 'is a folder' : `cannot be read (${cause.code ?? cause.message})`
    throw new UsageError(`eval: ${printable(file)} ${what}; expected a file with text, or -.`, { cause })
  })
}

async function allOf(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of input) pieces.push(piece)
  return Buffer.concat(pieces)
}
