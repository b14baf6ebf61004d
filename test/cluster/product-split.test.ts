/** Plans of split products, carried out on parts in turn: what they sum up is what the whole model computes. */
import { type ProductSplit, splitProducts } from '@burgeon/cluster'
import { forward, type GptConfig, gptConfig, parametersOf } from '@burgeon/gpt'
import { add, OptionError, scope, slice, type Tensor, type TensorsByPath } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf, tokensFor } from '../growth/tiny-model.ts'
import { times } from '../how-long.ts'
import { apart } from './shards/sharded.ts'

const device = openReference()

/** The parameters that a device holds. */
function weightsOn(w: TensorsByPath, { parameters }: ProductSplit, at: number): TensorsByPath {
  return Object.fromEntries(
    parameters.map(({ path, how, dimension = 0, borders = [] }) => {
      const x = w[path]
      if (how === 'whole' || (how === 'first' && at === 0)) return [path, x]
      if (how === 'first')
        return [path, device.tensor(new Float32Array(x.size), { shape: x.shape, dtype: 'f32' })]
      const begin = x.shape.map((_, i) => (i === dimension ? borders[at] : 0))
      const end = x.shape.map((n, i) => (i === dimension ? borders[at + 1] : n))
      return [path, slice(x, begin, end)]
    }),
  )
}

/** The configuration of a device. */
function configOn(config: GptConfig, split: ProductSplit, at: number): GptConfig {
  const unitsOf = (id: string): number => {
    const { borders = [] } = split.parameters.find(({ path }) => path === `blocks.${id}.mlp.up.weight`) ?? {}
    return borders[at + 1] - borders[at]
  }
  const blocks = config.blocks.map((block) => ({
    ...block,
    ...{
      heads: block.heads / split.devices,
      kvHeads: block.kvHeads / split.devices,
      mlpHidden: unitsOf(block.id),
    },
  }))
  return { ...config, blocks }
}

/** The logits, computed by the devices in turn: each sum of the plan is made of what all of them have, then goes to all. */
function logitsBySplit(config: GptConfig, w: TensorsByPath, split: ProductSplit, tokens: Tensor): Tensor {
  const known = new Map<string, Tensor>()
  const parts = Array.from({ length: split.devices }, (_, at) => ({
    config: configOn(config, split, at),
    w: weightsOn(w, split, at),
  }))
  const pass = (part: (typeof parts)[number], seen: (key: string, x: Tensor) => void): Tensor =>
    forward(part.config, part.w, tokens, {
      replace: (block, what, x) => {
        seen(`${block} ${what}`, x)
        return known.get(`${block} ${what}`)
      },
    })
  for (const { block, what } of split.sums) {
    const shares = parts.map((part) => {
      const found: Tensor[] = []
      pass(part, (key, x) => key === `${block} ${what}` && found.push(x))
      return found[0]
    })
    known.set(
      `${block} ${what}`,
      shares.reduce((a, b) => add(a, b)),
    )
  }
  return pass(parts[split.devices - 1], () => {})
}

describe('split products', () => {
  test('compute what the whole model computes, in models of every form', () => {
    let tried = 0
    for (let seed = 1; tried < times(8, 40); seed++) {
      const drawn = drawConfig(drawFrom(seed))
      const blocks = drawn.blocks.map(({ adapter: _, ...block }) => ({
        ...block,
        heads: 2 * block.heads,
        kvHeads: 2 * block.kvHeads,
        mlpHidden: block.mlpHidden + 3,
      }))
      const config = { ...drawn, blocks }
      const devices = blocks.every(({ kvHeads }) => kvHeads % 4 === 0) ? 4 : 2
      const model = modelOf(config, drawFrom(seed), device)
      const tokens = tokensFor(model, drawFrom(seed + 1))
      const split = splitProducts(config, devices)
      scope(() => {
        const w = model.parameters.tensors()
        const whole = [...forward(config, w, tokens).readSync()]
        expect(apart(whole, [...logitsBySplit(config, w, split, tokens).readSync()])).toBeLessThan(1e-9)
        // The control: without one of the exchanges it is another function.
        const lacking = { ...split, sums: split.sums.slice(1) }
        expect(apart(whole, [...logitsBySplit(config, w, lacking, tokens).readSync()])).toBeGreaterThan(1e-6)
      })
      tried++
    }
  })
  test('share out the blocks, and two sums of a block are all that is exchanged', () => {
    const config = gptConfig({ vocabulary: 8, context: 4, embed: 64, heads: 8, layers: 3 })
    const { perDevice, sums } = splitProducts(config, 8)
    expect(sums).toHaveLength(6)
    expect(sums.every(({ numbers }) => numbers === 64)).toBe(true)
    expect(Math.max(...perDevice)).toBeLessThan(parametersOf(config) / 6)
    expect(splitProducts(config, 1).perDevice).toEqual([parametersOf(config)])
  })
  test('refuse what cannot be shared', () => {
    const config = gptConfig({ vocabulary: 8, context: 4, embed: 8, heads: 4, kvHeads: 2, layers: 1 })
    expect(() => splitProducts(config, 4)).toThrow('2 heads of keys and values')
    expect(() => splitProducts(config, 0)).toThrow(OptionError)
    const [block] = config.blocks
    expect(() =>
      splitProducts({ ...config, blocks: [{ ...block, adapter: { rank: 1, scale: 1 } }] }, 2),
    ).toThrow('adapters')
  })
})
