/** Post-processors of tokenizer.json: the tokens that stand around a text, such as its beginning. */
import { maxTokens } from './byte-pair-model.ts'
import type { JsonPart } from '../json/json-part.ts'

/** Tokens before and after those of a text. */
export interface Surroundings {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

const nothing: Surroundings = { before: [], after: [] }
/** Most tokens that a template may put around a text. */
const maxAround = 64

/** @throws TokenizerError for one that burgeon lacks, and for parts that are damaged. */
export function surroundingsOf(part: JsonPart): Surroundings {
  if (part.isMissing) return nothing
  const type = part.get('type')
  switch (type.value) {
    // It corrects offsets, which burgeon has none of.
    case 'ByteLevel':
      return nothing
    case 'TemplateProcessing':
      return template(part)
    case 'Sequence':
      // What comes later stands further out.
      return part
        .get('processors')
        .items()
        .map(surroundingsOf)
        .reduce(
          (inner, outer) => ({
            before: [...outer.before, ...inner.before],
            after: [...inner.after, ...outer.after],
          }),
          nothing,
        )
    default:
      return type.unknownName('post-processor')
  }
}

function template(part: JsonPart): Surroundings {
  const [before, after]: [number[], number[]] = [[], []]
  let side = before
  const single = part.get('single')
  for (const item of single.items()) {
    const special = item.get('SpecialToken')
    if (special.isMissing) {
      item.get('Sequence').get('id').oneOf('A')
      if (side === after) single.refuse('the text A once')
      side = after
      continue
    }
    const ids = part.get('special_tokens').get(special.get('id').text()).get('ids')
    for (const id of ids.items()) side.push(id.integer(maxTokens))
    if (side.length > maxAround) single.refuse(`at most ${maxAround} tokens on a side`)
  }
  return side === after ? { before, after } : single.refuse('the text A once')
}
