/** The patch front: what a row is read as, that nothing sees its future, and that growth leaves all else as it was. */
import { valueAndGrad } from '@burgeon/autograd'
import { Gpt, quantized, tokensWithin, writePretrained } from '@burgeon/gpt'
import { grow, type GrowthRequest, ungrowTo } from '@burgeon/gpt/growth'
import {
  BurgeonError,
  type Device,
  keyFromSeed,
  OptionError,
  RandomStream,
  scope,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, it } from 'vitest'
import { everyByte } from '../growth/tiny-model.ts'
import { bytesOf, someRows, someSenses, tinyModel, tinySizes, tokensOn } from './tiny-senses.ts'

const draw = (seed: number): RandomStream => new RandomStream(keyFromSeed(seed))
const reference = openReference()
const logitsOf = (model: Gpt, rows: readonly (readonly number[])[]): number[][] => {
  const all = scope(() => [...model.forward(tokensOn(model.device, rows)).readSync()])
  const { vocabulary } = model.config
  return Array.from({ length: all.length / vocabulary }, (_, i) =>
    all.slice(i * vocabulary, (i + 1) * vocabulary),
  )
}
const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i])))

describe('a row', () => {
  it('takes as many places as it has tokens and patches', async () => {
    const { config } = await tinyModel(reference)
    const [picture, , sound, series] = someRows(draw(1))
    // The token, four patches, and two bytes of text; the third is only predicted.
    expect(tokensWithin(config, picture, 7)).toBe(34)
    expect(tokensWithin(config, picture, 6)).toBe(33)
    // The fourth patch is predicted where it is not read.
    expect(tokensWithin(config, picture, 4)).toBe(31)
    expect(tokensWithin(config, picture, 1)).toBe(17)
    // The token, patches of 5, 5 and 3 bytes, the end, a byte.
    expect(tokensWithin(config, sound, 6)).toBe(sound.length)
    expect(tokensWithin(config, sound, 5)).toBe(sound.length - 1)
    // The token, the header, three moments, the end.
    expect(tokensWithin(config, series, 6)).toBe(series.length)
    expect(tokensWithin(config, series, 2)).toBe(23)
    expect(tokensWithin(config, [1, 2, 3, 4], 2)).toBe(3)
  })

  it('of more places than the context is refused, and padding behind it is not', async () => {
    const model = await tinyModel(reference)
    const [row] = someRows(draw(2))
    const padded = [...row, ...new Array<number>(40).fill(0)]
    expect(apart(logitsOf(model, [padded])[33], logitsOf(model, [row])[33])).toBe(0)
    expect(() => logitsOf(model, [[...padded, 1]])).toThrow(OptionError)
    expect(() => logitsOf(model, [[...padded, 1]])).toThrow('at most the context, 24')
  })
})

