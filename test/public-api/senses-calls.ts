/** Right calls of `@burgeon/senses` and its other entry points. */
import * as api from '@burgeon/senses'
import * as nodeApi from '@burgeon/senses/node'
import * as testingApi from '@burgeon/senses/testing'
import { writtenPng, writtenWav } from '../senses/written-media.ts'
import type { Call, Calls, CallsOf } from './call.ts'

const pixels = (): Uint8Array => Uint8Array.of(1, 2, 3, 4, 5, 6)
const limits = (): api.MediaLimits => ({ pixels: 100, samples: 100, numbers: 100 })

/** Calls of both functions of a codec. */
function codecCalls<Piece extends object | string>(
  name: string,
  codec: api.Codec<Piece, unknown>,
  piece: () => Piece,
): Calls {
  const encode = (): Call => ({ args: { piece: piece() }, run: codec.encode, says: [name] })
  const decode = (): Call => {
    const { bytes, size } = codec.encode(piece())
    return { args: { sized: { bytes, size } }, run: codec.decode, says: [name] }
  }
  const gridOf = (): Call => ({
    args: { size: codec.encode(piece()).size },
    run: codec.gridOf,
    says: [name],
    takes: { size: codec.encode(piece()).size.length === 0 ? ['empty'] : [] },
  })
  return [encode, decode, gridOf]
}

const sound = (): api.Sound => ({ rate: 8000, samples: new Float32Array(200) })
const png = (): Uint8Array =>
  writtenPng({ width: 2, height: 1, depth: 8, kind: 0, rows: [Uint8Array.of(1, 2)], left: 1 })

const picture = (): api.Raster => ({ width: 3, height: 2, pixels: pixels() })
const config = { patches: { senses: [{ name: 'grey/1 2×3', token: 256 }] } }

/** What writes zeros, so many. */
const writer = (): api.WritingModel => ({
  config: {
    context: 64,
    patches: {
      senses: [
        { name: 'grey/1 2×3', token: 256 },
        { name: 'series/1 1', token: 257, end: 258 },
      ],
    },
  },
  generate: (prompts, { tokens }) =>
    Promise.resolve(prompts.map(() => ({ tokens: new Array<number>(tokens).fill(0) }))),
})
const someForecast = (): api.Forecast => {
  const [median, lower, upper] = [1, 0, 2].map((value) => [Float64Array.of(value)])
  return { median, lower, upper }
}

