/**
 * `burgeon learn FILE|DIR|-|ADDRESS`: learns the user's own text, as a stream that can be interrupted at any time.
 */
import { join } from 'node:path'
import type { Disk } from '@burgeon/gpt'
import { ends } from '../report/legible.ts'
import type { LifeReport } from '../report/life-report.ts'
import { machineFacts } from '../report/machine-facts.ts'
import type { KnownLife } from '../session/life/life-checkpoint.ts'
import { requireUnstopped } from '../session/control/stop-file.ts'
import { heldOutOf } from '../session/life/life-origin.ts'
import { lifeReportOf } from '../session/life-report-of.ts'
import { isJoined } from '../session/record/bounded-series.ts'
import { predictedOf } from '../session/record/life-record.ts'
import { beginningOf, writeSample } from '../session/sample.ts'
import { checkNewSinks, openSinks } from '../session/sinks/sink-files.ts'
import { type NamedSink, withSinks } from '../session/sinks/with-sinks.ts'
import { bytesKept } from '../session/source/give-back.ts'
import { openRecordSession } from '../session/source/record-session.ts'
import {
  openSourceSession,
  type SourceFacts,
  type SourceSessionOptions,
} from '../session/source/source-session.ts'
import { recordsAt } from '../sources/records/record-address.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { bitsPerByte, byteSize, count } from '../terminal/quantities.ts'
import { type Results, resultsOf } from '../terminal/results.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { palette, printable } from '../terminal/terminal.ts'
import { exitCodes } from './exit-codes.ts'
import { begunOrTakenUp, type LearnOptions } from './life/begin-life.ts'
import { checkOutput } from './life/check-output.ts'
import { printPause, printReport } from './life/end-session.ts'
import { holdingFolder } from './life/holding-folder.ts'
import { lifeSummary, stepLines } from './life/json-lines.ts'

