/** Refuses what could do nothing for a model: roles of a GPT where another learns, upkeep of another kind. */
import { Gpt } from '@burgeon/gpt'
import { OptionError } from '@burgeon/tensor'
import { aDenseNetwork } from '../model/dense-network.ts'
import type { Model } from '../model/model.ts'
import { gptRoles, type Strategy } from './strategy.ts'

/**
 * Throws OptionError for something that needs the tokens or blocks of a GPT beside a model that is none, and
 * for upkeep that could do nothing for it. Of a GPT, for a recall that cannot know what its tokens are.
 *
 * @param options Those of the learner that only a GPT can have.
 */
export function checkModel(
  who: string,
  model: Model,
  strategy: Strategy,
  options: Readonly<Record<string, unknown>>,
): void {
  for (const part of strategy.upkeep ?? []) part.check?.(model)
  if (model instanceof Gpt) {
    const { vocabulary } = model.config
    // Labels come after the bytes, and stand for none.
    const bytes = 256 + (strategy.context?.limit ?? 0)
    if (strategy.recall === undefined || strategy.vocabulary !== undefined || vocabulary <= bytes) return
    throw new OptionError(
      `${who}: got ${strategy.recall.name}, a model of ${vocabulary} tokens and no vocabulary; expected one, such as fixedVocabulary(tokenizer), ` +
        'that says which bytes the tokens are.',
    )
  }
  const own = aDenseNetwork.accepts(model) ? [] : ['growth']
  const given: Readonly<Record<string, unknown>> = { ...strategy, ...options }
  const isGiven = (name: string): boolean =>
    given[name] !== undefined && (given[name] as readonly unknown[]).length !== 0
  const wrong = [...own, ...gptRoles, ...Object.keys(options)].find(isGiven)
  if (wrong === undefined) return
  throw new OptionError(
    `${who}: got ${wrong} beside a model that is no Gpt; expected it to be left out, for it needs tokens or blocks of a Gpt.`,
  )
}
