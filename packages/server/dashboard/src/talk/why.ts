/** Why the model gave an answer: what it read, where in the model it comes from, and what taught it. */
import { ask } from '../ask.ts'
import { button, element } from '../elements.ts'
import { many } from '../quantities.ts'

interface ReadJson {
  readonly text: string
  /** In logits. */
  readonly attribution: number
}

interface PartJson {
  readonly block: string
  readonly part: string
  readonly head?: number
}

interface WhyJson {
  readonly bytes: readonly ReadJson[]
  readonly answer: readonly { readonly text: string }[]
  readonly layers: readonly { readonly block: string; readonly ranks: readonly number[] }[]
  readonly causes: readonly (PartJson & { readonly effect: number; readonly share: number | null })[]
  readonly experiences:
    | readonly { readonly source: string | null; readonly domain: string; readonly text: string }[]
    | null
  readonly gaps: { readonly bytes: number }
}

/** Tokens of an answer that are explained, and parts and experiences that are told. */
const [tokens, parts, experiences] = [16, 3, 3]
/** Share of the score that a part has to carry to be told. */
const leastShare = 0.05

/** A button below an answer, and the place where it says why that was given. */
export function explaining(model: string, id: string): readonly [HTMLButtonElement, HTMLElement] {
  const place = element('div.why')
  place.role = 'status'
  const own = button('Why?', async () => {
    // What is told once stays: a second press folds it.
    if (place.hasChildNodes()) place.hidden = !place.hidden
    else {
      const why = await ask<WhyJson>('/v1/explain', { model, response_id: id, tokens, experiences })
      place.replaceChildren(...shown(why))
    }
    own.ariaExpanded = String(!place.hidden)
    place.scrollIntoView({ block: 'nearest' })
  })
  own.ariaExpanded = 'false'
  return [own, place]
}

function shown({ bytes, answer, layers, causes, experiences: taught, gaps }: WhyJson): Node[] {
  const text = answer
    .map((token) => token.text)
    .join('')
    .trim()
  const top = Math.max(...bytes.map(({ attribution }) => Math.abs(attribution)), Number.MIN_VALUE)
  const read = bytes.map(({ text: own, attribution }) => {
    const mark = element(attribution < 0 ? 'span.against' : 'span.for', own)
    mark.style.setProperty('--share', `${((100 * Math.abs(attribution)) / top).toFixed(0)}%`)
    mark.title = `${attribution.toFixed(2)} logits`
    return mark
  })
  const clearest = [...bytes].sort((a, b) => b.attribution - a.attribution)[0]
  const needed = causes
    .flatMap((cause) =>
      cause.share !== null && cause.share >= leastShare ? [partOf(cause, cause.share)] : [],
    )
    .slice(0, parts)
  return [
    element('p', 'For “', text, '” it read:'),
    element('p.read', ...read),
    element(
      'p.note',
      `Most speaks “${clearest.text}” for it: ${clearest.attribution.toFixed(2)} logits. All together are right to ${gaps.bytes.toExponential(0)}.`,
    ),
    element('p', whereIn(layers)),
    ...(needed.length === 0 ? [] : [element('p', `It needs ${needed.join(', ')}.`)]),
    ...(taught === null || taught.length === 0
      ? []
      : [
          element('p', 'What it rehearses that speaks most for it:'),
          element(
            'ul',
            ...taught.map((one) => element('li', `“${one.text.trim()}” (${one.source ?? one.domain})`)),
          ),
        ]),
  ]
}

/** From which layer on the tokens of the answer are the likeliest, each in its place. */
function whereIn(layers: WhyJson['layers']): string {
  const first = layers.findIndex((_, i) =>
    layers.slice(i).every(({ ranks }) => ranks.every((rank) => rank === 0)),
  )
  if (first >= 0)
    return `It is the likeliest answer from ${layers[first].block} on, of ${many(layers.length, 'layer')}.`
  const last = layers.at(-1)?.ranks ?? []
  const behind = last.filter((rank) => rank > 0).length
  return `It is not the likeliest answer: ${many(behind, 'token')} of ${last.length} had others before them.`
}

const partOf = ({ block, part, head }: PartJson, share: number): string =>
  `${part === 'head' ? `head ${head ?? 0}` : `the ${part === 'mlp' ? 'MLP' : part}`} of ${block} (${(100 * share).toFixed(0)} %)`