describe('what is predicted', () => {
  it('is the same whatever comes later', async () => {
    const model = await tinyModel(reference)
    for (const row of someRows(draw(3))) {
      const whole = logitsOf(model, [row])
      for (let end = 1; end <= row.length; end++) {
        // Where a piece of open length ends is told by its end, as the size of others by their token.
        if (row[end] >= 256) continue
        expect(apart(logitsOf(model, [row.slice(0, end)])[end - 1], whole[end - 1])).toBeLessThan(1e-9)
      }
    }
  })

  it('depends on every byte before it, and on its place', async () => {
    const model = await tinyModel(reference)
    const [row, , sound] = someRows(draw(4))
    for (const [own, last] of [
      [row, 32],
      [sound, 15],
    ] as const) {
      const before = logitsOf(model, [own])[last]
      for (let at = 1; at <= last; at++) {
        if (own[at] >= 256) continue
        const changed = own.map((byte, i) => (i === at ? (byte + 128) % 256 : byte))
        expect(apart(logitsOf(model, [changed])[last], before), `byte ${at}`).toBeGreaterThan(1e-9)
      }
    }
    // Bytes within a patch depend on each other: the second of the first patch on the first.
    const changed = row.map((byte, i) => (i === 1 ? byte ^ 255 : byte))
    expect(apart(logitsOf(model, [changed])[1], logitsOf(model, [row])[1])).toBeGreaterThan(1e-9)
    const moved = await tinyModel(reference)
    const column = moved.parameters.get('embed.column.weight').tensor
    moved.parameters.replace(
      'embed.column.weight',
      reference.tensor([...column.readSync()].toReversed(), column),
    )
    expect(apart(logitsOf(moved, [row])[32], logitsOf(model, [row])[32])).toBeGreaterThan(1e-9)
  })

  it('of a patch sees those to its left, above it and before it at once, and no others', async () => {
    const model = await tinyModel(reference)
    // Without what the blocks say.
    for (const path of ['local.in.weight', 'local.beside.weight']) {
      const { tensor } = model.parameters.get(path)
      model.parameters.replace(path, reference.tensor(new Float64Array(tensor.size), tensor))
    }
    const seenBy = (row: readonly number[], last: number, places: readonly number[]): number[] => {
      const before = logitsOf(model, [row])[last]
      return places.filter((at) => {
        const changed = row.map((byte, i) => (i === at ? (byte + 128) % 256 : byte))
        return apart(logitsOf(model, [changed])[last], before) > 1e-9
      })
    }
    // Patches of 16, 8, 4 and 2 bytes in two columns: the first byte of the last is predicted at 28.
    const [picture] = someRows(draw(4))
    expect(seenBy(picture, 28, [1, 17, 24, 25, 28])).toEqual([17, 24, 25, 28])
    // Two frames of two patches of 3 bytes: of the second frame the first has no left, the second no above.
    const film = [261, ...bytesOf(draw(5), 12)]
    expect(seenBy(film, 6, [1, 4])).toEqual([1])
    expect(seenBy(film, 9, [1, 4, 7])).toEqual([4, 7])
    // A moment of a series sees the one before, and the first sees the header, whose last four bytes are in
    // slots that a larger patch has brought, and that write nothing yet.
    const series = [259, ...bytesOf(draw(6), 26)]
    expect(seenBy(series, 20, [1, 16])).toEqual([1, 16])
    expect(seenBy(series, 22, [1, 20, 21, 22])).toEqual([21, 22])
    // What a patch is told is told byte by byte: the first and the second byte are not moved alike.
    const moved = [27, 28].map((last) => {
      const changed = picture.map((byte, i) => (i === 17 ? byte ^ 128 : byte))
      const [a, b] = [logitsOf(model, [picture])[last + 1], logitsOf(model, [changed])[last + 1]]
      return a.map((x, i) => x - b[i])
    })
    expect(apart(moved[0], moved[1])).toBeGreaterThan(1e-9)
  })

  it('of a series, whose patches have a time and no place, depends on no row and no column', async () => {
    const model = await tinyModel(reference)
    const [picture, , sound, series] = someRows(draw(8))
    const before = [picture, sound, series].map((row) => logitsOf(model, [row]).at(-1) as number[])
    for (const path of ['embed.row.weight', 'embed.column.weight']) {
      const { tensor } = model.parameters.get(path)
      const moved = tensor.readSync().map((x, i) => x + (i % 3))
      model.parameters.replace(path, reference.tensor(moved, tensor))
    }
    const after = [picture, sound, series].map((row) => logitsOf(model, [row]).at(-1) as number[])
    expect(apart(after[0], before[0])).toBeGreaterThan(1e-6)
    expect(after.slice(1)).toEqual(before.slice(1))
  })

  it('is no token but a byte inside a patch', async () => {
    const model = await tinyModel(reference)
    const logits = logitsOf(model, [someRows(draw(5))[0]])
    for (let i = 0; i < 30; i++) expect(Math.max(...logits[i].slice(256))).toBe(-30_000)
    expect(Math.max(...logits[30].slice(256))).toBeGreaterThan(-30_000)
  })

  it('of rows of several forms together is that of each alone', async () => {
    for (const [device, bound] of [
      [reference, 1e-12],
      [openWasm(), 1e-4],
    ] as const) {
      const model = await tinyModel(device)
      const length = 13
      const rows = someRows(draw(6)).map((row) => row.slice(0, length))
      const together = logitsOf(model, rows)
      rows.forEach((row, b) => {
        const alone = logitsOf(model, [row])
        alone.forEach((logits, i) => expect(apart(logits, together[b * length + i])).toBeLessThan(bound))
      })
    }
  })

  it('has the gradients that finite differences have, in all weights', async () => {
    const model = await tinyModel(reference)
    const rows = someRows(draw(7)).slice(0, 4)
    const random = draw(8)
    const inputs = tokensOn(reference, rows)
    const [B, T] = inputs.shape
    const targets = reference.tensor(
      rows.flatMap((row) => Array.from({ length: T }, (_, i) => (row[i + 1] < 256 ? row[i + 1] : -1))),
      { shape: [B * T], dtype: 'i32' },
    )
    const loss = (w: TensorsByPath) => sum(model.losses(inputs, targets, w))
    const weights = model.parameters.tensors()
    const { gradient } = valueAndGrad(loss)(weights)
    for (const [path, tensor] of Object.entries(weights)) {
      const direction = Float64Array.from({ length: tensor.size }, () => random.normal())
      const step = 1e-5
      const at = (sign: number): number => {
        const moved = reference.tensor(
          [...tensor.readSync()].map((x, i) => x + sign * step * direction[i]),
          tensor,
        )
        return scope(() => loss({ ...weights, [path]: moved }).item())
      }
      const slope: readonly number[] = [...gradient[path].readSync()]
      const expected = slope.reduce((total, x, i) => total + x * direction[i], 0)
      const found = (at(1) - at(-1)) / (2 * step)
      expect(Math.abs(found - expected), path).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)))
    }
  })
})

