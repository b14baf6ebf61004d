/**
 * `burgeon first-life`: a small GPT lives its first life on text that changes its nature, in front of the
 * user.
 */
import { join } from 'node:path'
import type { Disk } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner } from '../session/life/build-learner.ts'
import { firstLifeBytes, firstLifeSettings } from '../demo/first-life-settings.ts'
import { type KnownLife, type Life, loadLife } from '../session/life/life-checkpoint.ts'
import { newOrigin, readOf, rememberRead } from '../session/life/life-origin.ts'
import { emptyRecord } from '../session/record/life-record.ts'
import { lifeReportOf } from '../session/life-report-of.ts'
import { domainChunks } from '../demo/domain-chunks.ts'
import { writeSample } from '../session/sample.ts'
import { runSession, type SessionWatcher } from '../session/run-session.ts'
import { withSinks } from '../session/sinks/with-sinks.ts'
import type { LifeReport } from '../report/life-report.ts'
import { machineFacts } from '../report/machine-facts.ts'
import { defaultStream } from '../demo/default-stream.ts'
import type { DomainText } from '../demo/domain-text.ts'
import { byteSize, count } from '../terminal/quantities.ts'
import { type Results, resultsOf } from '../terminal/results.ts'
import { pathArgument, shellCommand } from '../terminal/shell-word.ts'
import { palette } from '../terminal/terminal.ts'
import { checkOutput, makerOf } from './life/check-output.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { printPause, printReport } from './life/end-session.ts'
import { holdingFolder } from './life/holding-folder.ts'
import { lifeSummary, stepLines } from './life/json-lines.ts'
import { UsageError } from '../terminal/usage-error.ts'

export interface FirstLifeOptions {
  /** Prints a line of JSON for each step, and one at the end. */
  readonly json: boolean
  /** Ends within half a minute. */
  readonly quick: boolean
  /** Seed of a new life; 0 unless given. */
  readonly seed?: number
  /** Folder for checkpoint and report. */
  readonly out: string
  /** Goes on from the checkpoint in `out`. */
  readonly resume: boolean
  /** The checkout whose node_modules the stream is made of. */
  readonly root: string
}

const prompts: Readonly<Record<string, string>> = {
  prose: 'If you',
  declarations: 'export interface',
  data: '{\n  "name":',
}

/** Runs the command. Returns the exit code. */
export function firstLife(options: FirstLifeOptions, context: CommandContext): Promise<number> {
  const results = resultsOf(options.json, context)
  const sinks = options.json ? [stepLines(results.print)] : []
  const note = (text: string): void => void context.status.write(`burgeon: ${text}\n`)
  return holdingFolder(options.out, (disk) =>
    withSinks(sinks, note, (watcher) => runInto(disk, options, watcher, results)),
  )
}

async function runInto(
  disk: Disk,
  options: FirstLifeOptions,
  watcher: SessionWatcher,
  { print, context }: Results,
): Promise<number> {
  const { quick, out, root } = options
  const { strong } = palette(context.output, context.environment)
  const maker = await makerOf(out)
  if (maker !== null && !options.resume && maker !== 'first-life') {
    throw new UsageError(
      `first-life: ${out} holds a checkpoint that first-life did not make, and would be overwritten. Give another --out.`,
    )
  }
  const domains = await defaultStream({ root, ...firstLifeBytes(quick) })
  await checkOutput('first-life', out)
  const life = options.resume ? await takenUp(options, domains) : newLife(options, domains)
  const total = domains.reduce((bytes, { train }) => bytes + train.length, 0)
  context.output.write(
    `${strong('burgeon')} lives its first life: ${domains.map(({ name, train }) => `${name} (${byteSize(train.length)})`).join(', then ')}.\n` +
      `It starts with ${count(life.learner.model.parameters.size)} parameters, predicts every byte before it learns it, and grows when it runs out of room.\n\n`,
  )
  const done = await runSession(
    life,
    {
      chunks: domainChunks(domains, life.record.position ?? undefined),
      totalBytes: total,
      heldOut: domains.map(({ name, heldOut }) => ({ name, bytes: heldOut })),
      afterDomain: (domain) => recordSample(life, domain),
      measureEvery: quick ? 40 : 100,
      ...{ disk, watcher },
      saveEverySeconds: 20,
    },
    context,
  )
  const resumeCommand = shellCommand(
    'first-life',
    '--resume',
    ...(quick ? ['--quick'] : []),
    ...(root === '.' ? [] : ['--root', pathArgument(root)]),
    '--out',
    pathArgument(out),
  )
  const checkpoint = { path: out, resumeCommand }
  if (done) await printReport(reportOf(life, domains, checkpoint), { prompt: prompts.prose }, context)
  else printPause(life.learner.step, checkpoint, context)
  const report = done ? join(out, 'report.html') : null
  print({ ...lifeSummary(life, out), done, report, next: done ? null : resumeCommand })
  return 0
}

function newLife({ seed = 0, quick }: FirstLifeOptions, domains: readonly DomainText[]): KnownLife {
  const settings = firstLifeSettings(seed, quick)
  const learner = buildLearner(settings)
  const origin = newOrigin('first-life')
  for (const { name, train, digest } of domains) {
    const files = [{ name, bytes: train.length, sha256: digest }]
    rememberRead(origin, name, { passes: 1, pass: 0, files, heldOut: [] })
  }
  return { settings, learner, record: emptyRecord(learner.model.parameters.size), origin }
}

/** The life in the folder, if it is one of this command's, on this text. */
async function takenUp({ out, seed }: FirstLifeOptions, domains: readonly DomainText[]): Promise<KnownLife> {
  const life = await loadLife(nodeDisk(out))
  const { settings, origin } = life
  if (origin.maker === 'learn') {
    throw new UsageError(`first-life: the life in ${out} learns other text. Go on with burgeon learn.`)
  }
  if (seed !== undefined && seed !== settings.seed) {
    throw new UsageError(
      `first-life: got --seed ${seed}, but the life in ${out} was begun with ${settings.seed}, which cannot change. Leave it out.`,
    )
  }
  for (const { name, digest } of domains) {
    const begun = readOf(origin, name)?.files[0]?.sha256
    if (begun !== undefined && begun !== digest) {
      throw new UsageError(
        `first-life: its ${name} is not the text that the life in ${out} began with. Go on with the --quick and --root of then, and the same node_modules.`,
      )
    }
  }
  return life
}

/**
 * Keeps what the model writes of a domain that it has just learnt: once, also if the life was taken up again
 * there.
 */
async function recordSample(life: Life, domain: string): Promise<void> {
  const { record } = life
  record.samples ??= []
  if (record.samples.some((sample) => sample.domain === domain)) return
  record.samples.push({ bytes: record.bytes, domain, ...(await writeSample(life, prompts[domain])) })
}

function reportOf(
  life: Life,
  domains: readonly DomainText[],
  checkpoint: LifeReport['checkpoint'],
): LifeReport {
  return lifeReportOf(life, {
    title: 'A first life',
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    command: 'npm start',
    machine: machineFacts(life.learner.model.device),
    domains: domains.map(({ name, files, train, heldOut, digest }) => ({
      name,
      files,
      trainBytes: train.length,
      heldOutBytes: heldOut.length,
      digest,
    })),
    samples: life.record.samples ?? [],
    checkpoint,
    changesAreKnown: true,
  })
}
