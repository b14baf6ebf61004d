/** The life of a model as a table with a picture in it: one line a growth, one bar a size. */
import type { LearnerEvent } from '@burgeon/continual'
import type { GrowthLog } from '@burgeon/gpt/growth'
import { count } from '../terminal/quantities.ts'
import { table } from '../terminal/table.ts'
import { fit, printable } from '../terminal/terminal.ts'

const widestBar = 24
/** Max width of the columns besides `why`. */
const otherColumns = 96

/**
 * @param journal Journal of the learner; refused growths are counted, not listed.
 * @param parameters Learnt numbers now.
 * @param columns Width of the terminal; without one no text is cut.
 */
export function growthHistory(
  journal: readonly LearnerEvent[],
  parameters: number,
  columns: number = Infinity,
): string {
  const growths = journal.filter((event) => event.kind === 'growth')
  const refused = journal.filter(({ kind }) => kind === 'growth refused').length
  const born = growths[0]?.data.record.parametersBefore ?? parameters
  const largest = growths.reduce((most, { data }) => Math.max(most, data.record.parametersAfter), born)
  const rows = [
    ['0', bar(born / largest), count(born), '', 'born', ''],
    ...growths.map(({ step, data: { reason, record } }) => [
      count(step),
      bar(record.parametersAfter / largest),
      count(record.parametersAfter),
      record.logitsMoved === 0 ? '0' : record.logitsMoved.toExponential(0),
      printable(record.summary),
      fit(printable(reason), Math.max(20, columns - otherColumns)),
    ]),
  ]
  const history = table(['step', '', 'parameters', 'logits moved', 'what grew', 'why'], rows)
  const requests = refused === 1 ? 'One request was' : `${count(refused)} requests were`
  return refused === 0 ? history : `${history}\n${requests} refused.`
}

/** The same of a model that grew without a learner: its own log, which knows neither steps nor reasons. */
export function logHistory(
  log: GrowthLog | undefined,
  parameters: number,
  columns: number = Infinity,
): string {
  const entries = log?.entries ?? []
  const born = entries[0]?.parametersBefore ?? parameters
  const largest = entries.reduce((most, { parametersAfter }) => Math.max(most, parametersAfter), born)
  const rows = [
    ['0', bar(born / largest), count(born), '', 'born'],
    ...entries.map((entry, i) => [
      count(i + 1),
      bar(entry.parametersAfter / largest),
      count(entry.parametersAfter),
      entry.kind !== 'grown' ? '' : entry.logitsMoved === 0 ? '0' : entry.logitsMoved.toExponential(0),
      fit(
        printable(entry.kind === 'taken back' ? `taken back: ${entry.summary}` : entry.summary),
        Math.max(20, columns - otherColumns),
      ),
    ]),
  ]
  return table(['entry', '', 'parameters', 'logits moved', 'what grew'], rows)
}

/** Eighths of a character, so that small growths show. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(share * widestBar * 8))
  const rest = eighths % 8
  return '█'.repeat(Math.floor(eighths / 8)) + (rest === 0 ? '' : String.fromCodePoint(0x2590 - rest))
}

/** The same for programs: every growth with the step and the reason, where there is a learner who knew them. */
export function growthsOf(
  journal: readonly LearnerEvent[] | undefined,
  log: GrowthLog | undefined,
): readonly object[] {
  if (journal === undefined) {
    return (log?.entries ?? []).map(({ kind, summary, parametersBefore, parametersAfter }) => ({
      ...{ kind, summary, parametersBefore, parametersAfter },
    }))
  }
  return journal.flatMap((event) => {
    if (event.kind !== 'growth') return []
    const { reason, record } = event.data
    const { summary, parametersBefore, parametersAfter, logitsMoved } = record
    return [{ step: event.step, summary, reason, parametersBefore, parametersAfter, logitsMoved }]
  })
}
