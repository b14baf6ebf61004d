/** Growth and protection together: the penalty of old weights stays what it was, and new ones do not spoil what is known. */
import { adamw } from '@burgeon/autograd/optim'
import {
  batchOfTokens,
  fisherInformation,
  type GrowthPolicy,
  Learner,
  meanLoss,
  onlineEwc,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow, type GrowthRequest, planGrowth, ungrow } from '@burgeon/gpt/growth'
import { assign, multiply, scope, type TensorMirror } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { openWasm } from '@burgeon/tensor/wasm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { times } from '../how-long.ts'
import { drawConfig, drawFrom, drawRequest, everyByte, modelOf, tokensFor } from './tiny-model.ts'

/** Exact requests that copy, and drawn ones of any kind. */
function requestFor({ config }: Gpt, seed: number): GrowthRequest {
  const random = drawFrom(seed)
  const { id, expertShares = [1], mlpHidden, heads, kvHeads } = config.blocks[0]
  const copying: GrowthRequest[] = [
    { kind: 'addExperts', block: id, to: expertShares.length + 1 + random.below(3) },
    { kind: 'addLayer', at: 1, how: 'copy' },
    { kind: 'widenMlp', block: id, to: mlpHidden + 1 + random.below(mlpHidden), how: 'split' },
    ...(kvHeads < heads ? [{ kind: 'addKvHeads', block: id, to: heads } as const] : []),
  ]
  return random.below(2) === 0 ? copying[random.below(copying.length)] : drawRequest(config, random)
}

/** A model with EWC whose anchors are a tenth away from the weights. */
function protectedModel(seed: number, fresh: 'borrowed' | 'plastic') {
  const model = modelOf(drawConfig(drawFrom(seed)), drawFrom(seed + 1), openReference())
  const random = drawFrom(seed + 2)
  const length = model.config.context - 1
  const tokens = Int32Array.from({ length: 3 * (length + 1) }, () => random.below(model.config.vocabulary))
  const sample = { rows: 3, length, tokens, domains: ['a', 'b', 'c'] }
  const ewc = onlineEwc({ strength: 10, fresh })
  ewc.consolidate(model, sample)
  scope(() => {
    for (const { tensor } of model.parameters) assign(tensor, multiply(tensor, 1.1))
  })
  const [importance, anchor] = ewc.mirrors as TensorMirror[]
  const costs = (): number =>
    importance.paths.reduce((total, path) => {
      const [f, star] = [importance, anchor].map((mirror) => mirror.get(path)?.readSync() ?? [])
      const w = [...model.parameters.get(path).tensor.readSync()]
      return total + 5 * w.reduce((sum, x, i) => sum + f[i] * (x - star[i]) ** 2, 0)
    }, 0)
  return { model, ewc, importance, costs, sample }
}

const aSeed = fc.integer({ min: 1, max: 2 ** 31 })

test('the penalty of a displaced function is the same after every exact growth, and every byte after its undoing', async () => {
  await fc.assert(
    fc.asyncProperty(aSeed, fc.constantFrom('borrowed', 'plastic'), async (seed, fresh) => {
      const { model, ewc, costs } = protectedModel(seed, fresh)
      const request = requestFor(model, seed)
      fc.pre(planGrowth(model.config, request, [1, 2]).isExact)
      using probe = tokensFor(model, drawFrom(seed))
      const [before, bytes] = [costs(), everyByte(model, ewc.mirrors)]
      const record = await grow(model, request, { mirrors: ewc.mirrors, probe, key: [1, 2] })
      expect(Math.abs(costs() - before) / before, JSON.stringify(request)).toBeLessThan(1e-9)
      ungrow(model, record, ewc.mirrors)
      expect(everyByte(model, ewc.mirrors)).toEqual(bytes)
    }),
    { numRuns: times(15, 200) },
  )
})

