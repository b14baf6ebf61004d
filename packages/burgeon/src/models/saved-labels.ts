/** The labels by which a saved life knows what it reads, and the one that a text has. */
import {
  type ContextLabels,
  contextLabels,
  evaluateText,
  type SavedLearner,
  savedPart,
  type TextContext,
} from '@burgeon/continual'
import type { Gpt, GrowingTokenizer } from '@burgeon/gpt'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'

/** The one kind that a life of the command line has. */
const kind = 'domain'

/**
 * The labels of a saved learner; undefined where it has none, or of kinds that a program of somebody's own
 * made.
 *
 * @throws StateError for a state that is damaged.
 */
export function savedLabels(learner: SavedLearner, model: Gpt): ContextLabels | undefined {
  const state = savedPart(learner, 'context')
  if (state === undefined || (state as { readonly kinds?: unknown }).kinds !== kind) return undefined
  const labels = contextLabels()
  labels.restore(state, model.parameters)
  return labels
}

/**
 * The contexts that a text may stand in: with a name that of this label, without one for each label; none
 * where there are no labels.
 *
 * @throws UsageError for the name of a label where the model has none; OptionError for one that it has not.
 */
export function contextsOf(
  who: string,
  from: string,
  labels: ContextLabels | undefined,
  name: string | undefined,
): readonly TextContext[] {
  if (labels !== undefined) return labels.contextsOf(name === undefined ? {} : { [kind]: name })
  if (name === undefined) return []
  throw new UsageError(
    `${who}: got --label ${printable(name)}, but the model in ${printable(from)} learnt without labels. Leave it out.`,
  )
}

/** The label of the domain of a text, where a learner has it: the tokens that stand before it. */
export const ownContext = (labels: ContextLabels | undefined, domain: string): readonly TextContext[] =>
  labels === undefined || labels.placeOf(domain) < 0 ? [] : labels.contextsOf({ [kind]: domain })

/** A label that a text was found to have, and how probable that is. */
export interface FoundLabel {
  readonly name: string
  readonly tokens: readonly number[]
  readonly probability: number
}

/**
 * The likeliest of some contexts, by how well a text is predicted in each; null where there is none, or
 * nothing in the text to tell them by.
 */
export async function likeliestContext(
  model: Gpt,
  text: string,
  contexts: readonly TextContext[],
  tokenizer: GrowingTokenizer,
): Promise<FoundLabel | null> {
  if (contexts.length === 0) return null
  if (contexts.length === 1) return { ...contexts[0], probability: 1 }
  if (tokenizer.encode(text).length < 2) return null
  const { context = {} } = await evaluateText(model, text, { contexts, tokenizer })
  const [[name, probability]] = Object.entries(context)
  const { tokens = [] } = contexts.find((each) => each.name === name) ?? {}
  return { name, tokens, probability }
}

/** A prompt behind the label that it seems to have; as it is where there is none, or no room for one. */
export async function labelledPrompt(
  model: Gpt,
  prompt: Int32Array,
  labels: ContextLabels | undefined,
  tokenizer: GrowingTokenizer,
): Promise<Int32Array> {
  if (labels === undefined || prompt.length + labels.slots >= model.config.context) return prompt
  const found = await likeliestContext(model, tokenizer.decode(prompt), labels.contextsOf(), tokenizer)
  return found === null ? prompt : Int32Array.of(...found.tokens, ...prompt)
}
