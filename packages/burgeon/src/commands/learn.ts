/** `burgeon learn FILE|DIR|-`: learns the user's own text, as a stream that can be interrupted at any time. */
import { writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { hasCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, type LifeSettings } from '../life/build-learner.ts'
import { type Life, loadLife } from '../life/life-checkpoint.ts'
import { emptyRecord } from '../life/life-record.ts'
import { lifeReportOf } from '../life/life-report-of.ts'
import { sourceChunks } from '../life/life-source.ts'
import { sit } from '../life/sit.ts'
import { summaryOf } from '../life/summary.ts'
import { renderReport } from '../report/render-report.ts'
import { readSource } from '../stream/read-source.ts'
import { count } from '../terminal/quantities.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { palette, printable } from '../terminal/terminal.ts'
import type { CommandContext } from './command-context.ts'
import { UsageError } from './usage-error.ts'
import { machineFacts } from './machine-facts.ts'

export interface LearnOptions {
  /** Folder for checkpoint and report. */
  readonly out: string
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean
  readonly seed: number
  /** Most parameters the model may grow to. */
  readonly maxParameters: number
  /** Most tokens the vocabulary may grow to; the 256 bytes stay alone unless it is more. */
  readonly vocabulary: number
  /** Keeps a checkpoint of every size, so that each can be restored. */
  readonly keepSizes: boolean
}

/** The size that a model for the user's own text starts with. */
function learnSettings({ seed, maxParameters, vocabulary }: LearnOptions): LifeSettings {
  return {
    model: { context: 128, embed: 128, heads: 4, layers: 3, mlpHidden: 256 },
    seed,
    rows: 2,
    learningRate: 1e-3,
    memoryRows: 2000,
    rehearsalShare: 1,
    protection: 0,
    plateau: 200,
    maxParameters,
    vocabulary,
    watchesBytes: true,
  }
}

/** Runs the command. Answers the exit code. */
export async function learn(path: string, options: LearnOptions, context: CommandContext): Promise<number> {
  const { out, resume } = options
  const disk = nodeDisk(out)
  if (!resume && (await hasCheckpoint(disk))) {
    throw new UsageError(
      `learn: ${out} already holds a checkpoint. Go on with --resume, or give another --out.`,
    )
  }
  const life = resume ? await loadLife(disk) : newLife(learnSettings(options))
  const { position } = life.record
  const source = await readSource(path, {
    ...(position && { from: position }),
    note: (line) => context.status.write(`${printable(line)}\n`),
  })
  const sitting = {
    chunks: sourceChunks(source),
    totalBytes: source.bytes,
    heldOut: [],
    measureEvery: Infinity,
    disk,
    saveEverySeconds: 30,
    keepSizes: options.keepSizes,
  }
  const done = await sit(life, sitting, context)
  const resumeCommand = shellCommand('learn', pathArgument(path), '--resume', '--out', pathArgument(out))
  if (!done) {
    context.output.write(
      `\nPaused after step ${count(life.learner.step)}; saved in ${printable(out)}.\nGo on with: ${resumeCommand}\n`,
    )
    return 0
  }
  const report = lifeReportOf(life, {
    title: `Learning ${path}`,
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    command: `burgeon learn ${path}`,
    machine: machineFacts(life.learner.model.device),
    domains: [],
    samples: [],
    checkpoint: { path: out, resumeCommand },
    changesAreKnown: false,
  })
  const page = join(out, 'report.html')
  await writeFile(page, renderReport(report))
  context.output.write(`\n${summaryOf(report, palette(context.output, context.environment))}\n`)
  context.output.write(`Checkpoint  ${printable(out)}\nReport      ${printable(relative('', page))}\n`)
  return 0
}

function newLife(settings: LifeSettings): Life {
  const learner = buildLearner(settings)
  return { settings, learner, record: emptyRecord(learner.model.parameters.size) }
}
