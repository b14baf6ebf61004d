/** How strongly each prediction is learnt, wherever its row goes. Reaches inside for what cuts and packs rows. */
import { accumulate, adamw, type GradientTransform, sgd } from '@burgeon/autograd/optim'
import {
  aGem,
  type Batch,
  batchOfTokens,
  classifier,
  darkReplay,
  everySteps,
  growingVocabulary,
  type ExampleBatch,
  joinBatches,
  laMaml,
  Learner,
  type LearnerOptions,
  type Model,
  ownTextReplay,
  passOf,
  type Rehearsal,
  reservoirReplay,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt, gptConfig, type GrowingTokenizer } from '@burgeon/gpt'
import {
  type Device,
  mean,
  OptionError,
  scope,
  square,
  StateError,
  type TensorsByPath,
} from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recentRows } from '../../packages/continual/src/rehearsal/recent-rows.ts'
import { packRow, unpackRow } from '../../packages/continual/src/rehearsal/storage/packed-row.ts'
import { partsOf, rowsBetween, withinContext } from '../../packages/continual/src/stream/batch.ts'
import { batchFromRows, recoded, rowAt, type TokenRow } from '../../packages/continual/src/stream/row.ts'
import { stepOf } from '../continual/step-of.ts'
import { type Numbers, numbersOf, row, rowsOf, tinyModel } from '../continual/tiny-learner.ts'
import { examples, linearModel } from '../models/linear-model.ts'

const five = (...weights: readonly number[]): Float32Array => Float32Array.from(weights)
const weighted = <B extends Batch>(batch: B, weights: ArrayLike<number>): B => ({
  ...batch,
  weights: Float32Array.from(weights),
})
const two = rowsOf(row(1), row(2))
const signed = [1, -0.5, 2, 0, 0.25, 3, -1, 1]

/** Keeps the gradients that a step was made with. */
function spy(): {
  readonly seen: Numbers[]
  readonly transform: GradientTransform
} {
  const seen: Numbers[] = []
  return {
    seen,
    transform: {
      name: 'spy',
      mirrors: [],
      transform(gradients: TensorsByPath) {
        seen.push(numbersOf(gradients))
        return gradients
      },
      toState: () => Promise.resolve(null),
      restore: () => {},
    },
  }
}

async function gradientsOf(
  device: Device,
  batches: readonly Batch[],
  strategy: LearnerOptions['strategy'] = {},
): Promise<readonly Numbers[]> {
  const { seen, transform } = spy()
  const learner = new Learner({
    model: tinyModel(device),
    optimizer: sgd(0),
    strategy: { ...strategy, transforms: [transform] },
  })
  for (const batch of batches) await learner.observe(batch as TokenBatch)
  return seen
}

/** Zeros without a sign: a sum of nothing may have either. */
const times = (numbers: Numbers, factor: number) =>
  Object.fromEntries(Object.entries(numbers).map(([path, own]) => [path, own.map((n) => n * factor + 0)]))

describe.each([
  ['the reference', openReference()],
  ['WASM', openWasm({ threads: 1 })],
])('on %s', (_, device) => {
  test('halving all weights halves the gradient to the bit, also of rehearsed rows', async () => {
    for (const strategy of [
      () => ({}),
      () => ({ rehearsal: reservoirReplay({ capacity: 4, share: 1 }) }),
      // The distance to kept outputs has no weight: too small a share of it to move a bit.
      () => ({ rehearsal: darkReplay({ capacity: 4, share: 1, alpha: 1e-30, beta: 1 }) }),
    ]) {
      const [whole, half] = [
        weighted(two, signed),
        weighted(
          two,
          signed.map((w) => w / 2),
        ),
      ]
      const [full, halved] = [
        await gradientsOf(device, [whole, whole], strategy()),
        await gradientsOf(device, [half, half], strategy()),
      ]
      expect(times(halved[0], 2)).toEqual(times(full[0], 1))
      expect(times(halved[1], 2)).toEqual(times(full[1], 1))
      expect(Math.max(...Object.values(full[0]).flat().map(Math.abs))).toBeGreaterThan(1e-3)
    }
  })
  test('weights of 1 change no bit, and a negated row pushes the other way', async () => {
    const [plain] = await gradientsOf(device, [two])
    expect((await gradientsOf(device, [weighted(two, new Float32Array(8).fill(1))]))[0]).toEqual(plain)
    const [against] = await gradientsOf(device, [weighted(two, new Float32Array(8).fill(-1))])
    expect(times(against, -1)).toEqual(times(plain, 1))
  })
  test('the gradient is Σ w·ℓ by the number of predictions that count', async () => {
    const parts = await Promise.all(
      [0, 1].flatMap((r) =>
        [0, 1, 2, 3].map(async (t) => {
          const one = new Float32Array(8)
          one[4 * r + t] = 1
          return (await gradientsOf(device, [weighted(two, one)]))[0]
        }),
      ),
    )
    const [all] = await gradientsOf(device, [weighted(two, signed)])
    for (const path of Object.keys(all)) {
      all[path].forEach((value, i) => {
        const wanted = parts.reduce((sum, part, p) => sum + signed[p] * part[path][i], 0)
        expect(Math.abs(value - wanted)).toBeLessThan(1e-6)
      })
    }
  })
})