describe('a patch', () => {
  it('starts as loud as a token whatever its size, and in a grid four times as loud', async () => {
    const model = Gpt.create({ ...tinySizes, embed: 128 }, { device: reference, seed: 3 })
    const senses: readonly GrowthRequest[] = [
      { kind: 'addSense', name: 'wide', patches: [16], columns: 1, byteEmbed: 16 },
      { kind: 'addSense', name: 'narrow', patches: [1], columns: 1 },
      { kind: 'addSense', name: 'grid', patches: [16, 16], columns: 2, frames: 1 },
    ]
    for (const [i, request] of senses.entries()) await grow(model, request, { mirrors: [], key: [1, i] })
    const random = draw(1)
    // Mean square of what the first patch of a piece puts into the stream, less its position.
    const loudness = (sense: number, bytes: number): number => {
      const rows = Array.from({ length: 40 }, () => [sense, ...bytesOf(random, bytes)])
      let squares = 0
      const observe = (block: string, what: string, x: Tensor): void => {
        if (what !== 'embedded' || block !== 'embed') return
        const values = x.readSync()
        for (let b = 0; b < rows.length; b++)
          for (let c = 0; c < 128; c++) squares += values[(2 * b + 1) * 128 + c] ** 2
      }
      scope(() => void model.forward(tokensOn(reference, rows), undefined, { observe }))
      return squares / (rows.length * 128)
    }
    const [wide, narrow, grid] = [loudness(256, 16), loudness(258, 1), loudness(260, 16)]
    expect(narrow / wide).toBeGreaterThan(0.6)
    expect(narrow / wide).toBeLessThan(1.6)
    // Patch, row and column of .02, .05 and .05, times 4, beside a patch of .02, each with a position of .02.
    expect(grid / wide).toBeGreaterThan(60)
    expect(grid / wide).toBeLessThan(180)
  })

  it('hears most of all how large a byte is', async () => {
    const model = Gpt.create(tinySizes, { device: reference })
    await grow(model, { kind: 'addSense', name: 'a', patches: [4], columns: 1 }, { mirrors: [], key: [1, 1] })
    const values = model.parameters.get('embed.patch.byte.weight').tensor.readSync()
    const away = (a: number, b: number): number =>
      Math.hypot(...Array.from({ length: 16 }, (_, k) => values[16 * a + k] - values[16 * b + k]))
    expect(away(100, 101)).toBeLessThan(away(100, 110))
    expect(away(100, 110)).toBeLessThan(away(100, 200))
    // Each cosine is as large as its frequency is low.
    expect([0, 1, 3].map((k) => values[k])).toEqual([1, 1 / 2, 1 / 4])
    expect([...values.subarray(16 * 256)]).toEqual(new Array<number>(16).fill(0))
  })
})

