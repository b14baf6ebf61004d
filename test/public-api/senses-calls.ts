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
        options: { text: 'a', domain: 'b', patchWeight: 1 },
      },
      run: api.sense,
      takes: { 'options.text': ['empty'], 'options.domain': ['empty'] },
      says: ['grey'],
    }),
  ],
  senseRequest: [
    () => ({ args: { codec: api.grey, piece: picture() }, run: api.senseRequest, says: ['grey'] }),
  ],
  maxPieceBytes: 'a number',
  resampled: [() => ({ args: { sound: { ...sound(), rate: 16_000 }, rate: 8000 }, run: api.resampled })],
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