describe('a learner', () => {
  const lives: Readonly<Record<string, () => Partial<LearnerOptions>>> = {
    plain: () => ({}),
    'beside a replay': () => ({ strategy: { rehearsal: reservoirReplay({ capacity: 9 }) } }),
    'beside dark replay': () => ({ strategy: { rehearsal: darkReplay({ capacity: 9 }) } }),
    'that looks ahead': () => ({
      strategy: { lookAhead: laMaml({ steps: 2, rate: 0.1, rateOfRates: 0.1 }) },
    }),
    'with a projection': () => ({
      strategy: { projections: [aGem({ memory: reservoirReplay({ capacity: 9 }) })] },
    }),
    'that accumulates': () => ({ optimizer: accumulate(2, adamw({ learningRate: 1e-3 })) }),
  }
  const lived = async (more: Partial<LearnerOptions>, weights?: ArrayLike<number>) => {
    const learner = new Learner({ model: tinyModel(), optimizer: sgd(0.1), ...more })
    const losses: number[] = []
    for (let step = 0; step < 4; step++) {
      const batch = rowsOf(row(2 * step), row(2 * step + 1))
      losses.push((await learner.observe(weights ? weighted(batch, weights) : batch)).loss)
    }
    return { losses, weights: numbersOf(learner.model.parameters.tensors()) }
  }
  test.each(Object.entries(lives))(
    '%s lives as without weights where all are 1, and otherwise where not',
    async (_, make) => {
      const [plain, ones] = [await lived(make()), await lived(make(), new Float32Array(8).fill(1))]
      expect(ones).toEqual(plain)
      const other = await lived(make(), signed)
      // The prequential loss of the first rows is of the same model.
      expect(other.losses[0]).toBe(plain.losses[0])
      expect(other.weights).not.toEqual(plain.weights)
    },
  )
  test('learns nothing from weights of 0 alone', async () => {
    const { weights } = await lived({}, new Float32Array(8))
    expect(weights).toEqual(numbersOf(tinyModel().parameters.tensors()))
  })
  test('does not look at the weight of padding', async () => {
    const short = { ...two, tokens: Int32Array.from([...row(1), ...row(2).slice(0, 3), -1, -1]) }
    const [a] = await gradientsOf(openReference(), [weighted(short, [1, 2, 3, 4, 5, 6, 7, 8])])
    const [b] = await gradientsOf(openReference(), [weighted(short, [1, 2, 3, 4, 5, 6, -9, 0])])
    expect(a).toEqual(b)
  })
  test('of a model with a loss of its own weighs each row of it', async () => {
    const lossesOf: NonNullable<Model['lossesOf']> = (found) => mean(square(found), { axes: [1] })
    const movedBy = async (weight: number): Promise<number[]> => {
      const model = linearModel(undefined, { lossesOf })
      const before = [...model.parameters.get('weight').tensor.readSync()]
      await new Learner({ model, optimizer: sgd(0.5) }).observe(weighted(examples(0, 2), [weight, 0]))
      return [...model.parameters.get('weight').tensor.readSync()].map((w, i) => w - before[i])
    }
    const [one, minusTwo] = [await movedBy(1), await movedBy(-2)]
    one.forEach((step, i) => expect(minusTwo[i]).toBeCloseTo(-2 * step, 6))
    expect(Math.max(...one.map(Math.abs))).toBeGreaterThan(0.01)
  })
  test.each<[string, unknown]>([
    ['too few', five(1, 2, 3)],
    ['as a list', [1, 1, 1, 1]],
    ['that are not a number', five(1, Number.NaN, 1, 1)],
    ['that are infinite', five(1, 1, Infinity, 1)],
    ['that are null', null],
  ])('refuses weights %s, before anything is learnt', async (_, weights) => {
    const learner = new Learner({ model: tinyModel(), optimizer: sgd(0.1) })
    const before = await learner.toState()
    const wrong = { ...rowsOf(row(1)), weights } as never
    await expect(learner.observe(wrong)).rejects.toThrow(/weights.*one for each prediction.*Nothing was/)
    expect(await learner.toState()).toEqual(before)
    const model = classifier({ inputs: 3, hidden: [2], classes: 2 })
    const other = new Learner({ model, optimizer: sgd(0.1) })
    await expect(other.observe({ ...examples(0, 1), weights } as never)).rejects.toThrow(OptionError)
  })
})

