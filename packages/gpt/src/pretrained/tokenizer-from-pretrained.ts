/** The tokenizer in a folder of Hugging Face's or in a GGUF file, on a disk of Node's. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { ggufAt } from './node-gguf.ts'
import type { PretrainedTokenizerOptions } from '../tokenizer/pretrained-options.ts'
import { PretrainedTokenizer } from '../tokenizer/pretrained-tokenizer.ts'
import { parseJson, TokenizerError } from '../tokenizer/json/json-part.ts'

/** Bytes of the largest file that is read. Large vocabularies take some 30 MB. */
const maxBytes = 256 * 2 ** 20

/**
 * Reads `tokenizer.json` and, where there are any, `tokenizer_config.json` and `chat_template.jinja`, which
 * wins over the template of the configuration; or the keys of a GGUF file.
 *
 * @param place Path of the folder or of the file.
 * @throws TokenizerError for a folder without a tokenizer.json, and for files that are damaged, too large, or
 *   ask for what burgeon lacks; OptionError as PretrainedTokenizer.
 * @example
 * ```ts
 * const tokenizer = await tokenizerFromPretrained('models/llama')
 * console.log(tokenizer.encode('Once upon a time'))
 * ```
 */
export async function tokenizerFromPretrained(
  place: string,
  options: PretrainedTokenizerOptions = {},
): Promise<PretrainedTokenizer> {
  const who = 'tokenizerFromPretrained'
  checkArgument(who, 'place', place, checks.text)
  checkOptions(who, options, { vocabulary: checks.integer({ from: 1 }) })
  if (/\.gguf$/i.test(place)) {
    const inFile = (await ggufAt(place))?.tokenizer(options)
    if (inFile) return inFile
    throw new TokenizerError(
      `${who}: the file ${place} has no tokenizer; expected one in tokenizer.ggml.model.`,
    )
  }
  const [tokenizerJson, tokenizerConfig, template] = await Promise.all(
    ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'].map((name) => textIn(place, name)),
  )
  if (tokenizerJson === null) {
    throw new TokenizerError(
      `${who}: the folder ${place} has no tokenizer.json that can be read; expected one. ` +
        'Older folders have other files: write them anew with save_pretrained of a fast tokenizer.',
    )
  }
  const config = parseJson(tokenizerConfig ?? '{}', 'tokenizer_config.json').object()
  const withTemplate = template === null ? config : { ...config, chat_template: template }
  return new PretrainedTokenizer(tokenizerJson, withTemplate, options)
}

/** The text of a file, null if there is none. */
async function textIn(folder: string, name: string): Promise<string | null> {
  const file = await open(join(folder, name)).catch(() => null)
  if (file === null) return null
  try {
    const { size } = await file.stat()
    if (size > maxBytes) throw new TokenizerError(`${name}: got ${size} bytes; expected at most ${maxBytes}.`)
    return await file.readFile('utf8')
  } catch (error) {
    if (error instanceof TokenizerError) throw error
    throw new TokenizerError(`${name}: it cannot be read: ${(error as Error).message}.`, { cause: error })
  } finally {
    await file.close()
  }
}
