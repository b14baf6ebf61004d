/** Opens a model wherever it lies: the one place that knows all forms. */
import {
  type ContextLabels,
  type OutputFilter,
  type Recall,
  type SavedLearner,
  savedPart,
} from '@burgeon/continual'
import {
  type BytePairState,
  BytePairTokenizer,
  Gpt,
  type GptState,
  type GrowingTokenizer,
  PretrainedTokenizer,
  readCheckpoint,
} from '@burgeon/gpt'
import { fromPretrained, nodeDisk, openPretrained, tokenizerFromPretrained } from '@burgeon/gpt/node'
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import type { CommandContext } from '../terminal/command-context.ts'
import { printable } from '../terminal/terminal.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { broughtPath } from './bring-model.ts'
import { hubChecks, type HubOptions, pathOfPlace } from './hub-place.ts'
import { type ModelForm, modelFormAt } from './model-form.ts'
import { type OwnOutput, ownOutputOf, savedOutput } from './own-output.ts'
import { savedLabels } from './saved-labels.ts'
import { savedRecall } from './saved-recall.ts'
import { tokenizerFromState } from './saved-tokenizer.ts'

/** A model with what makes tokens of text for it. */
export interface OpenedModel {
  /** What it was read from. */
  readonly form: ModelForm
  readonly model: Gpt
  readonly tokenizer: GrowingTokenizer
  /** Tokens that end a text; none of a model of bytes. */
  readonly endTokens: readonly number[]
  /** What a life remembers beside its weights; absent where it recalls nothing. */
  readonly recall?: Recall
  /** By which it knows what it reads; absent where it learnt without labels. */
  readonly labels?: ContextLabels
  /** What it may say, by the policy of its life; absent where it may say everything. */
  readonly output?: OwnOutput
}

/**
 * Opens a model: a checkpoint of ours, a folder in the form of Hugging Face, or a GGUF file; or one of the
 * Hugging Face hub, which is downloaded first.
 *
 * @param path Of the folder, or of the file; or `hf://owner/model`, with `@revision` or the name of a GGUF file
 *   behind it if wanted.
 * @param options How a model of the hub is brought.
 * @throws UsageError for a path that leads to no model; CheckpointError, PretrainedError or TokenizerError,
 *   with file and tensor, for what is there and cannot be read; UnsupportedError for a model of the hub
 *   without the optional package `@huggingface/hub`.
 */
export async function openModel(path: string, options: HubOptions = {}): Promise<OpenedModel> {
  checkArgument('openModel', 'path', path, checks.text)
  checkOptions('openModel', options, hubChecks)
  return openedAt('openModel', await pathOfPlace('openModel', path, options))
}

/** As `openModel`, for a command and in its words. */
export async function broughtModel(who: string, path: string, context: CommandContext): Promise<OpenedModel> {
  return openedAt(who, await broughtPath(who, path, context))
}

/** The model at a path on this machine. */
export async function openedAt(who: string, path: string): Promise<OpenedModel> {
  const form = await modelFormAt(who, path)
  const { model, tokenizer, recall, labels, filter } = await readers[form](who, path)
  if (tokenizer.vocabulary > model.config.vocabulary) {
    throw new UsageError(
      `${who}: the tokenizer in ${printable(path)} has ${tokenizer.vocabulary} tokens and the model ${model.config.vocabulary}; expected no more.`,
    )
  }
  return {
    ...{ form, model, tokenizer, endTokens: endTokensOf(model, tokenizer) },
    ...(recall && { recall }),
    ...(labels && { labels }),
    ...(filter && { output: ownOutputOf(filter, tokenizer) }),
  }
}

interface Read extends Pick<OpenedModel, 'model' | 'tokenizer' | 'recall' | 'labels'> {
  readonly filter?: OutputFilter | undefined
}

const readers: Readonly<Record<ModelForm, (who: string, path: string) => Promise<Read>>> = {
  async checkpoint(who, path) {
    const { model: state, learner, tokenizer, life } = await readCheckpoint(nodeDisk(path))
    if (!state) throw new UsageError(`${who}: the checkpoint in ${printable(path)} holds no model.`)
    const model = Gpt.fromState(spoken(state as GptState, learner as SavedLearner | undefined))
    const recall = learner === undefined ? undefined : savedRecall(path, learner as SavedLearner)
    const labels = learner === undefined ? undefined : savedLabels(learner as SavedLearner, model)
    const own = {
      model,
      ...(recall && { recall }),
      ...(labels && { labels }),
      filter: savedOutput(who, life),
    }
    if (tokenizer !== undefined) return { ...own, tokenizer: tokenizerFromState(path, tokenizer) }
    const vocabulary = learner && savedPart(learner as SavedLearner, 'vocabulary')
    const { merges = [] } = (vocabulary ?? {}) as Partial<BytePairState>
    return { ...own, tokenizer: new BytePairTokenizer({ merges }) }
  },
  async folder(_who, path) {
    const model = await fromPretrained(path)
    const { vocabulary } = model.config
    return { model, tokenizer: await tokenizerFromPretrained(path, { vocabulary }) }
  },
  async gguf(who, path) {
    const { model, tokenizer } = await openPretrained(path)
    if (tokenizer === null) {
      throw new UsageError(`${who}: the GGUF file ${printable(path)} has no tokenizer; expected one in it.`)
    }
    const { vocabulary } = model.config
    const rows = Math.max(vocabulary, tokenizer.vocabulary)
    return { model, tokenizer: PretrainedTokenizer.fromState({ ...tokenizer.toState(), vocabulary: rows }) }
  },
}

/** The weights that a life answers with: the average of those that it learnt, where it keeps one. */
function spoken(state: GptState, learner: SavedLearner | undefined): GptState {
  const average = learner && savedPart(learner, 'average')
  const { weights = {} } = (average ?? {}) as Partial<Pick<GptState, 'weights'>>
  return { ...state, weights: { ...state.weights, ...weights } }
}

/** The tokens that its configurations call the end, or that its tokenizer does. */
function endTokensOf({ config }: Gpt, tokenizer: GrowingTokenizer): number[] {
  const { generation, config: own } = config.pretrained ?? {}
  const said = generation?.['eos_token_id'] ?? own?.['eos_token_id']
  const listed = (Array.isArray(said) ? said : [said]) as unknown[]
  const known = listed.filter((id): id is number => Number.isInteger(id) && Number(id) >= 0)
  if (known.length > 0) return known.filter((id) => id < config.vocabulary)
  const end = tokenizer instanceof PretrainedTokenizer ? tokenizer.eosTokenId : null
  return end === null ? [] : [end]
}
