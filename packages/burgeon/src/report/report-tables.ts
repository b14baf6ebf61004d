import { bitsPerByte, byteSize, compactCount, count, signed } from '../terminal/quantities.ts'
import { escapeMarkup } from './charts/escape-markup.ts'
import { ends, type Legible, moreOf, maxRows, worst } from './legible.ts'
import type { Fact, ForgettingRow, LifeReport } from './life-report.ts'

/** One cell: its text, not yet escaped, and classes of the style sheet. */
interface Cell {
  readonly text: string
  readonly classes?: string
}

/** Held-out loss of each domain at each stage; what a stage has just learnt is set off. */
export function matrixTable({ matrix }: LifeReport): string {
  const head = [{ text: 'bits per byte' }, ...matrix.domains.map((text) => ({ text, classes: 'number' }))]
  const rows = matrix.rows.map(({ stage, learnt, values }) => [
    { text: stage, classes: 'nowrap' },
    ...matrix.domains.map((domain, column) => {
      const value = values[column] ?? null
      return {
        text: value === null ? '\u2013' : bitsPerByte(value),
        classes: domain === learnt ? 'number own' : 'number',
      }
    }),
  ])
  return htmlTable(head, rows) + rest(matrixRest(matrix))
}

/** The part of a matrix that is not shown, in words; empty where all is. */
export function matrixRest({ leftOut = { domains: 0, stages: 0 } }: LifeReport['matrix']): string {
  const parts = [
    moreOf(leftOut.domains, 'domains'),
    moreOf(leftOut.stages, 'stages between the first and the latest'),
  ]
  return parts.filter((part) => part !== '').join(', ')
}

/** Forgetting of each domain between being learnt and the end of the life; of many, those that lost most. */
export function forgettingTable({ forgetting }: LifeReport): string {
  const head = ['domain', 'when learnt', 'at the end', 'forgotten'].map((text, i) => ({
    text,
    classes: i > 0 ? 'number' : '',
  }))
  const list = mostForgotten(forgetting)
  const rows = list.shown.map(({ domain, whenLearnt, atEnd }): Cell[] => {
    const lost = atEnd - whenLearnt
    const mark = Math.abs(lost) < 0.0005 ? '' : lost > 0 ? ' worse' : ' better'
    return [
      { text: domain },
      { text: bitsPerByte(whenLearnt), classes: 'number' },
      { text: bitsPerByte(atEnd), classes: 'number' },
      { text: signed(lost, 3), classes: `number${mark}` },
    ]
  })
  return htmlTable(head, rows) + rest(moreOf(list.more, 'domains, which lost less'))
}

/** All domains, or of many those that lost most. */
export function mostForgotten(forgetting: LifeReport['forgetting']): Legible<ForgettingRow> {
  return worst(forgetting, maxRows, ({ whenLearnt, atEnd }) => atEnd - whenLearnt)
}

/** Every alarm, true or false; of many the latest. */
export function alarmTable({ alarms }: LifeReport): string {
  if (alarms.length === 0) return none('No detector raised an alarm.')
  const head = [
    { text: 'at', classes: 'number' },
    { text: 'detector' },
    { text: 'verdict' },
    { text: 'delay', classes: 'number' },
  ]
  const list = ends(alarms, 0, maxRows)
  const rows = list.shown.map(({ bytes, detector, verdict, delayBytes }): Cell[] => [
    { text: byteSize(bytes), classes: 'number' },
    { text: detector },
    { text: verdict.replace('-', ' '), classes: verdict === 'false-alarm' ? 'worse' : '' },
    { text: delayBytes === null ? '\u2013' : byteSize(delayBytes), classes: 'number' },
  ])
  return htmlTable(head, rows) + rest(moreOf(list.more, 'before these'))
}

/** Every growth, with what it cost and why it happened; of many the latest. */
export function growthTable({ growth }: LifeReport): string {
  if (growth.length === 0) return none('The model did not grow.')
  const head = [
    { text: 'at', classes: 'number' },
    { text: 'what grew' },
    { text: 'parameters', classes: 'number' },
    { text: 'logits moved', classes: 'number' },
    { text: 'why' },
  ]
  const list = ends(growth, 0, maxRows)
  const rows = list.shown.map((event): Cell[] => [
    { text: byteSize(event.bytes), classes: 'number' },
    { text: event.text, classes: 'nowrap' },
    {
      text: `${compactCount(event.parametersBefore)} \u2192 ${compactCount(event.parametersAfter)}`,
      classes: 'number',
    },
    { text: event.logitsMoved === 0 ? '0' : event.logitsMoved.toExponential(1), classes: 'number' },
    { text: event.reason },
  ])
  return htmlTable(head, rows, 'wide') + rest(moreOf(list.more, 'before these'))
}

/** What was done asleep, and what became of it; of much the latest. */
export function sleepTable(jobs: NonNullable<LifeReport['slept']>): string {
  const head = [
    { text: 'at', classes: 'number' },
    { text: 'job' },
    { text: '' },
    { text: 'what it did, or why not' },
  ]
  const list = ends(jobs, 0, maxRows)
  const rows = list.shown.map(({ bytes, job, kept, reason }): Cell[] => [
    { text: byteSize(bytes), classes: 'number' },
    { text: job, classes: 'nowrap' },
    { text: kept ? 'kept' : 'not kept', classes: kept ? 'nowrap' : 'nowrap worse' },
    { text: reason },
  ])
  return htmlTable(head, rows, 'wide') + rest(moreOf(list.more, 'before these'))
}

/** The domains of the stream, of many the first; the digests prove that another machine read the same. */
export function domainTable({ domains }: LifeReport): string {
  const head = [
    { text: 'domain' },
    { text: 'files', classes: 'number' },
    { text: 'to learn', classes: 'number' },
    { text: 'held out', classes: 'number' },
    { text: 'SHA-256' },
  ]
  const list = ends(domains, maxRows, 0)
  const rows = list.shown.map(({ name, files, trainBytes, heldOutBytes, digest }): Cell[] => [
    { text: name },
    { text: count(files), classes: 'number' },
    { text: byteSize(trainBytes), classes: 'number' },
    { text: byteSize(heldOutBytes), classes: 'number' },
    { text: digest, classes: 'digest' },
  ])
  return htmlTable(head, rows, 'wide') + rest(moreOf(list.more, 'domains'))
}

/** Names and values. */
export function factList(facts: readonly Fact[]): string {
  const items = facts.map(
    ({ label, value }) => `<dt>${escapeMarkup(label)}</dt><dd>${escapeMarkup(value)}</dd>`,
  )
  return items.length === 0 ? '' : `<dl>${items.join('')}</dl>`
}

function htmlTable(head: readonly Cell[], rows: readonly (readonly Cell[])[], classes = ''): string {
  const line = (tag: 'th' | 'td', cells: readonly Cell[]): string => {
    const drawn = cells.map(
      (cell) => `<${tag}${classAttribute(cell.classes)}>${escapeMarkup(cell.text)}</${tag}>`,
    )
    return `<tr>${drawn.join('')}</tr>`
  }
  const body = rows.map((row) => line('td', row)).join('\n')
  return `<div class="scroll"><table${classAttribute(classes)}><thead>${line('th', head)}</thead><tbody>\n${body}\n</tbody></table></div>`
}

function classAttribute(classes = ''): string {
  return classes === '' ? '' : ` class="${classes}"`
}

/** A line about what is not shown, below what is. */
function rest(sentence: string): string {
  return sentence === '' ? '' : none(`${sentence}.`)
}

function none(sentence: string): string {
  return `<p class="note">${escapeMarkup(sentence)}</p>`
}
