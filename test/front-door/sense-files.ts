/** A folder of text, pictures, sound and tables, and a small life that learns them. */
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { nodeDisk } from '@burgeon/gpt/node'
import { writeTable, writeWav } from '@burgeon/senses'
import { writePng } from '@burgeon/senses/node'
import { buildLearner, emptyRecord, type LifeSettings, saveLife } from 'burgeon/session'
import { written } from './small-checkout.ts'
import { smallLife, smallText } from './small-life.ts'

/** A small life of bytes alone, that reads media beside text. */
export const sensibleLife: LifeSettings = {
  ...smallLife,
  model: { ...smallLife.model, context: 48 },
  rows: 2,
  vocabulary: 256,
  maxParameters: 1_000_000,
  senses: true,
}

/** Grey pictures of 8×8 pixels, bright above or below. */
const picture = (isAbove: boolean, shade: number): Uint8Array =>
  writePng({
    ...{ width: 8, height: 8, channels: 1 },
    pixels: Uint8Array.from({ length: 64 }, (_, i) => (i < 32 === isAbove ? shade : 20)),
  })

/** A table of two columns of numbers, one with a gap. */
export const hall = (moments: number): Uint8Array =>
  writeTable({
    names: ['degrees', 'load'],
    columns: [
      Float64Array.from({ length: moments }, (_, i) => (i === 7 ? NaN : 20 + 4 * Math.sin(i / 4))),
      Float64Array.from({ length: moments }, (_, i) => i % 12),
    ],
  })

const tone = writeWav({
  rate: 8000,
  samples: Float32Array.from({ length: 1500 }, (_, i) => Math.sin(i / 5) / 2),
})

/** By path; pictures lie in folders that name them, and one of them is broken. */
export const mixedFiles: Readonly<Record<string, Uint8Array>> = {
  'inbox/notes.txt': smallText(20),
  ...Object.fromEntries(
    [0, 1, 2].flatMap((i) => [
      [`inbox/pictures/above/${i}.png`, picture(true, 200 + i)],
      [`inbox/pictures/below/${i}.png`, picture(false, 200 + i)],
    ]),
  ),
  'inbox/pictures/broken.png': picture(true, 9).subarray(0, 40),
  'inbox/sensors/hall.csv': hall(100),
  'inbox/sound/tone.wav': tone,
}

/** A folder with a life in `life` that has learnt nothing, and the files. */
export async function sensibleFolder(
  files: Readonly<Record<string, string | Uint8Array>> = mixedFiles,
  settings: LifeSettings = sensibleLife,
): Promise<string> {
  return sensibleLifeIn(await written(Object.entries(files)), settings)
}

/** Saves a life that has learnt nothing in `life` of a folder, which it returns. */
export async function sensibleLifeIn(folder: string, settings: LifeSettings = sensibleLife): Promise<string> {
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(join(folder, 'life')), { settings, learner, record })
  return folder
}

/** Width, height and pixels of a grey PNG file without filters, read by the letter of its specification. */
export function pixelsOf(file: Buffer): { width: number; height: number; pixels: number[] } {
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)]
  const data: Buffer[] = []
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT')
      data.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)))
  }
  const rows = inflateSync(Buffer.concat(data))
  const filters = Array.from({ length: height }, (_, y) => rows[y * (width + 1)])
  if (filters.some((filter) => filter !== 0) || file[24] !== 8 || file[25] !== 0)
    throw new Error('expected a grey picture of 8 bits without filters')
  return { width, height, pixels: [...rows].filter((_, i) => i % (width + 1) > 0) }
}