describe('outgoing weights of new units', () => {
  test('matter at once, and have importance where they may borrow it', async () => {
    for (const seed of [1, 2, 3]) {
      for (const fresh of ['borrowed', 'plastic'] as const) {
        const { model, ewc, importance, sample } = protectedModel(seed, fresh)
        const { id, mlpHidden } = model.config.blocks[0]
        await grow(
          model,
          { kind: 'widenMlp', block: id, to: mlpHidden + 2 },
          { mirrors: ewc.mirrors, key: [1, 2] },
        )
        const measured = scope(() => {
          const all = fisherInformation(model, sample, () => [3, 4])
          return Object.fromEntries(Object.entries(all).map(([path, f]) => [path, [...f.readSync()]]))
        })
        for (const path of importance.paths.filter(
          (own) => own.startsWith(`blocks.${id}.mlp.`) && own.endsWith('down.weight'),
        )) {
          const first = mlpHidden * model.config.embed
          const own = [...(importance.get(path)?.readSync() ?? [])].slice(first)
          const matters = measured[path].slice(first)
          expect(matters.some((x) => x > 0)).toBe(true)
          // A channel that no old unit's weights matter for lends nothing.
          expect(own.every((x) => x > 0 === (fresh === 'borrowed'))).toBe(true)
        }
        const up = importance.paths.find((own) => own.endsWith(`${id}.mlp.up.weight`))
        if (up === undefined) continue
        const incoming = [...(importance.get(up)?.readSync() ?? [])].filter(
          (_, i) => i % (mlpHidden + 2) >= mlpHidden,
        )
        expect(incoming.every((x) => x === 0)).toBe(true)
      }
    }
  })
})

describe('a learner that grows before it learns something else', () => {
  const device = openWasm()
  const letters = (text: string): Uint8Array =>
    Uint8Array.from(text.repeat(6), (letter) =>
      ' .'.includes(letter) ? 26 + ' .'.indexOf(letter) : letter.charCodeAt(0) - 97,
    )
  const first = letters('the cat sat on the mat. a dog ran to the man. ')
  const second = letters('der hund lief zum mann. eine katze lag da. ')
  const known = 60

  /** Loss of the first text after the second was learnt. */
  async function lossAfter(seed: number, fresh: 'borrowed' | 'plastic', grows: boolean): Promise<number> {
    const sizes = { vocabulary: 28, context: 12, embed: 16, heads: 2, layers: 2, mlpHidden: 8 }
    const model = Gpt.create(sizes, { device, seed })
    const growth: GrowthPolicy<null> = {
      name: 'wider, block by block',
      initial: null,
      decide: ({ step, config }) => {
        const block = grows ? config.blocks.at(Math.max(0, step - known))?.id : undefined
        const request =
          step < known || block === undefined ? null : ({ kind: 'widenMlp', block, to: 64 } as const)
        return { request, reason: 'room for more', state: null }
      },
    }
    const strategy = {
      penalties: [onlineEwc({ strength: 1000, fresh })],
      consolidateWhen: ({ step }: { readonly step: number }) => step === known,
      growth,
    }
    const optimizer = adamw({ learningRate: 0.01, weightDecay: 0 })
    const learner = new Learner({ model, optimizer, strategy, seed })
    for (const text of [first, second]) {
      const batch = batchOfTokens(text, 12, 'text')
      for (let i = 0; i < known; i++) await learner.observe(batch)
    }
    const loss = await meanLoss(model, first)
    learner.dispose()
    model.dispose()
    return loss
  }

  test('forgets far less where new weights borrow importance, and as much where none are new', async () => {
    const [borrowed, plastic] = [await lossAfter(1, 'borrowed', true), await lossAfter(1, 'plastic', true)]
    expect(borrowed).toBeLessThan(0.6 * plastic)
    expect(await lossAfter(1, 'borrowed', false)).toBe(await lossAfter(1, 'plastic', false))
  })
})