/** Options of the command. */
export interface LearnCommandOptions extends LearnOptions {
  /** Prints a line of JSON for each step, and one at the end. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export function learn(path: string, options: LearnCommandOptions, context: CommandContext): Promise<number> {
  return holdingFolder(options.out, (disk) =>
    learnInto(disk, path, options, resultsOf(options.json, context)),
  )
}

async function learnInto(
  disk: Disk,
  path: string,
  options: LearnCommandOptions,
  { print, context }: Results,
): Promise<number> {
  if (!options.resume && !options.append) checkNewSinks('learn', options)
  if (options.resume || options.append) requireUnstopped(options.out)
  const life = await begunOrTakenUp(path, options, context)
  if (life === null) {
    context.output.write('Stopped before anything was learnt; nothing was saved.\n')
    print({ kind: 'summary', done: false, step: 0, bytes: 0, checkpoint: null, report: null })
    return exitCodes[String(context.stop.reason)] ?? 0
  }
  const note = (text: string): void => void context.status.write(`burgeon: ${text}\n`)
  const lines: NamedSink[] = options.json ? [stepLines(print)] : []
  const sinks = [...lines, ...(await openSinks('learn', options, life.learner.step, note))]
  return withSinks(sinks, note, (watcher) =>
    learnLife(life, path, options, { disk, watcher }, { print, context }),
  )
}

async function learnLife(
  life: KnownLife,
  path: string,
  { out, append, passes: wanted, keepSizes, similarity, keepExperience, column }: LearnCommandOptions,
  means: Pick<SourceSessionOptions, 'disk' | 'watcher'>,
  { print, context }: Results,
): Promise<number> {
  const records = recordsAt(path)
  const name = records?.name ?? path
  const again = (...more: string[]): string =>
    shellCommand('learn', pathArgument(name), ...more, '--out', pathArgument(out))
  const how = { ...means, out, keepSizes, resumeCommand: again('--resume') }
  const session = records
    ? await openRecordSession(
        life,
        records,
        { ...how, similarity, keepBytes: bytesKept(keepExperience) },
        context,
      )
    : await openSourceSession(life, path, { ...how, append, passes: wanted, column }, context)
  const { source, label } = session
  await checkOutput('learn', out)
  sayBefore(name, source, context)
  session.showNotes()
  if (source.bytes === 0) {
    const { passes } = source.toState()
    const next = again('--resume', '--passes', String(passes + 1))
    context.output.write(
      `All of it was read before. Add text to it, name another, or read it once more:\n${next}\n`,
    )
    print({ ...lifeSummary(life, out), done: true, report: null, next })
    return 0
  }
  const done = await session.learn()
  const passes = source.toState().passes > 1 ? ['--passes', String(source.toState().passes)] : []
  const resumeCommand = again('--resume', ...passes)
  const checkpoint = { path: out, resumeCommand }
  if (!done) {
    printPause(life.learner.step, checkpoint, context)
    print({ ...lifeSummary(life, out), done, report: null, next: resumeCommand })
    return 0
  }
  const onceMore = records
    ? again('--resume')
    : path === '-'
      ? again('--append')
      : again('--resume', '--passes', String(source.toState().passes + 1))
  await printLearnt(life, { path: name, label, checkpoint, onceMore, latest: session.latest() }, context)
  print({ ...lifeSummary(life, out), done, report: join(out, 'report.html'), next: onceMore })
  return 0
}

function sayBefore(path: string, source: SourceFacts, { output, environment }: CommandContext): void {
  const { strong } = palette(output, environment)
  const { files, media, size, bytes, heldOut } = source
  const name = path === '-' ? 'standard input' : printable(path)
  if (files === null || size === null || bytes === null) {
    output.write(`${strong('burgeon')} learns ${name}, until it ends or Ctrl-C.\n`)
    return
  }
  const kept = heldOut.reduce((sum, text) => sum + text.bytes.length, 0)
  output.write(
    `${strong('burgeon')} learns ${name}: ${filesIn(files - media, media)}, ${byteSize(size)}; ` +
      `${byteSize(bytes)} to learn${kept > 0 ? `, ${byteSize(kept)} kept aside to measure on` : ''}.\n`,
  )
}

/** How many files of text there are, and of pictures, sound and tables. */
function filesIn(texts: number, media: number): string {
  const of = (what: string, files: number): string =>
    `${count(files)} ${what} ${files === 1 ? 'file' : 'files'}`
  if (media === 0) return of('text', texts)
  const ofMedia = of('picture, sound or table', media)
  return texts === 0 ? ofMedia : `${of('text', texts)} and ${ofMedia}`
}

const shownLoss = (loss: number | undefined): string => (loss === undefined ? '?' : bitsPerByte(loss))

/** What the report and the lines after it say of the session besides the life. */
interface Learnt {
  readonly path: string
  readonly label: string
  readonly checkpoint: LifeReport['checkpoint']
  /** Command that learns the text once more. */
  readonly onceMore: string
  /** Text that was read last. */
  readonly latest: Uint8Array
}

/** Prints losses, sizes, a sample and what to do next; writes the report page. */
async function printLearnt(life: KnownLife, session: Learnt, context: CommandContext): Promise<void> {
  const { path, label, checkpoint } = session
  const [heldOut] = heldOutOf(life.origin).slice(-1)
  const prompt = beginningOf(heldOut?.bytes ?? session.latest)
  const report = lifeReportOf(life, {
    title: `Learning ${path}`,
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    command: shellCommand('learn', pathArgument(path)),
    machine: machineFacts(life.learner.model.device),
    domains: [],
    samples: [{ bytes: life.record.bytes, domain: label, ...(await writeSample(life, prompt)) }],
    checkpoint,
    changesAreKnown: false,
  })
  const predicted = predictedOf(life.record)
  const losses =
    `Lately it predicted text at ${shownLoss(predicted?.faded)} bits per byte before it learnt it, ` +
    `and at ${shownLoss(predicted?.mean)} over its whole life` +
    (heldOut === undefined ? '; there was too little text, or a pipe, to hold any out.' : '.')
  const after = [
    `Look inside ${shellCommand('inspect', '--from', pathArgument(checkpoint.path), '--growth')}`,
    `Learn more  ${session.onceMore}`,
  ]
  await printReport(report, { prompt, before: [losses, ...unlabelled(life)], after }, context)
}

/** What a life that learns with labels has learnt without one; no line where that is nothing. */
function unlabelled({ learner: { strategy }, record }: KnownLife): string[] {
  const { context } = strategy
  if (context === undefined) return []
  const read = new Set(record.spans.filter((span) => !isJoined(span)).map(({ domain }) => domain))
  const without = [...read].filter((domain) => context.placeOf(domain) < 0)
  if (without.length === 0) return []
  const { shown, more } = ends(without, 3, 0)
  const names = [...shown.map(printable), ...(more > 0 ? [`and ${count(more)} more`] : [])].join(', ')
  return [
    `Without a label: ${names}. There are ${context.labels.length}; at most ${context.limit}, and as many as --max-parameters has room for.`,
  ]
}
