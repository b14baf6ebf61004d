/** The health of a life as a page. */
import { escapeMarkup } from '../charts/escape-markup.ts'
import { reportMark } from '../render-report.ts'
import { reportStyle } from '../report-style.ts'

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
  const title = `Health of ${folder}`
  const lead =
    wrong.length === 0
      ? `All ${findings.length} checks found what was expected.`
      : `${wrong.length} of ${findings.length} checks found something else than was expected.`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
${reportMark}
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
<title>${escapeMarkup(title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header>
<h1>${escapeMarkup(title)}</h1>
<p class="dateline">${escapeMarkup(when)}</p>
<p class="lead">${escapeMarkup(lead)}</p>
</header>
<main>
<section>
<table>
<thead><tr><th></th><th>looked at</th><th>where</th><th>seen</th><th>expected</th></tr></thead>
<tbody>
${[...wrong, ...findings.filter(({ ok }) => ok)].map(rowOf).join('\n')}
</tbody>
</table>
</section>
</main>
</body>
</html>
`
}

function rowOf({ ok, name, where, seen, expected }: HealthLine): string {
  const cells = [ok ? 'ok' : 'wrong', name, where, seen, expected]
  return `<tr>${cells.map((cell) => `<td>${escapeMarkup(cell)}</td>`).join('')}</tr>`
}
