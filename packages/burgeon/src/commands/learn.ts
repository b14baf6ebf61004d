/**
 * `burgeon learn FILE|DIR|-`: learns the user's own text, as a stream that can be interrupted at any time.
 */
import { type Disk, hasCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner } from '../session/life/build-learner.ts'
import { type KnownLife, loadLife } from '../session/life/life-checkpoint.ts'
import { heldOutOf, newOrigin, readOf, rememberHeldOut, rememberRead } from '../session/life/life-origin.ts'
import { emptyRecord, predictedOf } from '../session/record/life-record.ts'
import { lifeReportOf } from '../session/life-report-of.ts'
import type { LifeSettings } from '../session/life/life-settings.ts'
import { sourceChunks } from '../session/source-chunks.ts'
import { beginningOf, writeSample } from '../session/sample.ts'
import { runSession } from '../session/run-session.ts'
import type { LifeReport } from '../report/life-report.ts'
import { readSource, type Source, sourceLabel } from '../sources/read-source.ts'
import { bitsPerByte, byteSize, count } from '../terminal/quantities.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { palette, printable } from '../terminal/terminal.ts'
import { beginFrom } from './life/begin-from.ts'
import { checkOutput } from './life/check-output.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { printPause, printReport } from './life/end-session.ts'
import { exitCodes } from './exit-codes.ts'
import { holdingFolder } from './life/holding-folder.ts'
import { machineFacts } from './life/machine-facts.ts'
import { SourceNotes } from '../terminal/source-notes.ts'
import { UsageError } from '../terminal/usage-error.ts'

export interface LearnOptions {
  /** Folder for checkpoint and report. */
  readonly out: string
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean
  /** Goes on from it with a source that is new from its first byte, whatever was read of it. */
  readonly append: boolean
  /** Checkpoint, folder or file of a model whose weights it goes on from. */
  readonly from?: string
  /** Rows of that model's own text that are rehearsed. */
  readonly ownText?: number
  /** EWC's λ; protects nothing unless given. */
  readonly protection?: number
  /** How many times the source is read in all. */
  readonly passes?: number
  readonly seed?: number
  /** How far a step goes; that of the checkpoint, or 0.001 for a new life, unless given. */
  readonly learningRate?: number
  /** Max parameters the model may grow to. */
  readonly maxParameters?: number
  /** Max tokens the vocabulary may grow to; the 256 bytes stay alone at 256. */
  readonly vocabulary?: number
  /** Keeps a checkpoint of every size, so that each can be restored. */
  readonly keepSizes: boolean
}

/** The size that a model for the user's own text starts with. */
function learnSettings({
  seed = 0,
  maxParameters = 4_000_000,
  vocabulary = 1536,
  learningRate = 1e-3,
  protection = 0,
}: LearnOptions): LifeSettings {
  return {
    model: { context: 128, embed: 128, heads: 4, layers: 3, mlpHidden: 256 },
    seed,
    rows: 2,
    learningRate,
    memoryRows: 2000,
    rehearsalShare: 1,
    protection,
    plateau: 200,
    maxParameters,
    vocabulary,
    watchesBytes: true,
  }
}

/** Runs the command. Returns the exit code. */
export function learn(path: string, options: LearnOptions, context: CommandContext): Promise<number> {
  return holdingFolder(options.out, (disk) => learnInto(disk, path, options, context))
}

