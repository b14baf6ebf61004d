/** The report of a life that is served. */
import { basename, resolve } from 'node:path'
import { machineFacts } from '../report/machine-facts.ts'
import { renderReport } from '../report/render-report.ts'
import type { Life } from '../session/life/life-checkpoint.ts'
import { lifeReportOf } from '../session/life-report-of.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'

/** The life so far as a page of HTML. Where its folder lies is nobody's business who asks over HTTP. */
export function servedReport(life: Life, path: string): string {
  const name = basename(resolve(path))
  const command = shellCommand('serve', pathArgument(name))
  const report = lifeReportOf(life, {
    title: `The life ${name}`,
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    command,
    machine: machineFacts(life.learner.model.device),
    domains: [],
    samples: life.record.samples ?? [],
    checkpoint: { path: name, resumeCommand: command },
    changesAreKnown: false,
  })
  return renderReport(report)
}
