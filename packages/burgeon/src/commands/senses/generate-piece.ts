/** `burgeon generate --sense NAME -o FILE`: a picture or sound that a model writes. */
import { extname } from 'node:path'
import { broughtModel } from '../../models/open-model.ts'
import { findSenses } from '../../sources/media/find-senses.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { byteSize } from '../../terminal/quantities.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { stoppable } from './stoppable-model.ts'
import { checkNoFile, writeNewFile } from './new-file.ts'
import { type NamedSense, senseCalled } from '../../session/media/senses-of.ts'
import { mediaOf, writePiece } from '../../session/media/write-piece.ts'

/** What is to be written, and where. */
export interface GeneratePieceOptions {
  /** Checkpoint of the model. */
  readonly from: string
  /** Codec, or the whole name of a sense and size. */
  readonly sense: string
  /** File that is written: `.png` or `.wav`. */
  readonly out?: string
  /** Name that stands before the piece. */
  readonly prompt?: string
  /** Seconds of sound; as long as the context holds unless given. */
  readonly seconds?: number
  readonly temperature: number
  readonly topK?: number
  readonly topP?: number
  readonly seed: number
  readonly json: boolean
}

/** Endings of files by what they hold. */
const endings = { 'image/png': '.png', 'audio/wav': '.wav' } as const

/** Runs the command. Returns the exit code. */
export async function generatePiece(options: GeneratePieceOptions, context: CommandContext): Promise<number> {
  const { from, out, json } = options
  if (out === undefined)
    throw new UsageError('generate: got --sense without --out; expected a file, .png or .wav.')
  const senses = await findSenses('generate')
  const { model, output } = await broughtModel('generate', from, context)
  if (output !== undefined) {
    throw new UsageError(
      `generate: the life in ${printable(from)} has a policy of what may be said, which judges text alone; expected no --sense.`,
    )
  }
  const sense = senseCalled('generate', model, options.sense, from)
  checkForm(sense, out)
  await checkNoFile('generate', out)
  const { prompt, seconds, temperature, topK, topP, seed } = options
  const drawing = {
    ...{ temperature, seed, signal: context.stop },
    ...(prompt !== undefined && { prompt }),
    ...(seconds !== undefined && { seconds }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
  }
  const written = await writePiece('generate', senses, stoppable(model), sense, drawing).catch(
    (error: unknown) => {
      if (context.stop.aborted) return null
      throw error
    },
  )
  if (written === null) {
    context.status.write('Stopped before the piece was whole; nothing was written.\n')
    return exitCodes[String(context.stop.reason)] ?? 0
  }
  await writeNewFile('generate', out, written)
  const { label } = sense
  const line = { model: from, sense: label, prompt: options.prompt ?? '', file: out, bytes: written.length }
  context.output.write(
    json ? `${JSON.stringify(line)}\n` : `Wrote ${printable(out)}: ${label}, ${byteSize(written.length)}.\n`,
  )
  return exitCodes[String(context.stop.reason)] ?? 0
}

function checkForm({ codec, label }: NamedSense, out: string): void {
  if (codec === 'series') {
    throw new UsageError(
      'generate: a series is told from what came before it; expected burgeon forecast FILE.csv.',
    )
  }
  const media = mediaOf(codec)
  if (media === null) {
    throw new UsageError(`generate: got ${label}, of which no file is written; expected grey, rgb or pcm8.`)
  }
  const ending = endings[media]
  if (extname(out).toLowerCase() === ending) return
  throw new UsageError(
    `generate: got ${printable(out)} for ${label}; expected a file that ends with ${ending}.`,
  )
}