describe('a sense that arrives later', () => {
  const texts = (random: RandomStream): number[][] => Array.from({ length: 3 }, () => bytesOf(random, 20))

  it.each<[string, () => Device]>([
    ['the reference', () => reference],
    ['WASM', openWasm],
  ])('changes no bit of any logit of text, on %s', async (_, open) => {
    const model = Gpt.create(tinySizes, { device: open(), seed: 3 })
    const rows = texts(draw(1))
    const before = logitsOf(model, rows)
    for (const [i, request] of someSenses.entries()) {
      const { logitsMoved } = await grow(model, request, { mirrors: [], key: [1, i] })
      expect(logitsMoved).toBe(0)
    }
    expect(logitsOf(model, rows).map((logits) => logits.slice(0, 256))).toEqual(before)
  })

  it('leaves those that were there as they are, also where patches become larger', async () => {
    const model = Gpt.create(tinySizes, { device: reference, seed: 3 })
    await grow(model, someSenses[0], { mirrors: [], key: [1, 0] })
    // Also what stands behind the end of a short patch has been learnt.
    const { tensor } = model.parameters.get('embed.patch.byte.weight')
    const random = draw(9)
    const learnt = reference.tensor(
      Float64Array.from({ length: tensor.size }, () => random.normal()),
      tensor,
    )
    model.parameters.replace('embed.patch.byte.weight', learnt)
    const row = someRows(draw(2))[0]
    const before = logitsOf(model, [row])
    const larger: GrowthRequest = {
      kind: 'addSense',
      name: 'color',
      patches: [48, 24, 24],
      columns: 3,
      frames: 1,
    }
    await grow(model, larger, { mirrors: [], key: [1, 1] })
    expect(model.config.patches).toMatchObject({ bytes: 48, rows: 2, columns: 3, local: { context: 48 } })
    logitsOf(model, [row]).forEach((logits, i) =>
      expect(apart(logits.slice(0, 257), before[i])).toBeLessThan(1e-12),
    )
  })

  it('is taken back to the byte, one after the other', async () => {
    const model = Gpt.create(tinySizes, { device: reference, seed: 3 })
    const births = [everyByte(model, [])]
    for (const [i, request] of someSenses.entries()) {
      await grow(model, request, { mirrors: [], key: [1, i] })
      births.push(everyByte(model, []))
    }
    for (let count = someSenses.length - 1; count >= 0; count--) {
      ungrowTo(model, count, [])
      expect(everyByte(model, [])).toEqual(births[count])
    }
  })

  it('is saved and loaded to the byte', async () => {
    const model = await tinyModel(reference)
    const state = structuredClone(JSON.parse(JSON.stringify(await model.toState(), plain))) as Awaited<
      ReturnType<Gpt['toState']>
    >
    const loaded = Gpt.fromState(state, reference)
    expect(everyByte(loaded, [])).toEqual(everyByte(model, []))
    expect(loaded.growthLog).toEqual(model.growthLog)
  })

  const others: readonly GrowthRequest[] = [
    { kind: 'widenMlp', block: 'b0', to: 15 },
    { kind: 'widenMlp', block: 'b1', to: 16, how: 'split' },
    { kind: 'addHeads', block: 'b1', to: 3 },
    { kind: 'widenHeads', block: 'b0', to: 6 },
    { kind: 'addLayer', at: 1 },
    { kind: 'copyLayers', writes: 'nothing' },
    { kind: 'widenEmbed', to: 12 },
    { kind: 'growContext', to: 40 },
    { kind: 'growVocabulary', tokens: [{ parts: [65, 66] }] },
    { kind: 'addAdapter', block: 'b0', to: 2 },
    { kind: 'addExperts', block: 'b1', to: 2 },
  ]
  it.each(others)('lets the model grow on every axis: %o', async (request) => {
    const model = await tinyModel(reference)
    const rows = someRows(draw(4)).slice(0, 3)
    const probe = tokensOn(reference, rows)
    const before = everyByte(model, [])
    const { logitsMoved } = await grow(model, request, { mirrors: [], probe, key: [5, 6] })
    expect(logitsMoved).toBeLessThan(1e-9)
    ungrowTo(model, someSenses.length, [])
    expect(everyByte(model, [])).toEqual(before)
  })

  it.each<[Partial<GrowthRequest>, string]>([
    [{ patches: [] }, 'whole rows'],
    [{ patches: [16, 16, 16], columns: 2 }, 'whole rows'],
    [{ columns: 0 }, 'whole rows'],
    [{ patches: [0], columns: 1 }, '1 to 16'],
    [{ patches: [NaN], columns: 1 }, 'bytes'],
    [{ patches: [1e9], columns: 1 }, 'expected 1 to 4096'],
    [{ name: 'picture' }, 'two senses of one name'],
    [{ name: '' }, 'expected a text'],
    [{ frames: 0 }, 'frames'],
    [{ header: -3 }, 'header'],
  ])('that cannot be is refused: %o', async (change, message) => {
    const model = Gpt.create(tinySizes, { device: reference, seed: 3 })
    await grow(model, someSenses[0], { mirrors: [], key: [1, 0] })
    const before = everyByte(model, [])
    const request = { ...someSenses[0], name: 'new', ...change } as GrowthRequest
    await expect(grow(model, request, { mirrors: [], key: [1, 1] })).rejects.toThrow(OptionError)
    await expect(grow(model, request, { mirrors: [], key: [1, 1] })).rejects.toThrow(message)
    expect(everyByte(model, [])).toEqual(before)
  })

  it('needs a model of bytes, and a decoder that can be', async () => {
    const small = Gpt.create({ ...tinySizes, vocabulary: 200 }, { device: reference })
    await expect(grow(small, someSenses[0], { mirrors: [], key: [1, 1] })).rejects.toThrow(
      'whose first tokens are the bytes',
    )
    const model = Gpt.create(tinySizes, { device: reference })
    for (const change of [{ localEmbed: 17 }, { localEmbed: -16 }, { localLayers: 0.5 }, { byteEmbed: 0 }])
      await expect(
        grow(model, { ...someSenses[0], ...change }, { mirrors: [], key: [1, 1] }),
      ).rejects.toThrow(OptionError)
  })
})