describe('weights stay with their rows', () => {
  const a = weighted(rowsOf(row(1)), [1, 2, 3, 4])
  const three = joinBatches([a, rowsOf(row(2)), weighted(rowsOf(row(3)), [-1, 0, 1, 1])])
  test('when batches are joined, also with some that have none', () => {
    expect([...(three.weights ?? [])]).toEqual([1, 2, 3, 4, 1, 1, 1, 1, -1, 0, 1, 1])
    expect(joinBatches([rowsOf(row(1)), rowsOf(row(2))])).not.toHaveProperty('weights')
    const long = batchOfTokens([1, 2, 3, 4, 5, 6, 7], 6, 'text')
    expect([...(joinBatches([a, long]).weights ?? [])]).toEqual([1, 2, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1])
    const both = joinBatches<ExampleBatch>([examples(0, 1), weighted(examples(1, 3), [2, 3])])
    expect([...(both.weights ?? [])]).toEqual([1, 2, 3])
  })
  test('when a batch is parted, cut to a context, or taken row by row', () => {
    expect(partsOf(three, 3).map(({ weights }) => [...(weights ?? [])])).toEqual([
      [1, 2, 3, 4],
      [1, 1, 1, 1],
      [-1, 0, 1, 1],
    ])
    expect([...(rowsBetween(three, 1, 3).weights ?? [])]).toEqual([1, 1, 1, 1, -1, 0, 1, 1])
    expect([
      ...(withinContext(three, gptConfig({ context: 2, embed: 2, heads: 1, layers: 1 })).weights ?? []),
    ]).toEqual([1, 2, 1, 1, -1, 0])
    const back = batchFromRows([2, 1, 0].map((at) => rowAt(three, at)))
    expect([...(back.weights ?? [])]).toEqual([-1, 0, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4])
    expect(rowAt(three, 1)).not.toHaveProperty('weights')
    expect([...(batchFromRows([rowAt(weighted(examples(0, 1), [3]), 0)]).weights ?? [])]).toEqual([3])
  })
  test('packed to the bit, and one weight throughout takes ten bytes', () => {
    const anyWeight = fc.float({ noNaN: true, noDefaultInfinity: true })
    const someTokens = fc.array(fc.nat(70_000), { minLength: 2, maxLength: 20 })
    fc.assert(
      fc.property(someTokens, fc.infiniteStream(anyWeight), (tokens, stream) => {
        const own = Int32Array.from(tokens)
        const weights = Float32Array.from(own.subarray(1), () => stream.next().value as number)
        const given = { tokens: own, weights, domain: 'd', origin: null }
        expect(unpackRow(packRow(given), 'd')).toEqual(given)
      }),
    )
    const one = { tokens: Int32Array.of(1, 2, 3), weights: five(-0.5, -0.5), domain: 'd', origin: null }
    const { weights: _, ...bare } = one
    expect(packRow(one)).toHaveLength(packRow(bare).length + 10)
    expect(unpackRow(packRow(one), 'd')).toEqual(one)
  })
  test('bytes that nobody packed are refused', () => {
    const packed = packRow({ tokens: Int32Array.of(1, 2, 3), weights: five(2, 3), domain: 'd', origin: null })
    const nested = Uint8Array.from([4, 2, 0, 0, 0, 0, 2, ...packed])
    for (const wrong of [packed.slice(0, 4), packed.slice(0, -1), nested]) {
      expect(() => unpackRow(wrong, 'd')).toThrow(StateError)
    }
  })
  test('in the latest rows, and what is damaged in their state is refused', () => {
    const [rows, other] = [recentRows(3), recentRows(3)]
    for (const batch of [a, rowsOf(row(5))]) rows.remember(stepOf(batch))
    const saved = structuredClone(rows.toState()) as { weights: unknown[] }
    other.restore(saved)
    expect(other.sample(3)).toEqual(joinBatches([a, rowsOf(row(5))]))
    for (const weights of [[null], [five(1), null], [five(1, 2, 3, 4), 'none']]) {
      expect(() => other.restore({ ...saved, weights })).toThrow(StateError)
    }
    expect(other.toState()).toEqual(rows.toState())
    const plain = recentRows(3)
    plain.remember(stepOf(rowsOf(row(5))))
    expect(plain.toState()).not.toHaveProperty('weights')
    const ofExamples = recentRows(3)
    ofExamples.remember(stepOf(weighted(examples(0, 2), [2, -1]) as never))
    const next = recentRows(3)
    next.restore(structuredClone(ofExamples.toState()))
    expect([...(next.sample(2)?.weights ?? [])]).toEqual([2, -1])
  })
})

