/** Two tasks of a tiny GPT: each token is so much more than the one before, much more in the second task. */
import {
  batchOfTokens,
  joinBatches,
  Learner,
  type LearnerState,
  meanLoss,
  type TokenBatch,
} from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { keyFromSeed } from '@burgeon/tensor'
import { openWasm } from '@burgeon/tensor/wasm'
import { mean } from '../benchmark.ts'
import type { Task, Tasks } from './two-tasks.ts'

const [vocabulary, length, hidden] = [16, 8, 16]
const steppedBy: Readonly<Record<Task, number>> = { first: 3, second: 7 }

function row(task: Task, start: number, tokens: number): TokenBatch {
  const ascending = Array.from({ length: length + 1 }, (_, t) => (start + steppedBy[task] * t) % tokens)
  return batchOfTokens(ascending, length, task)
}

export function tokenTasks(): Tasks<Gpt> {
  const device = openWasm({ threads: 1 })
  const tokensOf = (isLarger = false): number => (isLarger ? 2 : 1) * vocabulary
  return {
    rate: 0.1,
    born: ({ seed, isLarger = false }) =>
      Gpt.create(
        {
          ...{
            vocabulary: tokensOf(isLarger),
            context: length,
            embed: 16,
            heads: 2,
            layers: isLarger ? 3 : 2,
          },
          mlpHidden: isLarger ? hidden + 8 : hidden,
        },
        { seed, device },
      ),
    fromState: (state, parts) => Learner.fromState(state as LearnerState, { ...parts, device }),
    batchAt: (task, step, { seed, isLarger }) =>
      joinBatches([0, 1].map((i) => row(task, (step + seed) * 5 + 2 * i, tokensOf(isLarger)))),
    async lossOf(model, task, { isLarger }) {
      const tokens = tokensOf(isLarger)
      const losses: number[] = []
      for (let start = 0; start < tokens; start++) {
        losses.push(await meanLoss(model, row(task, start, tokens).tokens))
      }
      return mean(losses)
    },
    async widen(model, mirrors, how, key) {
      for (const { id, mlpHidden } of model.config.blocks) {
        const request = { kind: 'widenMlp', block: id, to: mlpHidden + hidden / 4, how } as const
        await grow(model, request, { mirrors, key: keyFromSeed(key) })
      }
    },
  }
}