async function learnInto(
  disk: Disk,
  path: string,
  options: LearnOptions,
  context: CommandContext,
): Promise<number> {
  const { out } = options
  const life = await begunOrTakenUp(path, options, context)
  if (life === null) {
    context.output.write('Stopped before anything was learnt; nothing was saved.\n')
    return exitCodes[String(context.stop.reason)] ?? 0
  }
  const { origin, record } = life
  const notes = new SourceNotes(context)
  const label = await sourceLabel(path)
  const known = readOf(origin, label)
  const source = await readSource(path, {
    read: known && options.append ? { ...known, passes: 1, pass: 0, files: [] } : known,
    position: origin.sources.length === 0 && !options.append ? (record.position ?? undefined) : undefined,
    passes: options.passes,
    holdOut: true,
    out,
    stop: context.stop,
    note: notes.add,
  })
  await checkOutput('learn', out)
  sayBefore(path, source, context)
  notes.show()
  const again = (...more: string[]): string =>
    shellCommand('learn', pathArgument(path), ...more, '--out', pathArgument(out))
  if (source.bytes === 0) {
    const { passes } = source.toState()
    context.output.write(
      `All of it was read before. Add text to it, name another, or read it once more:\n` +
        `${again('--resume', '--passes', String(passes + 1))}\n`,
    )
    return 0
  }
  if (known === undefined) rememberHeldOut(origin, source.heldOut)
  origin.maker = 'learn'
  let latest: Uint8Array = new Uint8Array()
  const begun = life.learner.step
  const done = await runSession(
    life,
    {
      chunks: sourceChunks(source, (bytes) => {
        latest = bytes
      }),
      totalBytes: source.bytes === null ? null : record.bytes + source.bytes,
      heldOut: heldOutOf(origin),
      whole: { name: label, isNew: known === undefined },
      measureEvery: Infinity,
      disk,
      saveEverySeconds: 30,
      keepSizes: options.keepSizes,
      resumeCommand: again('--resume'),
      beforeSave(isDone) {
        if (isDone) source.finish()
        // Before the first step the record still holds a place in the source before this one.
        else if (record.position && life.learner.step > begun) source.reached(record.position)
        rememberRead(origin, label, source.toState())
      },
      listen: notes.listen,
    },
    context,
  )
  const passes = source.toState().passes > 1 ? ['--passes', String(source.toState().passes)] : []
  const resumeCommand = again('--resume', ...passes)
  const checkpoint = { path: out, resumeCommand }
  if (!done) {
    printPause(life.learner.step, checkpoint, context)
    return 0
  }
  const onceMore =
    path === '-' ? again('--append') : again('--resume', '--passes', String(source.toState().passes + 1))
  await printLearnt(life, { path, label, checkpoint, onceMore, latest }, context)
  return 0
}

/**
 * A new life; or the one in the folder, if the command is to go on and may; null if the user stopped it
 * before it began.
 */
async function begunOrTakenUp(
  path: string,
  options: LearnOptions,
  context: CommandContext,
): Promise<KnownLife | null> {
  const { out, seed, vocabulary, maxParameters, learningRate, passes, from, ownText, protection } = options
  if (path === '-' && (passes ?? 1) > 1)
    throw new UsageError('learn: got --passes for standard input, which can be read only once.')
  const disk = nodeDisk(out)
  if (!options.resume && !options.append) {
    if (await hasCheckpoint(disk)) {
      throw new UsageError(
        `learn: ${out} already holds a checkpoint. Go on with --resume, or give another --out.`,
      )
    }
    if (from !== undefined) {
      const asked = { ownText, protection, learningRate, maxParameters, vocabulary, seed }
      const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
      await checkBeforeLearning(path, out)
      return beginFrom(from, given, context)
    }
    if (ownText !== undefined) {
      throw new UsageError(
        'learn: got --own-text without --from; expected the model whose own text it is, or no such option.',
      )
    }
    const settings = learnSettings(options)
    const learner = buildLearner(settings)
    const record = emptyRecord(learner.model.parameters.size)
    return { settings, learner, record, origin: newOrigin('learn') }
  }
  if (from !== undefined) {
    throw new UsageError(
      `learn: got --from ${printable(from)} with --resume or --append, but the life in ${printable(out)} has weights of its own. Leave it out.`,
    )
  }
  const life = await loadLife(disk, {
    ...(maxParameters !== undefined && { maxParameters }),
    ...(learningRate !== undefined && { learningRate }),
  })
  const { settings } = life
  for (const [option, got, kept] of [
    ['--seed', seed, settings.seed],
    ['--vocabulary', vocabulary, settings.vocabulary ?? 256],
    ['--own-text', ownText, settings.ownText ?? 0],
    ['--protection', protection, settings.protection],
  ] as const) {
    if (got !== undefined && got !== kept) {
      throw new UsageError(
        `learn: got ${option} ${got}, but the life in ${out} was begun with ${kept}, which cannot change. Leave it out.`,
      )
    }
  }
  return life
}

/** What could be found out later is found out before a model writes for minutes. */
async function checkBeforeLearning(path: string, out: string): Promise<void> {
  await checkOutput('learn', out)
  if (path !== '-') await readSource(path, { holdOut: true, out })
}

function sayBefore(path: string, source: Source, { output, environment }: CommandContext): void {
  const { strong } = palette(output, environment)
  const { files, size, bytes, heldOut } = source
  const name = path === '-' ? 'standard input' : printable(path)
  if (files === null || size === null || bytes === null) {
    output.write(`${strong('burgeon')} learns ${name}, until it ends or Ctrl-C.\n`)
    return
  }
  const kept = heldOut.reduce((sum, text) => sum + text.bytes.length, 0)
  output.write(
    `${strong('burgeon')} learns ${name}: ${count(files)} text ${files === 1 ? 'file' : 'files'}, ${byteSize(size)}; ` +
      `${byteSize(bytes)} to learn${kept > 0 ? `, ${byteSize(kept)} kept aside to measure on` : ''}.\n`,
  )
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
  await printReport(report, { prompt, before: [losses], after }, context)
}
