/** The end of a life on the terminal: tables a person can read. */
import { driftSentence } from '../report/drift-sentence.ts'
import type { LifeReport } from '../report/life-report.ts'
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
      `${strong('Bits per byte on held-out text')}\n${table(['', ...matrix.domains.map(printable)], rows)}`,
    )
  }
  if (forgetting.length > 0) {
    const rows = forgetting.map(({ domain, whenLearnt, atEnd }) => [
      printable(domain),
      bitsPerByte(whenLearnt),
      bitsPerByte(atEnd),
      signed(atEnd - whenLearnt, 3),
    ])
    sections.push(`${strong('Forgetting')}\n${table(['', 'when learnt', 'at the end', 'forgotten'], rows)}`)
  }
  const sizes = sizesOf(report).map(({ bytes, parameters, text }) => [
    count(bytes),
    count(parameters),
    printable(text),
  ])
  sections.push(`${strong('Size')}\n${table(['after bytes', 'parameters', ''], sizes)}`)
  if (report.spans.length > 1 || report.alarms.length > 0)
    sections.push(`${strong('Drift')}\n${driftSentence(report)}`)
  for (const { prompt, text } of report.samples)
    sections.push(`${faint(printable(prompt))}${printable(text)}`)
  sections.push(`Lived for ${duration(report.seconds)}.`)
  return sections.join('\n\n')
}

interface Size {
  readonly bytes: number
  readonly parameters: number
  /** What grew. */
  readonly text: string
}

/** Every size the model had. Growths of the vocabulary that follow each other are one row: there may be very many. */
function sizesOf({ parameters, growth }: LifeReport): Size[] {
  const sizes: Size[] = []
  for (const [i, { bytes, parameters: size }] of parameters.entries()) {
    const text = i === 0 ? 'born' : (growth.find((event) => event.bytes === bytes)?.text ?? '')
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
