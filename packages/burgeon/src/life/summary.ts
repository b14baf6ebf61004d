/** The end of a life on the terminal: tables a person can read. */
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
  const noticed = report.alarms.filter(({ verdict }) => verdict === 'true-change')
  const changes = Math.max(0, report.spans.length - 1)
  const wrong = report.alarms.filter(({ verdict }) => verdict === 'false-alarm').length
  sections.push(
    `${strong('Drift')} noticed ${noticed.length} of ${changes} changes` +
      (noticed.length > 0
        ? `, after ${noticed.map(({ delayBytes }) => count(delayBytes ?? 0)).join(' and ')} bytes`
        : '') +
      `; ${wrong} false ${wrong === 1 ? 'alarm' : 'alarms'}`,
  )
  for (const { prompt, text } of report.samples)
    sections.push(`${faint(printable(prompt))}${printable(text)}`)
  sections.push(`Lived for ${duration(report.seconds)}.`)
  return sections.join('\n\n')
}
