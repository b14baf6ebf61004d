/** Generation: one token after another, each computed once thanks to the cache. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import {
  generateChecks,
  type GenerateOptions,
  type GenerativeModel,
  modelCheck,
  type Prompt,
  tokensOfPrompts,
} from './generate-options.ts'
import { Generation } from './generation.ts'
import { type Generated, type GeneratedToken, GenerationRow } from './generation-row.ts'
import { aRemoteModel, type RemoteModel } from './remote/remote-model.ts'
import { checkRemote, writeRemotely } from './write-remotely.ts'
import { writeRows } from './write-rows.ts'

/**
 * Continues a prompt, token by token.
 *
 * When the context is full, the model goes on with the second half of what it has: positions are learned, so
 * the window cannot slide one by one without computing everything anew (`onContextFull`). The model may learn
 * and grow between two tokens: the text is written by the weights of its first token, or by those of each
 * moment (`weights`).
 *
 * @param model One that is here, or elsewhere: that reads with the weights of its first token, and takes no
 *   draft and no adapters.
 * @param prompt At least one token, each in [0, V); of a longer one only the last `context` tokens count. A
 *   text with a tokenizer. Or a list of either, of any lengths: rows are read together and never padded, so
 *   each writes what it would write alone, up to the last bits of its logits.
 * @returns Pieces for `for await`: the tokens; of a text pieces of text; of a list a `GeneratedToken` each.
 *   Awaited, the whole: `Generated`, of a list one for each.
 * @throws OptionError for an empty prompt or options outside their range; from the loop NonFiniteError if the
 *   model's logits are not finite, and ContextFullError if that is asked for.
 * @example
 * ```ts
 * const prompt = byteTokenizer.encode('Once')
 * for await (const token of generate(model, prompt, { tokens: 8 })) console.log(token)
 * const { text } = await generate(model, 'Once', { tokens: 8, tokenizer: byteTokenizer })
 * ```
 */
export function generate(
  model: GenerativeModel | RemoteModel,
  prompt: string,
  options: GenerateOptions,
): Generation<string, Generated>
export function generate(
  model: GenerativeModel | RemoteModel,
  prompt: readonly Prompt[],
  options: GenerateOptions,
): Generation<GeneratedToken, Generated[]>
export function generate(
  model: GenerativeModel | RemoteModel,
  prompt: ArrayLike<number>,
  options: GenerateOptions,
): Generation<number, Generated>
export function generate(
  model: GenerativeModel | RemoteModel,
  prompt: Prompt | readonly Prompt[],
  options: GenerateOptions,
): Generation<unknown, unknown> {
  checkArgument('generate', 'model', model, checks.either(modelCheck, aRemoteModel))
  checkArgument('generate', 'prompt', prompt, aPrompt)
  checkOptions('generate', options, generateChecks)
  if (isRemote(model)) checkRemote(model, options)
  const isList = Array.isArray(prompt) && typeof prompt[0] !== 'number' && prompt.length > 0
  const prompts = isList ? (prompt as readonly Prompt[]) : [prompt as Prompt]
  const { config } = model
  const rows = tokensOfPrompts(model, prompts, options).map(
    (tokens, row) => new GenerationRow(row, tokens, config, options),
  )
  const steps = isRemote(model) ? writeRemotely(model, rows, options) : writeRows(model, rows, options)
  if (isList) {
    return new Generation(
      steps,
      (step) => step,
      () => rows.map((row) => row.result()),
    )
  }
  const whole = (): Generated => rows[0].result()
  if (typeof prompt !== 'string') return new Generation(steps, ({ token }) => token, whole)
  return new Generation(steps, ({ text }) => (text === '' ? undefined : text), whole)
}

const isRemote = (model: GenerativeModel | RemoteModel): model is RemoteModel => aRemoteModel.accepts(model)

const onePrompt = checks.either(checks.tokens, checks.text)
const aPrompt = checks.either(onePrompt, checks.list('a list of such', onePrompt))
