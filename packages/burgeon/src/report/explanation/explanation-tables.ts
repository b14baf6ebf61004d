/** An explanation as tables, for page and terminal alike. */
import type { Explanation } from '@burgeon/continual'
import { printable } from '../../terminal/terminal.ts'

/** A table of one kind of explanation. Plain data. */
export interface ExplanationTable {
  readonly title: string
  /** A sentence on what its numbers are. */
  readonly note: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Rows of a table, at most. */
const maxRows = 8

/** Where nothing is known of a kind of explanation, its table is left out. */
export function explanationTables(why: Explanation): ExplanationTable[] {
  return [
    tokens(why),
    layers(why),
    causes(why),
    writers(why),
    ...experiences(why),
    ...recalled(why),
    errors(why),
  ]
}

/** Spaces and ends of lines as signs that can be seen. */
export const visibleText = (text: string): string =>
  printable(text.replaceAll('\n', '⏎').replaceAll('\t', '⇥'))

/** A probability from its logarithm, in per cent. */
export const probabilityOf = (nats: number): string => `${(100 * Math.exp(nats)).toPrecision(3)} %`

const quoted = (text: string): string => `“${visibleText(text)}”`
const logits = (value: number): string => value.toFixed(3)
const percent = (share: number | null): string => (share === null ? '' : `${(100 * share).toFixed(1)} %`)

function tokens({ bytes }: Explanation): ExplanationTable {
  const order = bytes
    .map((token, place) => ({ ...token, place }))
    .toSorted((a, b) => Math.abs(b.attribution) - Math.abs(a.attribution))
  return {
    title: 'Tokens that matter most',
    note: 'What the score owes to each (integrated gradients), and the attention that flows to it.',
    head: ['place', 'token', 'logits', 'attention'],
    rows: order
      .slice(0, maxRows)
      .map(({ place, text, attribution, attention }) => [
        String(place),
        quoted(text),
        logits(attribution),
        percent(attention),
      ]),
  }
}

function layers(why: Explanation): ExplanationTable {
  return {
    title: 'Layer by layer',
    note: 'What the model would say if it ended there (logit lens), and how probable the answer is by then.',
    head: ['above', 'answer', 'rank', 'would say'],
    rows: why.layers.map(({ block, logProbability, ranks, likeliest }) => [
      block,
      probabilityOf(logProbability),
      String(ranks[0] + 1),
      likeliest.map(({ text, probability }) => `${quoted(text)} ${percent(probability)}`).join(', '),
    ]),
  }
}

const partOf = ({ block, part, head }: { block: string; part: string; head?: number }): string =>
  part === 'head' && head !== undefined ? `${block} head ${head}` : `${block} ${part}`

function causes(why: Explanation): ExplanationTable {
  return {
    title: 'Parts that it needs',
    note: 'How much of the score goes when a part does not know what was read (activation patching, measured).',
    head: ['part', 'logits', 'of the score'],
    rows: why.causes
      .slice(0, maxRows)
      .map((cause) => [partOf(cause), logits(cause.effect), percent(cause.share)]),
  }
}

function writers(why: Explanation): ExplanationTable {
  const order = why.writers.toSorted((a, b) => Math.abs(b.logits) - Math.abs(a.logits))
  return {
    title: 'What writes the answer',
    note: 'What each part adds to the score by itself (direct logits); all together are the score.',
    head: ['part', 'logits'],
    rows: order.slice(0, maxRows).map((writer) => [partOf(writer), logits(writer.logits)]),
  }
}

function experiences({ experiences: all }: Explanation): ExplanationTable[] {
  if (all === null) return []
  return [
    {
      title: 'Experiences that speak for it',
      note: 'Rows whose gradients point the same way (influence, from −1 to 1); where it was lived again without one, how much larger the loss of the answer is, in nats.',
      head: ['experience', 'source', 'influence', 'without it', 'row'],
      rows: all.map(({ id, source, domain, score, effect, text }) => [
        id === null ? '' : String(id),
        printable(source ?? domain),
        score.toFixed(3),
        effect === null ? '' : effect.toFixed(4),
        quoted(text),
      ]),
    },
  ]
}

function recalled({ recalled: all }: Explanation): ExplanationTable[] {
  if (all === null) return []
  return [
    {
      title: 'What it recalls',
      note: 'What memory gives beside the weights, and its share in what comes next.',
      head: ['experience', 'source', 'share', 'goes on'],
      rows: all.map(({ id, source, domain, weight, bytes }) => [
        id === null ? '' : String(id),
        printable(source ?? domain),
        percent(weight),
        quoted(bytes),
      ]),
    },
  ]
}

function errors({ gaps }: Explanation): ExplanationTable {
  const row = (name: string, gap: number | null): string[][] =>
    gap === null ? [] : [[name, gap.toExponential(1)]]
  return {
    title: 'How exact this is',
    note: 'By how much each explanation fails to add up.',
    head: ['of', 'error'],
    rows: [
      ...row('tokens, in logits', gaps.bytes),
      ...row('parts that write, in logits', gaps.writers),
      ...row('attention, as a share', gaps.attention),
      ...row('influence, as a share', gaps.experiences),
    ],
  }
}
