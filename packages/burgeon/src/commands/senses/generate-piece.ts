/** `burgeon generate --sense NAME -o FILE`: a picture or sound that a model writes. */
import { extname } from 'node:path'
import type { WritingModel } from '@burgeon/senses'
import { broughtModel } from '../../models/open-model.ts'
import { type FoundSenses, findSenses } from '../../sources/media/find-senses.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { byteSize } from '../../terminal/quantities.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { stoppable } from './stoppable-model.ts'
import { checkNoFile, writeNewFile } from './new-file.ts'
import { type NamedSense, senseCalled } from './senses-of.ts'

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

/** Samples of a second, and of a patch. */
const [soundRate, patchSamples] = [8000, 16]

/** Endings of files by codec. */
const endings: Readonly<Record<string, string>> = { grey: '.png', rgb: '.png', pcm8: '.wav' }

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
  const written = await filePiece(senses, stoppable(model), sense, options, context).catch(
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
  const ending = Object.hasOwn(endings, codec) ? endings[codec] : undefined
  if (ending === undefined) {
    throw new UsageError(`generate: got ${label}, of which no file is written; expected grey, rgb or pcm8.`)
  }
  if (extname(out).toLowerCase() === ending) return
  throw new UsageError(
    `generate: got ${printable(out)} for ${label}; expected a file that ends with ${ending}.`,
  )
}

/** The bytes of a file with a piece that the model writes. */
async function filePiece(
  senses: FoundSenses,
  model: WritingModel,
  { codec, size }: NamedSense,
  { prompt, seconds, temperature, topK, topP, seed }: GeneratePieceOptions,
  { stop }: CommandContext,
): Promise<Uint8Array> {
  // As the name of a picture stands before it in a folder that was learnt.
  const before = prompt === undefined ? '' : `${prompt}\n`
  const drawing = {
    ...{ before, temperature, seed, signal: stop },
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
  }
  if (codec === 'pcm8') {
    const room = model.config.context - 1 - new TextEncoder().encode(before).length
    const wanted = seconds === undefined ? room : Math.ceil((seconds * soundRate) / patchSamples)
    if (wanted > room) {
      throw new UsageError(
        `generate: got --seconds ${seconds}; expected at most ${(Math.max(0, room) * patchSamples) / soundRate}, for which the context has room.`,
      )
    }
    return senses.writeWav(
      await senses.generateSense(model, senses.pcm8, size, { ...drawing, frames: wanted }),
    )
  }
  if (seconds !== undefined)
    throw new UsageError('generate: got --seconds for a picture; expected it for sound.')
  const codecOfPictures = codec === 'rgb' ? senses.rgb : senses.grey
  const picture = await senses.generateSense(model, codecOfPictures, size, drawing)
  return senses.writePng({ ...picture, channels: codec === 'rgb' ? 3 : 1 })
}