describe('in the tokens of a grown vocabulary', () => {
  /** Two bytes that are alike become one token, 300 more than they are. */
  const doubled = (tokens: Int32Array): Int32Array => {
    const found = [tokens[0]]
    for (let i = 1; i < tokens.length && tokens[i] >= 0; i++) {
      const isPair = tokens[i] === tokens[i + 1]
      found.push(isPair ? tokens[i++] + 300 : tokens[i])
    }
    return Int32Array.from({ length: tokens.length }, (_, i) => found[i] ?? -1)
  }
  const rowOf = (tokens: readonly number[], weights: readonly number[]): TokenRow => ({
    ...{ tokens: Int32Array.from(tokens), weights: Float32Array.from(weights), domain: 'd', origin: null },
  })
  test('no token stands for bytes of two weights', () => {
    const found = recoded(rowOf([9, 5, 5, 5, 5, 7, 7, -1], [1, 1, 1, 2, 2, 0, 8]), doubled) as TokenRow
    expect([...found.tokens]).toEqual([9, 305, 5, 5, 7, 7, -1, -1])
    expect([...(found.weights ?? [])]).toEqual([1, 1, 2, 2, 0, 1, 1])
    const same = recoded(rowOf([9, 5, 5, 5, 5, 7, 7, -1], [2, 2, 2, 2, 2, 2, 8]), doubled) as TokenRow
    expect([...same.tokens]).toEqual([9, 305, 305, 307, -1, -1, -1, -1])
    expect([...(same.weights ?? [])]).toEqual([2, 2, 2, 1, 1, 1, 1])
  })
  test('every byte keeps its weight, and order', () => {
    const bytes = fc.array(fc.tuple(fc.nat(2), fc.constantFrom(1, 0.5, -1)), { minLength: 1, maxLength: 24 })
    fc.assert(
      fc.property(bytes, (given) => {
        const own = rowOf(
          [0, ...given.map(([byte]) => byte)],
          given.map(([, weight]) => weight),
        )
        const { tokens, weights } = recoded(own, doubled) as TokenRow
        const back = [...tokens.subarray(1)].flatMap((token, i) => {
          const one = [token % 300, weights?.[i]] as const
          return token < 0 ? [] : token >= 300 ? [one, one] : [one]
        })
        expect(back).toEqual(given)
      }),
    )
  })
  test('a life joins no bytes of two weights, in fresh rows and in kept ones', async () => {
    const rehearsal: Rehearsal = ownTextReplay({ rows: 2, beside: reservoirReplay({ capacity: 40 }) })
    const vocabulary = growingVocabulary({
      ...{ tokens: 280, tokensAtOnce: 4, minCount: 2, growWhen: everySteps(3) },
    })
    const model = Gpt.create({ context: 16, embed: 8, heads: 1, layers: 1, mlpHidden: 8 }, { seed: 1 })
    const learner = new Learner({ model, optimizer: sgd(0.1), strategy: { rehearsal, vocabulary } })
    const text = batchOfTokens(
      new TextEncoder().encode('the the the the '.slice(0, 17).padEnd(17, 't')),
      16,
      't',
    )
    // The last of each "the " is learnt more strongly.
    const weights = Float32Array.from({ length: 16 }, (_, i) => ((i + 1) % 4 === 2 ? 2 : 1))
    for (let step = 0; step < 8; step++) await learner.observe({ ...text, weights })
    const { tokenizer } = vocabulary as { tokenizer: GrowingTokenizer }
    expect(tokenizer.vocabulary).toBeGreaterThan(256)
    const kept = rehearsal.sample(8) as TokenBatch
    expect(Math.max(...kept.tokens)).toBeGreaterThan(255)
    for (let at = 0; at < kept.rows; at++) {
      const own = rowAt(kept, at) as TokenRow
      const spread = [...own.tokens.subarray(1)].flatMap((token, i) =>
        token < 0 ? [] : new Array<number>(tokenizer.decodeBytes([token]).length).fill(own.weights?.[i] ?? 1),
      )
      expect(spread).toEqual([...weights])
    }
    learner.dispose()
    model.dispose()
  })
})

test('a pass shows losses without weights, and its tensors hold the weights', () => {
  const model = tinyModel()
  scope(() => {
    const pass = passOf(model, weighted(two, signed))
    expect([...pass.losses.readSync()]).toEqual([...passOf(model, two).losses.readSync()])
    expect([...(pass.tensors.lossWeights?.readSync() ?? [])]).toEqual(signed)
    expect(passOf(model, two).tensors).not.toHaveProperty('lossWeights')
  })
})
