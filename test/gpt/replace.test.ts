import { valueAndGrad } from '@burgeon/autograd'
import { type Gpt, type ObservedActivation, partialReadout, readout } from '@burgeon/gpt'
import {
  add,
  type Device,
  multiply,
  reshape,
  scope,
  ShapeError,
  sum,
  type Tensor,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf, tokensFor } from '../growth/tiny-model.ts'

const devices: readonly (readonly [string, Device])[] = [
  ['the reference', openReference()],
  ['wasm', openWasm()],
]
const seeds = Array.from({ length: 8 }, (_, i) => i + 1)
const draw = (seed: number, device: Device): Gpt =>
  modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 100), device)
const inBlocks = [
  'query',
  'key',
  'value',
  'headOutput',
  'attended',
  'mlpInput',
  'mlpHidden',
  'mlpOutput',
  'output',
]

/** Everything that one pass shows, as numbers. */
function shown(
  model: Gpt,
  tokens: Tensor,
): Map<string, { readonly shape: readonly number[]; readonly numbers: Float32Array }> {
  const seen = new Map<string, { shape: readonly number[]; numbers: Float32Array }>()
  scope(() =>
    model.forward(tokens, undefined, {
      observe: (block, what, x) =>
        void seen.set(`${block} ${what}`, { shape: x.shape, numbers: Float32Array.from(x.readSync()) }),
    }),
  )
  return seen
}

const logitsOf = (model: Gpt, tokens: Tensor, options: Parameters<Gpt['forward']>[2] = {}): number[] =>
  scope(() => [...model.forward(tokens, undefined, options).readSync()])

