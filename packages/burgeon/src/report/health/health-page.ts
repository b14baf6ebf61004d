/** The health of a life as a page. */
import { escapeMarkup } from '../charts/escape-markup.ts'
import { renderPage } from '../render-report.ts'

/** What was looked at, and what was seen. */
export interface HealthLine {
  readonly ok: boolean
  readonly name: string
  readonly where: string
  readonly seen: string
  readonly expected: string
}

/** One page without scripts or addresses, readable offline, with what is wrong first. */
export function healthPage(folder: string, findings: readonly HealthLine[], when: string): string {
  const wrong = findings.filter(({ ok }) => !ok)
  const lead =
    wrong.length === 0
      ? `All ${findings.length} checks found what was expected.`
      : `${wrong.length} of ${findings.length} checks found something else than was expected.`
  const rows = [...wrong, ...findings.filter(({ ok }) => ok)].map(rowOf)
  return renderPage(
    { title: `Health of ${folder}`, when, lead },
    `<section>
<table>
<thead><tr><th></th><th>looked at</th><th>where</th><th>seen</th><th>expected</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</section>`,
  )
}

function rowOf({ ok, name, where, seen, expected }: HealthLine): string {
  const cells = [ok ? 'ok' : 'wrong', name, where, seen, expected]
  return `<tr>${cells.map((cell) => `<td>${escapeMarkup(cell)}</td>`).join('')}</tr>`
}
