/** The end of a life on the terminal: tables a person can read. */
import { driftSentence } from './drift-sentence.ts'
import { ends, moreOf, maxRows, maxSamples } from './legible.ts'
import type { LifeReport } from './life-report.ts'
import { matrixRest, mostForgotten } from './report-tables.ts'
import { bitsPerByte, count, duration, signed } from '../terminal/quantities.ts'
import { table } from '../terminal/table.ts'
import { type Palette, printable } from '../terminal/terminal.ts'

/** Losses before and after each domain, forgetting, size over time, alarms, and samples. */
export function summaryOf(report: LifeReport, { strong, faint }: Palette): string {
  const { matrix, forgetting } = report
  const sections: string[] = []
  if (matrix.rows.length > 0) {
    const rows = matrix.rows.map(({ stage, values }) => [
      printable(stage),
      ...values.map((v) => (v === null ? '' : bitsPerByte(v))),
    ])
    sections.push(
      `${strong('Bits per byte on held-out text')}\n${table(['', ...matrix.domains.map(printable)], rows)}${line(matrixRest(matrix))}`,
    )
  }
  if (forgetting.length > 0) {
    const list = mostForgotten(forgetting)
    const rows = list.shown.map(({ domain, whenLearnt, atEnd }) => [
      printable(domain),
      bitsPerByte(whenLearnt),
      bitsPerByte(atEnd),
      signed(atEnd - whenLearnt, 3),
    ])
    const lost = table(['', 'when learnt', 'at the end', 'forgotten'], rows)
    sections.push(`${strong('Forgetting')}\n${lost}${line(moreOf(list.more, 'domains, which lost less'))}`)
  }
  const list = ends(sizesOf(report), 0, maxRows)
  const sizes = list.shown.map(({ bytes, parameters, text }) => [
    count(bytes),
    count(parameters),
    printable(text),
  ])
  sections.push(
    `${strong('Size')}\n${table(['after bytes', 'parameters', ''], sizes)}${line(moreOf(list.more, 'before these'))}`,
  )
  if (report.spans.length > 1 || report.alarms.length > 0)
    sections.push(`${strong('Drift')}\n${driftSentence(report)}`)
  for (const { prompt, text } of ends(report.samples, 0, maxSamples).shown)
    sections.push(`${faint(printable(prompt))}${printable(text)}`)
  sections.push(`Lived for ${duration(report.seconds)}.`)
  return sections.join('\n\n')
}

/** A sentence on a line of its own; nothing for none. */
const line = (sentence: string): string => (sentence === '' ? '' : `\n${sentence}`)

interface Size {
  readonly bytes: number
  readonly parameters: number
  /** The growth that led to this size. */
  readonly text: string
}

/**
 * Every size the model had. Growths of the vocabulary that follow each other are one row: there may be very
 * many.
 */
function sizesOf({ parameters, growth }: LifeReport): Size[] {
  const sizes: Size[] = []
  const grown = new Map(growth.toReversed().map((event) => [event.bytes, event.text]))
  for (const [i, { bytes, parameters: size }] of parameters.entries()) {
    const text = i === 0 ? 'born' : (grown.get(bytes) ?? '')
    const [last, words] = [vocabularyIn(sizes.at(-1)?.text), vocabularyIn(text)]
    if (last && words) sizes.pop()
    sizes.push({
      bytes,
      parameters: size,
      text: last && words ? `vocabulary ${last.from} → ${words.to}` : text,
    })
  }
  return sizes
}

function vocabularyIn(text = ''): { from: string; to: string } | null {
  const found = /^vocabulary (\d+) → (\d+)$/.exec(text)
  return found && { from: found[1], to: found[2] }
}
