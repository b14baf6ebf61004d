/** Explanations of a model that is served. */
import { explain, type Learner, type Recall, rememberedRows } from '@burgeon/continual'
import { Gpt, type GrowingTokenizer } from '@burgeon/gpt'
import type { ServedExplain } from '@burgeon/server'

/** What is explained, as it is now. */
export interface Explainable {
  readonly model: Gpt
  readonly tokenizer: GrowingTokenizer
  readonly recall?: Recall | undefined
  /** Whose rehearsed rows may have taught the answer; nobody's unless given. */
  readonly learner?: Learner
}

/**
 * Rows that are looked at, and those of which a gradient is taken: one request shall not hold up the others.
 */
const [maxRows, maxCloseRows] = [128, 32]

/**
 * Explains answers one after another, by a copy of the weights of the first turn: what is learnt in between
 * changes no explanation.
 */
export function servedExplain(now: () => Explainable): ServedExplain {
  let last: Promise<unknown> = Promise.resolve()
  return ({ prompt, answer, instead, experiences }, turn) => {
    const run = async (): ReturnType<ServedExplain> => {
      const { model, tokenizer, recall, rows } = await turn(async () => {
        const { learner, ...own } = now()
        const copy = Gpt.fromState(await own.model.toState(), own.model.device)
        return { ...own, model: copy, rows: learner && rememberedRows(learner, maxRows) }
      })
      try {
        return await explain({ model, tokenizer }, prompt, answer, {
          ...{ turn, experiences, closely: maxCloseRows },
          ...(instead !== undefined && { instead }),
          ...(recall && { recall }),
          ...(rows && { rows }),
        })
      } finally {
        model.dispose()
      }
    }
    const own = last.then(run, run)
    last = own.catch(() => {})
    return own
  }
}
