/** `burgeon convert FROM TO`: the same model in another form. */
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GrowingTokenizer, PretrainedTokenizer, tokenizerFiles, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk, saveGguf, savePretrained } from '@burgeon/gpt/node'
import { byteLevelTokenizerJson } from '../models/byte-level-tokenizer.ts'
import type { ModelForm } from '../models/model-form.ts'
import { type OpenedModel, broughtModel } from '../models/open-model.ts'
import { tokenizerState } from '../models/saved-tokenizer.ts'
import { count } from '../terminal/quantities.ts'
import { resultsOf } from '../terminal/results.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { printable } from '../terminal/terminal.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { UsageError } from '../terminal/usage-error.ts'

export interface ConvertOptions {
  /** Form to write; a folder of a checkpoint, and a checkpoint of anything else, unless given. */
  readonly to?: 'checkpoint' | 'folder'
  /** How a GGUF file holds its numbers; F32 unless given. */
  readonly type?: 'F32' | 'F16' | 'Q8_0' | 'Q4_0'
  /** Prints one object of JSON. */
  readonly json: boolean
}

const names: Readonly<Record<ModelForm, string>> = {
  checkpoint: 'a checkpoint',
  folder: 'a folder in the form of Hugging Face',
  gguf: 'a GGUF file',
}

/**
 * Runs the command. Returns the exit code.
 *
 * @throws UsageError where something is in the place already; PretrainedError, naming the growth in the way,
 *   for a model that no class of such a folder or file can be. Either way nothing is written.
 */
export async function convert(
  from: string,
  place: string,
  { to, type, json }: ConvertOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  const isGguf = place.endsWith('.gguf')
  if (isGguf ? to !== undefined : type !== undefined) {
    throw new UsageError(
      `convert: got --${isGguf ? 'to' : 'type'} for ${printable(place)}; expected --type for names that end in .gguf, and --to for others.`,
    )
  }
  await checkFree(place)
  const opened = await broughtModel('convert', from, context)
  const form = isGguf ? 'gguf' : (to ?? (opened.form === 'checkpoint' ? 'folder' : 'checkpoint'))
  // What is not whole yet has another name.
  const part = `${place.replace(/[/\\]+$/, '')}.part-${process.pid}`
  try {
    if (!isGguf) await mkdir(part, { recursive: true })
    await writers[form](opened, part, type)
    await rmdir(place).catch(() => {})
    await rename(part, place)
  } catch (error) {
    await rm(part, { recursive: true, force: true }).catch(() => {})
    const { cause } = error as Error
    const { code = (cause as NodeJS.ErrnoException | undefined)?.code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new UsageError(`convert: cannot write ${printable(place)} (${code}).`, { cause: error })
  }
  if (opened.output !== undefined)
    context.status.write(
      `The policy of ${printable(from)} stays behind: of what is converted, nothing is kept from being said.\n`,
    )
  const { size } = opened.model.parameters
  const next =
    form === 'checkpoint'
      ? shellCommand('generate', '--from', pathArgument(place), '--prompt', 'The ')
      : shellCommand('inspect', pathArgument(place))
  context.output.write(
    `Wrote ${names[opened.form]} of ${count(size)} parameters as ${names[form]}: ${printable(place)}\nLook at it ${next}\n`,
  )
  print({ from, form: opened.form, to: place, toForm: form, parameters: size })
  return 0
}

/** Throws UsageError unless there is nothing in a place, or an empty folder. */
async function checkFree(place: string): Promise<void> {
  const refuse = (what: string): never => {
    throw new UsageError(
      `convert: ${printable(place)} ${what}; expected a place where nothing is, so that nothing is overwritten.`,
    )
  }
  if (place.startsWith('hf://')) refuse('is on the hub, to which nothing is written')
  const found = await stat(place).catch(() => null)
  if (found === null) return
  if (!found.isDirectory() || place.endsWith('.gguf')) refuse('is there already')
  const inside = await readdir(place)
  if (inside.length > 0) refuse(`holds ${printable(inside[0])}`)
}

const writers: Readonly<
  Record<ModelForm, (opened: OpenedModel, part: string, type: ConvertOptions['type']) => Promise<void>>
> = {
  async checkpoint({ model, tokenizer }, part) {
    const state = await model.toState()
    await writeCheckpoint(nodeDisk(part), { model: state, tokenizer: tokenizerState(tokenizer) })
  },
  async folder({ model, tokenizer }, part) {
    await savePretrained(model, part)
    const { tokenizerJson, tokenizerConfig } = tokenizerFiles(pretrainedFrom(tokenizer))
    await writeFile(join(part, 'tokenizer.json'), `${tokenizerJson}\n`)
    await writeFile(join(part, 'tokenizer_config.json'), `${tokenizerConfig}\n`)
  },
  async gguf({ model, tokenizer }, part, type = 'F32') {
    const { tokenizerJson, tokenizerConfig } = tokenizerFiles(pretrainedFrom(tokenizer))
    const own = new PretrainedTokenizer(tokenizerJson, tokenizerConfig)
    await saveGguf(model, part, { type, tokenizer: own })
  },
}

/** The tokenizer as one that has a file; that of a model of bytes has one made for it. */
function pretrainedFrom(tokenizer: GrowingTokenizer): PretrainedTokenizer {
  if (tokenizer instanceof PretrainedTokenizer) return tokenizer
  const own = new PretrainedTokenizer(byteLevelTokenizerJson(), {
    ...{ tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false },
  })
  own.add(tokenizer.merges)
  return own
}
