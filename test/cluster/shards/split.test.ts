/** Splits: every block once, in order, as even as whole blocks can be. */
import { sgd } from '@burgeon/autograd/optim'
import {
  localLink,
  ShardedModel,
  splitStages,
  type StageShare,
  stageSpecs,
  stagesOf,
  StageWorker,
} from '@burgeon/cluster'
import { type GptConfig, gptConfig, parametersOf, parameterSpecs } from '@burgeon/gpt'
import { OptionError, sizeOf } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, test } from 'vitest'
import { drawConfig, drawFrom, modelOf } from '../../growth/tiny-model.ts'

const sizes = { vocabulary: 50, context: 8, embed: 8, heads: 2, layers: 7 }
const largest = (shares: readonly StageShare[]): number =>
  Math.max(...shares.map(({ parameters }) => parameters))

/** The smallest largest stage, by trying every split. */
function best(config: GptConfig, count: number): number {
  const sizeFrom = (index: number, first: number, end: number): number =>
    stageSpecs(config, { index, count, first, end, parameters: 0 }).reduce(
      (sum, { shape }) => sum + sizeOf(shape),
      0,
    )
  const tried = (index: number, first: number): number => {
    const { length } = config.blocks
    if (index === count - 1) return sizeFrom(index, first, length)
    let least = Infinity
    for (let end = first + 1; end <= length - (count - 1 - index); end++) {
      least = Math.min(least, Math.max(sizeFrom(index, first, end), tried(index + 1, end)))
    }
    return least
  }
  return tried(0, 0)
}

describe('a split', () => {
  test('is as even as any, in models with blocks of several sizes', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = drawFrom(seed)
      const drawn = drawConfig(random)
      const blocks = Array.from({ length: 5 }, (_, i) => ({
        ...drawn.blocks[0],
        id: `b${i}`,
        mlpHidden: 1 + random.below(60),
      }))
      const config = { ...drawn, blocks }
      for (let stages = 1; stages <= 5; stages++) {
        const shares = splitStages(config, { stages })
        expect(largest(shares)).toBe(best(config, stages))
        expect(shares.flatMap(({ first, end }) => blocks.slice(first, end))).toEqual(blocks)
        expect(shares.map(({ parameters }) => parameters)).toEqual(
          shares.map((share) => stageSpecs(config, share).reduce((sum, { shape }) => sum + sizeOf(shape), 0)),
        )
        const limited = splitStages(config, { maxParameters: largest(shares) })
        expect(limited.length).toBeLessThanOrEqual(stages)
        expect(largest(limited)).toBeLessThanOrEqual(largest(shares))
      }
    }
  })
  test('holds every parameter once, and a table that is the head, too, twice', () => {
    for (const untiedHead of [true, undefined]) {
      const config = { ...gptConfig(sizes), ...(untiedHead && { untiedHead }) }
      const held = splitStages(config, { stages: 3 })
        .flatMap((share) => stageSpecs(config, share))
        .map(({ path }) => path)
      const all = parameterSpecs(config).map(({ path }) => path)
      expect(held.toSorted()).toEqual([...all, ...(untiedHead ? [] : ['embed.token.weight'])].toSorted())
    }
    const config = gptConfig(sizes)
    const [alone] = splitStages(config, { stages: 1 })
    expect(alone.parameters).toBe(parametersOf(config))
  })
  test('of fewer stages than blocks, a limit that holds a block, and a model of blocks alone', () => {
    const config = gptConfig(sizes)
    expect(() => splitStages(config, { stages: 8 })).toThrow('8 stages for 7 blocks')
    expect(() => splitStages(config, { maxParameters: 100 })).toThrow('no number of stages keeps it')
    expect(() => splitStages({ ...config, packed: { format: 'int8' } }, { stages: 2 })).toThrow(
      'packed weights',
    )
    for (const wrong of [{ stages: 0 }, { stages: 1.5 }, { maxParameters: -1 }, {}]) {
      expect(() => splitStages(config, wrong as { stages: number })).toThrow(OptionError)
    }
  })
  test('keeps two parts on their way at once, and no more in a stage than there are stages', async () => {
    const config = gptConfig({ ...sizes, layers: 3 })
    const stages = stagesOf(modelOf(config, drawFrom(1), openReference()), 3)
    const workers = stages.map((stage) => new StageWorker(stage, { optimizer: sgd({ learningRate: 0.1 }) }))
    const atOnce = new Set<number>()
    let mostAtOnce = 0
    const held = [0, 0, 0]
    let mostHeld = 0
    const model = await ShardedModel.connect(
      workers.map((worker, i) => {
        const link = localLink(worker)
        return {
          ask: async (payload) => {
            const text = new TextDecoder().decode(payload.slice(0, 400))
            const isForward = text.includes('"kind":"forward"')
            const isPass = isForward || text.includes('"kind":"backward"')
            if (isPass) mostAtOnce = Math.max(mostAtOnce, atOnce.add(i).size)
            if (isForward && i < 2) mostHeld = Math.max(mostHeld, ++held[i])
            await new Promise((resolve) => setImmediate(resolve))
            const answer = await link.ask(payload)
            if (isPass) atOnce.delete(i)
            if (isPass && !isForward) held[i]--
            return answer
          },
        }
      }),
      { microBatches: 8 },
    )
    const length = 8
    const tokens = Int32Array.from({ length: 8 * 9 }, (_, i) => i % 50)
    await model.learn({ rows: 8, length, tokens })
    expect(mostAtOnce).toBeGreaterThan(1)
    expect(mostHeld).toBeGreaterThan(1)
    expect(mostHeld).toBeLessThanOrEqual(3)
  })
})
