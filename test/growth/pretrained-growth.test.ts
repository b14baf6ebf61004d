/** Models that were read from the folders of every class grow on every axis, learn on, and are taken back. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { adamw, chain, clipByGlobalNorm } from '@burgeon/autograd/optim'
import { type Gpt, readPretrained } from '@burgeon/gpt'
import { grow, type GrowthRecord, type GrowthRequest, ungrow } from '@burgeon/gpt/growth'
import { type RandomStream, scope } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { describe, expect, test } from 'vitest'
import { folderOf, goldFiles } from '../gpt/memory-folder.ts'
import { times } from '../how-long.ts'
import {
  drawFrom,
  drawRequest,
  everyByte,
  learn,
  logitsOf,
  lossAndGradients,
  relativeDifference,
} from './tiny-model.ts'

const classes = readdirSync(join(import.meta.dirname, '../gold/pretrained'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** One request of each kind, every one drawn for the model as the earlier ones leave it. */
async function growOnEveryAxis(
  model: Gpt,
  random: RandomStream,
  byRequest: (request: GrowthRequest) => Promise<unknown>,
): Promise<number> {
  const kinds = new Set<GrowthRequest['kind']>()
  for (let draws = 0; draws < 60; draws++) {
    const request = drawRequest(model.config, random)
    if (kinds.has(request.kind)) continue
    kinds.add(request.kind)
    await byRequest(request)
  }
  return kinds.size
}

describe.each(classes)('a model read from %s', (name) => {
  test('grows on every axis with the same logits, goes back to every byte, and learns on when grown', async () => {
    const device = openWasm()
    for (let seed = 1; seed <= times(1, 4); seed++) {
      const model = await readPretrained(folderOf(goldFiles(name)), { device })
      const random = drawFrom(seed)
      using tokens = device.tensor(
        Array.from({ length: 16 }, () => random.below(model.config.vocabulary)),
        { shape: [2, 8], dtype: 'i32' },
      )
      const optimizer = chain(clipByGlobalNorm(1), adamw({ learningRate: 0.01 }))
      for (let step = 0; step < 2; step++) learn(model, optimizer, tokens, step)
      const [before, stages, records] = [logitsOf(model, tokens), [] as unknown[], [] as GrowthRecord[]]
      const options = { mirrors: optimizer.mirrors, probe: tokens, key: [seed, 7] as const }
      const axes = await growOnEveryAxis(model, random, async (request) => {
        stages.push(everyByte(model, optimizer.mirrors))
        records.push(await grow(model, request, options))
      })
      expect(axes).toBeGreaterThanOrEqual(9)
      expect(relativeDifference(before, logitsOf(model, tokens))).toBeLessThanOrEqual(1e-5)
      for (const [i, record] of [...records.entries()].reverse()) {
        ungrow(model, record, optimizer.mirrors)
        expect(everyByte(model, optimizer.mirrors)).toEqual(stages[i])
      }
      await growOnEveryAxis(model, random, (request) => grow(model, request, options))
      const lossNow = (): number => scope(() => lossAndGradients(model, tokens).value.item())
      const loss = lossNow()
      for (let step = 2; step < 12; step++) learn(model, optimizer, tokens, step)
      expect(lossNow()).toBeLessThan(loss - 0.02)
      model.dispose()
    }
  })
})