describe.each(devices)('what flows inside a GPT, on %s', (_, device) => {
  test('is all shown, and can be replaced by itself without a change of a bit', () => {
    for (const seed of seeds) {
      const model = draw(seed, device)
      using tokens = tokensFor(model, drawFrom(seed))
      const names = [...shown(model, tokens).keys()]
      const expected = model.config.blocks.flatMap(({ id }) => inBlocks.map((what) => `${id} ${what}`))
      expect(names.toSorted()).toEqual(['embed embedded', ...expected].toSorted())
      const asked: string[] = []
      const same = logitsOf(model, tokens, {
        replace: (block, what, x) => {
          asked.push(`${block} ${what}`)
          return reshape(x, x.shape)
        },
      })
      expect(asked).toEqual(names)
      expect(same).toEqual(logitsOf(model, tokens))
      expect(logitsOf(model, tokens, { replace: () => undefined })).toEqual(same)
      model.dispose()
    }
  })

  test('flows on as what is put in its place: each part by itself changes the logits, and is what observers see', () => {
    for (const seed of seeds.slice(0, 4)) {
      const model = draw(seed, device)
      using tokens = tokensFor(model, drawFrom(seed))
      const plain = logitsOf(model, tokens)
      for (const name of shown(model, tokens).keys()) {
        // Of one token a window of one key knows no other: queries and keys change nothing there.
        if (/query|key$/.test(name)) continue
        const seen: number[] = []
        const changed = logitsOf(model, tokens, {
          replace: (block, what, x) => (`${block} ${what}` === name ? add(x, 0.5) : undefined),
          observe: (block, what, x) => {
            if (`${block} ${what}` === name) seen.push(...x.readSync())
          },
        })
        const before = shown(model, tokens).get(name)?.numbers ?? []
        expect(seen.every((value, i) => Math.abs(value - before[i] - 0.5) < 1e-5)).toBe(true)
        // A mean that a norm subtracts is not seen above it.
        const mayBeSame = model.config.norm === 'layer' && /embedded|output|attended|mlpOutput/i.test(name)
        if (!mayBeSame) expect(changed, `${seed} ${name}`).not.toEqual(plain)
      }
      model.dispose()
    }
  })

  test('another run put in its place, embeddings, heads and MLPs, is that run to the bit', () => {
    for (const seed of seeds) {
      const model = draw(seed, device)
      using tokens = tokensFor(model, drawFrom(seed))
      using others = tokensFor(model, drawFrom(seed + 50))
      const other = shown(model, others)
      const carried = new Set<ObservedActivation>(['embedded', 'headOutput', 'mlpOutput'])
      const logits = logitsOf(model, tokens, {
        replace: (block, what) => {
          const found = other.get(`${block} ${what}`)
          return carried.has(what) && found
            ? device.tensor(found.numbers, { shape: found.shape, dtype: 'f32' })
            : undefined
        },
      })
      // The reference has more digits than what was carried.
      const rounding = device.name === 'wasm' ? 0 : 1e-4
      const expected = logitsOf(model, others)
      expect(Math.max(...logits.map((logit, i) => Math.abs(logit - expected[i])))).toBeLessThanOrEqual(
        rounding,
      )
      model.dispose()
    }
  })

  test('a tape records what is put in its place, in checkpointed blocks too', () => {
    for (const seed of seeds.slice(0, 4)) {
      const model = draw(seed, device)
      using tokens = tokensFor(model, drawFrom(seed))
      const { id } = model.config.blocks[0]
      const { shape, numbers } = shown(model, tokens).get(`${id} mlpOutput`) as {
        shape: readonly number[]
        numbers: Float32Array
      }
      const gradientBy = (checkpointBlocks: boolean): number[] =>
        scope(() => {
          const loss = (x: TensorsByPath): readonly [Tensor, object] => {
            const logits = model.forward(tokens, undefined, {
              checkpointBlocks,
              replace: (block, what) =>
                block === id && what === 'mlpOutput' ? multiply(x['x'], 2) : undefined,
            })
            return [sum(multiply(logits, logits)), {}]
          }
          const x = device.tensor(numbers, { shape, dtype: 'f32' })
          return [...valueAndGrad(loss)({ x }).gradient['x'].readSync()]
        })
      const plain = gradientBy(false)
      expect(plain.some((value) => value !== 0)).toBe(true)
      expect(gradientBy(true)).toEqual(plain)
      model.dispose()
    }
  })

  test('refuses a replacement of another shape or none at all, by name', () => {
    const model = draw(1, device)
    using tokens = tokensFor(model, drawFrom(1))
    const wrong = (y: (x: Tensor) => unknown) => () =>
      logitsOf(model, tokens, {
        replace: (_block, what, x) => (what === 'output' ? (y(x) as Tensor) : undefined),
      })
    expect(wrong((x) => reshape(x, [x.size]))).toThrow(ShapeError)
    expect(wrong((x) => reshape(x, [x.size]))).toThrow(/replace: got f32\[\d+\] in the place of b\d output/)
    expect(wrong(() => 5)).toThrow(/got 5 in the place/)
    model.dispose()
  })

  test('the stream above the last block reads out as the logits, and parts of it sum to them', () => {
    for (const seed of seeds) {
      const model = draw(seed, device)
      using tokens = tokensFor(model, drawFrom(seed))
      const w = model.parameters.tensors()
      scope(() => {
        const seen = new Map<string, Tensor>()
        const logits = model.forward(tokens, undefined, {
          observe: (block, what, x) => void seen.set(`${block} ${what}`, x),
        })
        const last = seen.get(`${model.config.blocks.at(-1)?.id} output`) as Tensor
        expect([...readout(model.config, w, last).readSync()]).toEqual([...logits.readSync()])
        const parts = [seen.get('embed embedded') as Tensor]
        for (const { id } of model.config.blocks)
          parts.push(seen.get(`${id} attended`) as Tensor, seen.get(`${id} mlpOutput`) as Tensor)
        const shares = parts
          .map((part) => partialReadout(model.config, w, last, part))
          .reduce((a, b) => add(a, b))
        const whole = [...partialReadout(model.config, w, last, last).readSync()]
        const most = Math.max(...whole.map(Math.abs))
        ;[...shares.readSync()].forEach((value, i) =>
          expect(Math.abs(value - whole[i])).toBeLessThan(1e-5 * most),
        )
        if (model.config.headBias || model.config.norm === 'layer') return
        whole.forEach((value, i) => expect(Math.abs(value - logits.readSync()[i])).toBeLessThan(1e-5 * most))
      })
      model.dispose()
    }
  })

  test('refuses to read out what is no stream', () => {
    const model = draw(2, device)
    const w = model.parameters.tensors()
    using x = device.tensor([1, 2], { shape: [1, 2], dtype: 'f32' })
    using right = device.tensor(new Float32Array(model.config.embed), {
      shape: [1, model.config.embed],
      dtype: 'f32',
    })
    using more = device.tensor(new Float32Array(2 * model.config.embed), {
      shape: [2, model.config.embed],
      dtype: 'f32',
    })
    if (model.config.embed !== 2)
      expect(() => readout(model.config, w, x)).toThrow(/expected the residual stream/)
    expect(() => partialReadout(model.config, w, right, more)).toThrow(/expected as many rows/)
    model.dispose()
  })
})
