/** `burgeon inspect` of a Hugging Face folder or a GGUF file: what it is, and what of it cannot be opened. */
import { type GptConfig, PretrainedTokenizer } from '@burgeon/gpt'
import { BurgeonError } from '@burgeon/tensor'
import { openedAt } from '../../models/open-model.ts'
import { folderFacts, ggufFacts, type PretrainedFacts } from '../../models/pretrained-facts.ts'
import { byteSize, count, many } from '../../terminal/quantities.ts'
import { table } from '../../terminal/table.ts'
import { palette, printable } from '../../terminal/terminal.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { sizesOf, widthOf } from './inspect-sizes.ts'

/** Weights above this are not read to see whether they can be. */
const maxTried = 4e9

/**
 * Prints what is known of it. Returns 0, or 1 for what cannot be opened.
 *
 * @param place What it is called: the path, or a name on the hub.
 */
export async function inspectPretrained(
  place: string,
  { at: path, form, json }: { readonly at: string; readonly form: 'folder' | 'gguf'; readonly json: boolean },
  context: CommandContext,
): Promise<number> {
  const facts = await (form === 'folder' ? folderFacts(path) : ggufFacts(path))
  const lines: [string, string][] = [
    ['form', form === 'folder' ? 'Hugging Face folder' : 'GGUF file'],
    ['architecture', printable(facts.architecture ?? 'not said')],
    ['weights', weightsIn(facts)],
  ]
  const whole: Record<string, unknown> = {
    ...{ model: place, form, architecture: facts.architecture ?? null },
    ...{ types: Object.fromEntries(facts.types), files: facts.files, bytes: facts.bytes, opens: null },
  }
  let code = 0
  if (facts.bytes > maxTried) lines.push(['opens', 'not tried, for its size'])
  else {
    try {
      const { model, tokenizer } = await openedAt('inspect', path)
      lines.push(
        ['opens', 'yes'],
        ['parameters', count(model.parameters.size)],
        ['vocabulary', count(model.config.vocabulary)],
        ['context', count(model.config.context)],
        ['width', widthOf(model.config)],
        ...blocksOf(model.config),
      )
      const { size: parameters } = model.parameters
      Object.assign(whole, {
        opens: true,
        parameters,
        config: model.config,
        vocabulary: tokenizer.vocabulary,
      })
      if (tokenizer instanceof PretrainedTokenizer) lines.push(['tokenizer', tokensOf(tokenizer)])
    } catch (error) {
      if (!(error instanceof BurgeonError)) throw error
      code = 1
      lines.push(['opens', 'no'], ['refused', printable(error.message)])
      Object.assign(whole, { opens: false, refused: error.message })
    }
  }
  if (json) {
    context.output.write(`${JSON.stringify(whole)}\n`)
    return code
  }
  const { strong } = palette(context.output, context.environment)
  context.output.write(`${strong('Model')}\n${table(['', printable(place)], lines)}\n`)
  return code
}

function weightsIn({ types, files, bytes }: PretrainedFacts): string {
  const said = [...types].map(([type, numbers]) => `${count(numbers)} in ${type}`)
  return `${said.join(', ') || 'none that can be read'}; ${byteSize(bytes)} in ${many(files.length, 'file')}`
}

/** A line for all equal blocks that follow each other. */
function blocksOf({ blocks }: GptConfig): [string, string][] {
  const lines: { first: string; last: string; sizes: string }[] = []
  for (const block of blocks) {
    const window = block.window === undefined ? '' : `, window of ${count(block.window)}`
    const sizes = `${sizesOf(block)}${window}`
    const before = lines.at(-1)
    if (before?.sizes === sizes) before.last = block.id
    else lines.push({ first: block.id, last: block.id, sizes })
  }
  return lines.map(({ first, last, sizes }) => [
    first === last ? `block ${first}` : `blocks ${first} to ${last}`,
    sizes,
  ])
}

function tokensOf(tokenizer: PretrainedTokenizer): string {
  const special = [
    ['begins', tokenizer.bosTokenId],
    ['ends', tokenizer.eosTokenId],
  ].flatMap(([what, id]) => (id === null ? [] : [`${what} with ${id}`]))
  const template = tokenizer.hasChatTemplate ? 'a chat template' : 'no chat template'
  return [`${count(tokenizer.vocabulary)} tokens`, ...special, template].join(', ')
}
