/** Opens what a pretrained model came in, whatever it is: a folder or a GGUF file. */
import { checkArgument, checkOptions, checks, Device } from '@burgeon/tensor'
import type { Gpt } from '../gpt.ts'
import type { PretrainedTokenizer } from '../tokenizer/pretrained-tokenizer.ts'
import { tokenizerFromPretrained } from './tokenizer-from-pretrained.ts'
import { ggufAt } from './node-gguf.ts'
import { aPlace, folderAt } from './node-files.ts'
import type { ReadPretrainedOptions } from './config/pretrained-options.ts'
import { readPretrained } from './read-pretrained.ts'

/** A pretrained model with what belongs to it. */
export interface Pretrained {
  readonly model: Gpt
  /** With the chat template, if there is one; null where none came with the model. */
  readonly tokenizer: PretrainedTokenizer | null
}

/**
 * A model and its tokenizer, from a folder in the form of Hugging Face or a GGUF file.
 *
 * @param place Path of the folder or of the file.
 * @throws PretrainedError for weights, and TokenizerError for a tokenizer, that are damaged or say what
 *   burgeon cannot do. `fromPretrained` reads the model alone.
 */
export async function openPretrained(
  place: string,
  options: ReadPretrainedOptions = {},
): Promise<Pretrained> {
  checkArgument('openPretrained', 'place', place, aPlace)
  checkOptions('openPretrained', options, { device: checks.instance('a Device', Device) })
  const file = await ggufAt(place)
  const folder = folderAt(place)
  // The tokenizer first: it is read in no time, and nothing has to be given back if it is refused.
  const hasTokenizer = file === null && (await folder.open('tokenizer.json')) !== undefined
  const tokenizer = file?.tokenizer() ?? (hasTokenizer ? await tokenizerFromPretrained(place) : null)
  const model = await (file?.model(options) ?? readPretrained(folder, options))
  return { model, tokenizer }
}
