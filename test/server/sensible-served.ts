/** A small life that reads and writes pictures and sound, as a server has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { grey, pcm8, type Raster, senseRequest, series, writeTable } from '@burgeon/senses'
import type { ServedModel } from '@burgeon/server'
import { buildLearner, emptyRecord, type LifeSettings, saveLife } from 'burgeon/session'
import { onTestFinished } from 'vitest'
import { servedLife, smallServed } from './small-served.ts'

/** A grey picture. */
export const picture = (side: number, shade = 3): Raster => ({
  ...{ width: side, height: side },
  pixels: Uint8Array.from({ length: side * side }, (_, i) => (shade * i) % 256),
})

/** Degrees of a hall, one of them missing, and the same as a file. */
const hall = Float64Array.from({ length: 40 }, (_, i) => (i === 7 ? NaN : 20 + 4 * Math.sin(i / 4)))
export const table: string = new TextDecoder().decode(writeTable({ names: ['degrees'], columns: [hall] }))

/** A hundredth of a second. */
export const sound = { rate: 8000, samples: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)) }

/** A life that has grown pictures of 8×8 pixels and sound, served. */
export async function sensibleServed(
  readOnly = false,
  change: Partial<LifeSettings> = {},
): Promise<ServedModel> {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-served-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const settings = { ...servedLife, vocabulary: 256, maxParameters: 1_000_000, senses: true, ...change }
  const learner = buildLearner(settings)
  await learner.grow(senseRequest(grey, picture(8), { share: 0.01 }), [1, 1])
  await learner.grow(senseRequest(pcm8, sound), [1, 2])
  await learner.grow(senseRequest(series, { channels: [hall] }), [1, 3])
  const place = join(folder, 'life')
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(place), { settings, learner, record })
  return smallServed(place, readOnly)
}