describe('a configuration with a patch front', () => {
  it('that was damaged is refused with a typed error, whatever stands in it', async () => {
    const state = await (await tinyModel(reference)).toState()
    const junk = [undefined, null, -1, 0, 1.5, NaN, 1e9, 'text', [], {}, [null], [1e9]]
    const places = (
      value: unknown,
      path: readonly (string | number)[] = [],
    ): (readonly (string | number)[])[] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))]
        : [path]
    let refused = 0
    for (const path of places(state.config.patches).slice(1)) {
      for (const other of junk) {
        const config = structuredClone(state.config)
        const holder = path
          .slice(0, -1)
          .reduce<unknown>((at, key) => Reflect.get(at as object, key), config.patches)
        Reflect.set(holder as object, path.at(-1) as string, other)
        try {
          Gpt.fromState({ ...state, config }, reference).dispose()
        } catch (error) {
          expect(error, `${path.join('.')} = ${JSON.stringify(other)}`).toBeInstanceOf(BurgeonError)
          refused++
        }
      }
    }
    expect(refused).toBeGreaterThan(300)
  })

  it('cannot be written as a folder that others read, and is packed like any other', async () => {
    const model = await tinyModel(reference)
    await expect(writePretrained(model)).rejects.toThrow('addSense')
    const [row] = someRows(draw(1))
    const packed = await quantized(model, { weights: 'f16' })
    const tokens = tokensOn(reference, [row])
    const logits = scope(() => [...packed.forward(tokens).readSync()])
    expect(apart(logits.slice(33 * 262), logitsOf(model, [row])[33])).toBeLessThan(0.01)
    await expect(grow(packed as never, someSenses[0], { mirrors: [], key: [1, 1] })).rejects.toThrow(
      OptionError,
    )
  })
})

/** Typed arrays as lists, as JSON has them. */
const plain = (_: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value
