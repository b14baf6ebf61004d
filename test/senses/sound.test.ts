/** Sound beside the tables of G.711 and a Fourier transform that is written out: see `gold/write-senses.py`. */
import { mel, pcm8, SenseError } from '@burgeon/senses'
import { expect, it } from 'vitest'
import { readGold } from '../gold/read-gold.ts'

interface SenseGold {
  readonly muLaw: {
    readonly runs: readonly (readonly [number, number])[]
    readonly outputs: readonly number[]
  }
  readonly logMel: { readonly samples: readonly number[]; readonly values: readonly number[] }
}

const gold = readGold('senses.json') as SenseGold

it('every sample of 16 bits has the byte of G.711', () => {
  const samples = Float32Array.from({ length: 65_536 }, (_, i) => (i - 32_768) / 32_768)
  const { bytes } = pcm8.encode({ rate: 8000, samples })
  const expected = gold.muLaw.runs.flatMap(([code, length]) => new Array<number>(length).fill(code))
  expect(expected).toHaveLength(65_536)
  expect(bytes.findIndex((byte, i) => byte !== expected[i])).toBe(-1)
})

it('every byte has the output of G.711, and two are zero', () => {
  const { samples } = pcm8.decode({ bytes: Uint8Array.from({ length: 256 }, (_, i) => i), size: [] })
  const { outputs } = gold.muLaw
  for (let code = 0; code < 128; code++) {
    expect(samples[255 - code] * 32_768).toBe(outputs[code])
    expect(samples[127 - code] * 32_768).toBe(-outputs[code])
  }
  expect([samples[0], samples[128]].map((x) => x * 32_768)).toEqual([-32_124, 32_124])
})

it('louder than a file can say is as loud as it can', () => {
  const { bytes } = pcm8.encode({ rate: 8000, samples: Float32Array.of(7, -7, 1, -1) })
  expect([...bytes]).toEqual([128, 0, 128, 0])
})

const { samples, values } = gold.logMel
const heard = { rate: 8000, samples: Float32Array.from(samples, (x) => x / 32_768) }

it('mel is the transform of the definition to half a level', () => {
  const decoded = mel.decode(mel.encode(heard))
  expect([decoded.frames, values.length]).toEqual([6, 6 * 40])
  const apart = values.map((value, i) => Math.abs(decoded.values[i] - value))
  expect(Math.max(...apart)).toBeLessThanOrEqual(3 / 255 / 2 + 1e-6)
  // The bytes themselves, and not only near ones: a symmetric window or another scale moves them.
  const wanted = values.map((value) => Math.min(255, Math.max(0, Math.round(((value + 1.5) / 3) * 255))))
  const differ = [...mel.encode(heard).bytes].filter((byte, i) => byte !== wanted[i])
  expect(differ.length).toBeLessThanOrEqual(1)
})

it('mel has ⌊(n − 200)/80⌋ + 1 frames, and silence is silent', () => {
  for (const [length, frames] of [
    ...[
      [0, 0],
      [199, 0],
      [200, 1],
      [279, 1],
      [280, 2],
    ],
    [8000, 98],
  ]) {
    const { bytes, patches } = mel.encode({ rate: 8000, samples: new Float32Array(length) })
    expect([bytes.length, patches.length]).toEqual([40 * frames, frames])
    expect(bytes.every((byte) => byte === 0)).toBe(true)
  }
})

it('the loudest possible sound is below the highest level', () => {
  const tones = [100, 1000, 3900].map((hertz) =>
    Float32Array.from({ length: 400 }, (_, i) => Math.sign(Math.sin((2 * Math.PI * hertz * i) / 8000))),
  )
  const loudest = [...tones, new Float32Array(400).fill(1)].flatMap((all) => [
    ...mel.encode({ rate: 8000, samples: all }).bytes,
  ])
  expect(Math.max(...loudest)).toBeLessThan(255)
})

it.each([
  [{ rate: 16_000, samples: new Float32Array(10) }, '16000 samples per second; expected 8000'],
  [{ rate: 8000, samples: Float32Array.of(0, NaN) }, 'NaN as sample 1'],
  [{ rate: 8000, samples: Float32Array.of(Infinity) }, 'Infinity as sample 0'],
])('%o is refused', (sound, message) => {
  for (const codec of [pcm8, mel]) {
    expect(() => codec.encode(sound)).toThrow(SenseError)
    expect(() => codec.encode(sound)).toThrow(message)
  }
})

it('half a frame is no frame', () => {
  expect(() => mel.decode({ bytes: new Uint8Array(39), size: [] })).toThrow(
    'mel: got 39 bytes; expected a multiple of 40.',
  )
})
