import { bitsPerByte, byteSize, compactCount, count, duration, many } from '../terminal/quantities.ts'
import { escapeMarkup } from './charts/escape-markup.ts'
import { driftSentence } from './drift-sentence.ts'
import { maxDomains, ends, moreOf, maxSamples } from './legible.ts'
import type { LifeReport, TextSample } from './life-report.ts'
import {
  heldOutChart,
  lifeLength,
  parameterChart,
  prequentialChart,
  smoothPrequential,
} from './report-charts.ts'
import { reportStyle } from './report-style.ts'
import {
  alarmTable,
  domainTable,
  factList,
  forgettingTable,
  growthTable,
  matrixTable,
  sleepTable,
} from './report-tables.ts'

/** By this a page is known as one of ours, which may be written anew. */
export const reportMark = '<meta name="generator" content="burgeon" />'

/**
 * A life as one self-contained HTML page: no script, no address, readable offline, on paper, in light and
 * dark. Every text of the report is escaped, and the page forbids itself to load or run anything, so model
 * output in it is harmless.
 */
export function renderReport(report: LifeReport): string {
  const main = [
    ...[learning(report), remembering(report), events(report)],
    ...[samples(report.samples), goingOn(report), origins(report)],
  ]
  return renderPage({ title: report.title, when: report.when, lead: lead(report) }, main.join('\n'))
}

/** What stands above a page. Texts are escaped. */
export interface PageHead {
  readonly title: string
  readonly when: string
  readonly lead: string
}

/**
 * A self-contained page that is known as one of ours.
 *
 * @param main Markup, in which every text is escaped.
 */
export function renderPage({ title, when, lead: told }: PageHead, main: string): string {
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
<p class="lead">${escapeMarkup(told)}</p>
</header>
<main>
${main}
</main>
</body>
</html>
`
}

/** The whole life in a few sentences, all from its numbers. */
function lead(report: LifeReport): string {
  const bytes = lifeLength(report)
  const smooth = smoothPrequential(report)
  const [first, last] = [report.prequential[0], smooth[smooth.length - 1]]
  const domains = new Set(report.spans.map(({ domain }) => domain)).size
  const sentences = [
    `In ${duration(report.seconds)} the model read ${byteSize(bytes)} of text of ${many(domains, 'kind')}, predicting each batch before learning from it.`,
  ]
  if (first && last) {
    sentences.push(
      `It began at ${bitsPerByte(first.bitsPerByte)} bits per byte and ended at ${bitsPerByte(last.bitsPerByte)}.`,
    )
  }
  if (report.predicted) {
    const { mean, late } = report.predicted
    sentences.push(
      `Over its whole life it predicted text at ${bitsPerByte(mean)} bits per byte, and lately at ${bitsPerByte(late)}.`,
    )
  }
  if (report.spans.length > 1) sentences.push(driftSentence(report))
  const [before, after] = [report.parameters[0], report.parameters[report.parameters.length - 1]]
  if (before && after && report.growth.length > 0) {
    sentences.push(
      `It grew ${many(report.growth.length, 'time')}, from ${compactCount(before.parameters)} to ${compactCount(after.parameters)} parameters.`,
    )
  }
  return sentences.join(' ')
}

function learning(report: LifeReport): string {
  if (report.prequential.length === 0) return '<p>It has read nothing yet.</p>'
  return `<section>
<h2>Learning</h2>
<p class="note">Bits per byte of each batch before it was learnt (thin), and their moving average. Lower is better; 8 is knowing nothing.</p>
<div class="scroll">${prequentialChart(report)}</div>
<p class="note">Parameters, and what grew.</p>
<div class="scroll">${parameterChart(report)}</div>
</section>`
}

function remembering(report: LifeReport): string {
  if (report.heldOut.length === 0) return ''
  return `<section>
<h2>Remembering</h2>
<p class="note">Bits per byte on text of each kind that the model never learns from. A line that rises after its own stretch is forgetting.${drawnOf(report.heldOut.length)}</p>
<div class="scroll">${heldOutChart(report)}</div>
<div class="pair">
<div><h3>Before and after each domain</h3>${matrixTable(report)}</div>
<div><h3>Forgetting</h3>${forgettingTable(report)}</div>
</div>
</section>`
}

/** Says that lines are missing from a chart, where they are. */
function drawnOf(domains: number): string {
  return domains <= maxDomains
    ? ''
    : ` Of ${count(domains)} domains, the ${maxDomains} that are known worst at the end are drawn.`
}

function events(report: LifeReport): string {
  const { slept = [] } = report
  return `<section>
<h2>Changes noticed</h2>
${alarmTable(report)}
<h2>Growth</h2>
${growthTable(report)}
</section>${slept.length === 0 ? '' : `\n<section>\n<h2>Sleep</h2>\n${sleepTable(slept)}\n</section>`}`
}

function samples(all: readonly TextSample[]): string {
  if (all.length === 0) return ''
  const list = ends(all, 0, maxSamples)
  const figures = list.shown.map(
    ({ bytes, domain, prompt, text }) => `<figure>
<figcaption>${escapeMarkup(`${domain}, after ${byteSize(bytes)}`)}</figcaption>
<pre><span class="prompt">${escapeMarkup(prompt)}</span>${escapeMarkup(text)}</pre>
</figure>`,
  )
  return `<section>
<h2>What it writes</h2>
<p class="note">Gray is the prompt; the rest is the model's.${list.more > 0 ? ` The latest, ${moreOf(list.more, 'before them')}.` : ''}</p>
${figures.join('\n')}
</section>`
}

function goingOn({ checkpoint }: LifeReport): string {
  return `<section>
<h2>Going on</h2>
<p>The life is saved in <code>${escapeMarkup(checkpoint.path)}</code>. It goes on where it stopped with</p>
<pre>${escapeMarkup(checkpoint.resumeCommand)}</pre>
</section>`
}

function origins(report: LifeReport): string {
  return `<section>
<h2>How it was made</h2>
<pre>${escapeMarkup(report.command)}</pre>
<div class="pair">
<div><h3>Model and learner</h3>${factList(report.config)}</div>
<div><h3>Machine</h3>${factList(report.machine)}</div>
</div>
<h3>Text</h3>
${domainTable(report)}
</section>`
}
