/** `burgeon health`: whether a life is in good health, for people, programs and as a page. */
import { healthPage } from '../../report/health/health-page.ts'
import { type LifeFinding, lifeHealth } from '../../session/health/life-health.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { table } from '../../terminal/table.ts'
import { printable } from '../../terminal/terminal.ts'
import { checkPage, writePage } from '../write-page.ts'

export interface HealthOptions {
  /** File that is to hold a page. */
  readonly page?: string
  /** Prints an object of JSON for each finding, and one at the end. */
  readonly json: boolean
}

/** Where something is not as it should be; a command that fails ends with 1. */
const foundSomething = 3

/** Runs the command. Returns the exit code. */
export async function health(
  folder: string,
  { page, json }: HealthOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(json, outer)
  await checkPage('health', page)
  const now = Date.now()
  const findings = await lifeHealth(folder, now)
  for (const finding of findings) print({ kind: 'finding', ...finding })
  const wrong = findings.filter(({ ok }) => !ok)
  context.output.write(`${told(findings)}\n${conclusion(folder, findings.length, wrong.length)}\n`)
  await writePage('health', page, (when) => healthPage(folder, findings, when), now)
  print({ kind: 'summary', folder, findings: findings.length, wrong: wrong.length, page: page ?? null })
  return wrong.length === 0 ? 0 : foundSomething
}

const told = (findings: readonly LifeFinding[]): string =>
  table(
    ['', 'looked at', 'where', 'seen', 'expected'],
    findings.map(({ ok, name, where, seen, expected }) => [
      ok ? 'ok' : 'WRONG',
      ...[name, where, seen, expected].map(printable),
    ]),
  )

const conclusion = (folder: string, all: number, wrong: number): string =>
  wrong === 0
    ? `${printable(folder)} is in good health: ${all} checks.`
    : `${printable(folder)} is not: ${wrong} of ${all} checks found something.`
