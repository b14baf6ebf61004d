/** The end of a life on the terminal: tables a person can read. */
import { driftSentence } from '../report/drift-sentence.ts'
import type { LifeReport } from '../report/life-report.ts'
import { bitsPerByte, count, duration, signed } from '../terminal/quantities.ts'
import { table } from '../terminal/table.ts'
import { type Palette, printable } from '../terminal/terminal.ts'

/** Losses before and after each domain, forgetting, size over time, alarms, and samples. */
export function summaryOf(report: LifeReport, { strong, faint }: Palette): string {
  const { matrix, forgetting, growth, parameters } = report
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
  const sizes = parameters.map(({ bytes, parameters: size }, i) => [
    count(bytes),
    count(size),
    i === 0 ? 'born' : printable(growth.find((event) => event.bytes === bytes)?.text ?? ''),
  ])
  sections.push(`${strong('Size')}\n${table(['after bytes', 'parameters', ''], sizes)}`)
  if (report.spans.length > 1 || report.alarms.length > 0)
    sections.push(`${strong('Drift')}\n${driftSentence(report)}`)
  for (const { prompt, text } of report.samples)
    sections.push(`${faint(printable(prompt))}${printable(text)}`)
  sections.push(`Lived for ${duration(report.seconds)}.`)
  return sections.join('\n\n')
}
