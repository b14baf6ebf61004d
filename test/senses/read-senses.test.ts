/** Folders of pictures, sound and tables: pieces in order, and files that are broken told by name. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BurgeonError } from '@burgeon/tensor'
import { pcm8, resampled, SenseError, series } from '@burgeon/senses'
import {
  type FoundPiece,
  hasPieces,
  readPieces,
  readSenses,
  type ReadSensesOptions,
} from '@burgeon/senses/node'
import { afterAll, describe, expect, it } from 'vitest'
import { writtenPng, writtenWav } from './written-media.ts'

const folder = mkdtempSync(join(tmpdir(), 'burgeon-senses-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const png = (kind: number, samples: number): Buffer => {
  const rows = Array.from({ length: 2 }, (_, y) =>
    Uint8Array.from({ length: 3 * samples }, (__, x) => 9 * x + y),
  )
  return writtenPng({ width: 3, height: 2, depth: 8, kind, rows, left: samples })
}
const tone = (rate: number, hertz: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate))
const wav = (rate: number, samples: Float32Array): Buffer =>
  writtenWav({ code: 1, bits: 16, rate }, new Uint8Array(Int16Array.from(samples, (x) => x * 32_767).buffer))

mkdirSync(join(folder, 'b/c'), { recursive: true })
writeFileSync(join(folder, 'b/c/deep.PNG'), png(2, 3))
writeFileSync(join(folder, 'a.png'), png(0, 1))
writeFileSync(join(folder, 'b/sound.wav'), wav(8000, tone(8000, 440, 500)))
writeFileSync(
  join(folder, 'z.csv'),
  `time,x,y\n${Array.from({ length: 7 }, (_, i) => `t${i},${i},${i * i}`).join('\n')}\n`,
)
writeFileSync(join(folder, '.hidden.png'), 'hidden')
writeFileSync(join(folder, 'notes.doc'), 'of no sense')
symlinkSync(join(folder, 'a.png'), join(folder, 'linked.png'))

const all = async (options: ReadSensesOptions = {}, from = folder) => {
  const found = []
  for await (const piece of readSenses(from, options)) found.push(piece)
  return found
}

describe('a folder', () => {
  it('is read in the order of its paths, each file by its form', async () => {
    const found = await all({ soundSamples: 200, moments: 4, past: 2 })
    expect(found.map(({ file, label }) => [file, label])).toEqual([
      ['a.png', 'grey/1 2×3'],
      ['b/c/deep.PNG', 'rgb/1 2×3'],
      ...[1, 2, 3].map(() => ['b/sound.wav', 'pcm8/1']),
      ['z.csv', 'series/1 2'],
      ['z.csv', 'series/1 2'],
    ])
  })

  it('gives pieces that a model can grow for and read, with scales of their past', async () => {
    const found = await all({ moments: 4, past: 2 })
    const last = found.at(-1)
    expect(last?.request()).toEqual({
      kind: 'addSense',
      name: 'series/1 2',
      header: 32,
      patches: [2],
      columns: 1,
      besideEmbed: 64,
      mixing: 8,
    })
    const config = { patches: { senses: [{ name: 'series/1 2', token: 300, end: 301 }] } }
    const part = (from: number, to: number) =>
      [0, 1].map((power) => Float64Array.from({ length: to - from }, (_, i) => (from + i) ** (power + 1)))
    const { bytes } = series.encode({ channels: part(4, 7), past: part(2, 4) })
    expect([...(last?.row(config, { text: 'a' }).tokens ?? [])]).toEqual([300, ...bytes, 301, 97])
  })

  it('of sound as mel has one frame each ten milliseconds', async () => {
    const found = await all({ sound: 'mel' })
    expect(found.map(({ label }) => label)).toContain('mel/1')
  })

  it('with a broken file throws its name, or tells it and goes on', async () => {
    const broken = join(folder, 'b/broken.wav')
    writeFileSync(broken, wav(8000, tone(8000, 440, 10)).subarray(0, 60))
    await expect(all()).rejects.toThrow(SenseError)
    await expect(all()).rejects.toThrow('b/broken.wav: got 60 bytes')
    const told: string[] = []
    const found = await all({ onBroken: ({ code, message }) => told.push(`${code} ${message.slice(0, 12)}`) })
    expect(told).toEqual(['truncated b/broken.wav'])
    expect(found).toHaveLength(4)
    rmSync(broken)
  })

  it('with files larger than allowed is told so before they are read', async () => {
    await expect(all({ bytes: 300 })).rejects.toThrow(/^b\/sound.wav: got \d+ bytes; expected at most 300/)
    await expect(all({ pixels: 5 })).rejects.toThrow('a.png: got 3×2 pixels')
    await expect(all({ samples: 499 })).rejects.toThrow('b/sound.wav: got 500 samples')
    await expect(all({ numbers: 20 })).rejects.toThrow('z.csv: got 7 lines')
  })

  it('that is none is an error', async () => {
    await expect(all({}, join(folder, 'nowhere'))).rejects.toThrow(SenseError)
    await expect(all({}, `${folder}\0`)).rejects.toThrow(BurgeonError)
  })
})

describe('one file', () => {
  const bytesOf = (file: string): Uint8Array => Uint8Array.from(readFileSync(join(folder, file)))
  const tokens = (piece: FoundPiece): number[] => {
    const config = { patches: { senses: [{ name: piece.label, token: 300, end: 301 }] } }
    return [...piece.row(config).tokens]
  }
  const cutting = { soundSamples: 200, moments: 2, past: 3 }

  it.each(['a.png', 'b/sound.wav', 'z.csv'])('%s is read on from the end of each of its pieces', (file) => {
    const bytes = bytesOf(file)
    const whole = readPieces(bytes, file, cutting)
    expect(whole.at(-1)?.end).toBe(bytes.length)
    for (const [i, { end }] of whole.entries()) {
      const rest = readPieces(bytes, file, { ...cutting, from: end })
      expect(rest.map(tokens)).toEqual(whole.slice(i + 1).map(tokens))
      expect(rest.map((piece) => piece.end)).toEqual(whole.slice(i + 1).map((piece) => piece.end))
    }
  })

  it('of a table ends its pieces where lines end, and measures what comes by what came before', () => {
    const bytes = bytesOf('z.csv')
    const text = new TextDecoder().decode(bytes)
    const [first, second] = readPieces(bytes, 'z.csv', cutting)
    expect(text.slice(0, first.end)).toBe('time,x,y\nt0,0,0\nt1,1,1\n')
    expect(text.slice(first.end, second.end)).toBe('t2,2,4\nt3,3,9\n')
    const [longer] = readPieces(Buffer.from(`${text}t7,7,49\n`), 'z.csv', { ...cutting, from: bytes.length })
    const column = (power: number, from: number, to: number) =>
      Float64Array.from({ length: to - from }, (_, i) => (from + i) ** power)
    const { bytes: wanted } = series.encode({
      channels: [column(1, 7, 8), column(2, 7, 8)],
      past: [column(1, 4, 7), column(2, 4, 7)],
    })
    expect(tokens(longer)).toEqual([300, ...wanted])
  })

  it('of another form is refused by its name', () => {
    expect([hasPieces('a.PNG'), hasPieces('b.wav'), hasPieces('c.csv'), hasPieces('png')]).toEqual([
      ...[true, true, true, false],
    ])
    expect(() => readPieces(Uint8Array.of(1), 'a.bmp')).toThrow('readPieces: got a.bmp')
    expect(() => readPieces(Uint8Array.of(1), 'a.png')).toThrow(SenseError)
  })
})

describe('resampled sound', () => {
  const at = (rate: number, hertz: number) =>
    resampled({ rate: 8000 * (rate / 8000), samples: tone(rate, hertz, rate / 4) }, 8000)

  it.each([11_025, 16_000, 44_100, 6000])('keeps what both rates can hold, from %i', (rate) => {
    const { samples } = at(rate, 440)
    expect(samples).toHaveLength(2000)
    const wanted = tone(8000, 440, 2000)
    // Away from its beginning and end, where the kernel reaches outside.
    const apart = Array.from(samples.subarray(200, 1800), (x, i) => Math.abs(x - wanted[200 + i]))
    expect(Math.max(...apart)).toBeLessThan(2e-3)
  })

  it('leaves out what the new rate cannot hold, and does not fold it back', () => {
    const { samples } = at(44_100, 6000)
    expect(Math.max(...samples.subarray(200, 1800).map(Math.abs))).toBeLessThan(5e-3)
  })

  it('at its own rate is itself, and what is no sound is refused', () => {
    const sound = { rate: 8000, samples: tone(8000, 440, 100) }
    expect(resampled(sound, 8000)).toBe(sound)
    expect(() => resampled({ rate: 16_000, samples: Float32Array.of(NaN) }, 8000)).toThrow('NaN as sample 0')
    expect(() => pcm8.encode({ rate: 16_000, samples: sound.samples })).toThrow('Resample it first')
  })
})
