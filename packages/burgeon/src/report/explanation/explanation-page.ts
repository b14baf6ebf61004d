/**
 * An explanation as a page: the text tinted by what it does for the answer, layers, parts, and experiences.
 */
import type { Explanation } from '@burgeon/continual'
import { escapeMarkup } from '../charts/escape-markup.ts'
import { renderPage } from '../render-report.ts'
import { explanationTables, type ExplanationTable, probabilityOf, visibleText } from './explanation-tables.ts'

/** What was asked of which model. */
export interface ExplanationHead {
  /** Name of the model or folder. */
  readonly place: string
  readonly prompt: string
  readonly answer: string
  readonly when: string
}

/** One page without scripts or addresses, readable offline. Every text is escaped. */
export function explanationPage({ place, prompt, answer, when }: ExplanationHead, why: Explanation): string {
  const lead =
    `After “${visibleText(prompt)}”, “${visibleText(answer)}” has a probability of ${probabilityOf(why.logProbability)} ` +
    `and a score of ${why.score.toFixed(2)} logits, ${(why.score - why.baselineScore).toFixed(2)} of them due to what was read.`
  const main = [
    tinted(why),
    ...explanationTables(why).map(
      ({ title, note, head, rows }) => `<section>
<h2>${escapeMarkup(title)}</h2>
<p class="note">${escapeMarkup(note)}</p>
<div class="scroll">${tableOf(head, rows)}</div>
</section>`,
    ),
  ]
  return renderPage({ title: `Why ${place} answers so`, when, lead }, main.join('\n'))
}

/** What was read, token by token: green speaks for the answer, red against it, by how much the tint says. */
function tinted({ bytes, answer }: Explanation): string {
  const most = Math.max(...bytes.map(({ attribution }) => Math.abs(attribution)), 1e-12)
  const spans = bytes.map(({ text, attribution, attention }) => {
    const share = Math.round((60 * Math.abs(attribution)) / most)
    const tone = attribution < 0 ? 'drift' : 'growth'
    const title = `${attribution.toFixed(3)} logits, ${(100 * attention).toFixed(1)} % of the attention`
    return `<span title="${escapeMarkup(title)}" style="background: color-mix(in srgb, var(--${tone}) ${share}%, transparent)">${escapeMarkup(visibleText(text))}</span>`
  })
  const given = answer.map(({ text }) => visibleText(text)).join('')
  return `<section>
<h2>What it read</h2>
<p class="note">Integrated gradients, in logits: green speaks for the answer, red against it. Then the answer.</p>
<pre>${spans.join('')} <strong>${escapeMarkup(given)}</strong></pre>
</section>`
}

function tableOf(head: ExplanationTable['head'], rows: ExplanationTable['rows']): string {
  const cells = (tag: 'th' | 'td', list: readonly string[]): string =>
    list.map((cell) => `<${tag}>${escapeMarkup(cell)}</${tag}>`).join('')
  return `<table>
<thead><tr>${cells('th', head)}</tr></thead>
<tbody>
${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('\n')}
</tbody>
</table>`
}