export const sensesCalls: CallsOf<typeof api> = {
  grey: codecCalls('grey', api.grey, () => ({ width: 3, height: 2, pixels: pixels() })),
  rgb: codecCalls('rgb', api.rgb, () => ({ width: 2, height: 1, pixels: pixels() })),
  frames: codecCalls('frames', api.frames, () => ({ width: 1, height: 2, pixels: pixels() })),
  text: codecCalls('text', api.text, () => 'text'),
  pcm8: codecCalls('pcm8', api.pcm8, sound),
  mel: codecCalls('mel', api.mel, sound),
  series: codecCalls('series', api.series, () => ({
    channels: [Float64Array.of(1, 2)],
    past: [Float64Array.of(3)],
  })),
  labelOf: [
    () => ({ args: { codec: api.grey, size: [2, 3] }, run: api.labelOf, takes: { size: ['empty'] } }),
  ],
  sense: [
    () => ({
      args: {
        config,
        codec: api.grey,
        piece: picture(),
        options: { text: 'a', before: 'c', domain: 'b', patchWeight: 1 },
      },
      run: api.sense,
      takes: { 'options.text': ['empty'], 'options.before': ['empty'], 'options.domain': ['empty'] },
      says: ['grey'],
    }),
  ],
  senseRequest: [
    () => ({
      args: { codec: api.grey, piece: picture(), options: { share: 0.1 } },
      run: api.senseRequest,
      says: ['grey'],
    }),
  ],
  generateSense: [
    () => ({
      args: {
        model: writer(),
        codec: api.grey,
        size: [2, 3],
        options: {
          ...{ before: 'a', begin: Uint8Array.of(1), temperature: 1, topK: 3, topP: 0.9, seed: 1 },
          signal: new AbortController().signal,
        },
      },
      run: api.generateSense,
      takes: { 'options.before': ['empty'], 'options.begin': ['empty'] },
      says: ['grey', 'labelOf'],
    }),
    () => ({
      args: {
        model: writer(),
        codec: api.series,
        size: [1],
        options: { begin: new Uint8Array(16).fill(64), frames: 2 },
      },
      run: api.generateSense,
      says: ['series', 'labelOf'],
    }),
  ],
  forecast: [
    () => ({
      args: {
        model: writer(),
        piece: { channels: [Float64Array.of(1, 2)], past: [Float64Array.of(3)] },
        options: {
          ...{ steps: 2, level: 0.5, samples: 2, past: 3, temperature: 1, seed: 1 },
          signal: new AbortController().signal,
        },
      },
      run: api.forecast,
      takes: { 'options.signal': ['undefined'] },
      says: ['series'],
    }),
  ],
  adaptiveBand: [() => ({ args: { options: { level: 0.5, rate: 0.1 } }, run: api.adaptiveBand })],
  AdaptiveBand: [
    () => ({
      args: { forecast: someForecast() },
      run: (forecast: api.Forecast) => api.adaptiveBand().around(forecast),
    }),
    () => ({
      args: { forecast: someForecast(), came: [[1]] },
      run: (forecast: api.Forecast, came: api.Outcome) => api.adaptiveBand().update(forecast, came),
      takes: { came: [] },
    }),
    () => ({
      args: { state: { level: 0.9, factors: [[1, 2]] } },
      run: (state: api.AdaptiveBandState) => api.adaptiveBand().restore(state),
    }),
  ],
  maxPieceBytes: 'a number',
  resampled: [() => ({ args: { sound: { ...sound(), rate: 16_000 }, rate: 8000 }, run: api.resampled })],
  writeTable: [
    () => ({ args: { table: { names: ['a'], columns: [Float64Array.of(1)] } }, run: api.writeTable }),
  ],
  writeWav: [() => ({ args: { sound: sound() }, run: api.writeWav, takes: { 'sound.samples': ['empty'] } })],
  readTable: [
    () => ({
      args: { bytes: new TextEncoder().encode('a\n1\n'), name: 'file', limits: limits() },
      run: api.readTable,
      takes: { name: ['empty'] },
      says: ['file'],
    }),
  ],
  readWav: [
    () => ({
      args: {
        bytes: Uint8Array.from(writtenWav({ code: 1, bits: 16 }, new Uint8Array(8))),
        name: 'file',
        limits: limits(),
      },
      run: api.readWav,
      takes: { name: ['empty'] },
      says: ['file'],
    }),
  ],
}

export const sensesNodeCalls: CallsOf<typeof nodeApi> = {
  writePng: [
    () => ({
      args: { picture: { width: 3, height: 2, pixels: pixels(), channels: 1 as const } },
      run: nodeApi.writePng,
    }),
  ],
  readSenses: [
    () => ({
      args: {
        folder: import.meta.dirname,
        options: {
          ...{ ...limits(), bytes: 1000, sound: 'mel', soundSamples: 300, moments: 4, past: 2 },
          onBroken: () => {},
        },
      },
      run: async (...args: Parameters<typeof nodeApi.readSenses>) => {
        for await (const piece of nodeApi.readSenses(...args)) piece.request()
      },
      says: ['cannot be read'],
    }),
  ],
  hasPieces: [() => ({ args: { file: 'a.png' }, run: nodeApi.hasPieces })],
  readPieces: [
    () => ({
      args: {
        bytes: new TextEncoder().encode('x\n1\n2\n'),
        file: 'a.csv',
        options: { ...limits(), sound: 'mel', soundSamples: 300, moments: 4, past: 2, from: 0 },
      },
      run: nodeApi.readPieces,
    }),
  ],
  readPng: [
    () => ({
      args: { bytes: Uint8Array.from(png()), name: 'file', limits: limits() },
      run: nodeApi.readPng,
      says: ['file'],
    }),
  ],
}

export const sensesTestingCalls: CallsOf<typeof testingApi> = {
  checkCodec: [
    () => ({
      args: {
        codec: api.grey,
        expectation: {
          pieces: [{ width: 3, height: 2, pixels: pixels() }],
          isNear: () => true,
          again: (piece: api.Raster) => piece,
          fixedBytes: 0,
        },
      },
      run: testingApi.checkCodec,
    }),
  ],
}
