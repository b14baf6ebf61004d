/** `burgeon explain`: why a model would answer a text as it is said. */
import { explain as explainModel, type Explanation } from '@burgeon/continual'
import { explanationPage } from '../../report/explanation/explanation-page.ts'
import { explanationTables, probabilityOf, visibleText } from '../../report/explanation/explanation-tables.ts'
import { broughtPath } from '../../models/bring-model.ts'
import { openedAt } from '../../models/open-model.ts'
import { isLife } from '../../serving/open-served.ts'
import { explainLife, type LifeExplanation } from '../../session/explaining/explain-life.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { table } from '../../terminal/table.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { checkPage, writePage } from '../write-page.ts'

export interface ExplainCommandOptions {
  /** Answer instead of which it is given. */
  readonly instead?: string
  /** Experiences that are told. */
  readonly experiences: number
  /** Whether the life is lived again without each of them. */
  readonly replay: boolean
  /** File that is to hold a page. */
  readonly page?: string
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function explain(
  path: string,
  prompt: string,
  answer: string,
  { page, json, ...options }: ExplainCommandOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  await checkPage('explain', page)
  const local = await broughtPath('explain', path, context)
  const why = await explained(local, { prompt, answer }, options)
  context.output.write(`${told(prompt, answer, why)}\n`)
  const head = { place: path, prompt, answer }
  await writePage('explain', page, (when) => explanationPage({ ...head, when }, why), Date.now())
  print({ path, prompt, ...why, page: page ?? null })
  return 0
}

/** Of a model that is no life there are no experiences. */
async function explained(
  path: string,
  { prompt, answer }: { readonly prompt: string; readonly answer: string },
  { instead, experiences, replay }: Omit<ExplainCommandOptions, 'page' | 'json'>,
): Promise<LifeExplanation> {
  const rather = instead === undefined ? {} : { instead }
  if (await isLife(path)) return explainLife(path, prompt, answer, { ...rather, experiences, replay })
  if (replay) throw new UsageError(`explain: got --replay for ${printable(path)}, which is no life.`)
  const { model, tokenizer, recall } = await openedAt('explain', path)
  const why: Explanation = await explainModel({ model, tokenizer }, prompt, answer, {
    ...rather,
    ...(recall && { recall }),
  })
  return { ...why, notReplayed: null }
}

function told(prompt: string, answer: string, why: LifeExplanation): string {
  const head =
    `“${visibleText(answer)}” after “${visibleText(prompt)}”: ${probabilityOf(why.logProbability)}, ` +
    `${why.score.toFixed(2)} logits, ${(why.score - why.baselineScore).toFixed(2)} of them due to what was read.`
  const tables = explanationTables(why).map(
    ({ title, note, head: names, rows }) => `${title}\n${note}\n${table(names, rows)}`,
  )
  const notes = why.notReplayed === null ? [] : [`Not lived again: ${printable(why.notReplayed)}`]
  return [head, ...tables, ...notes].join('\n\n')
}
