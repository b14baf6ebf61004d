/** `burgeon serve MODEL`: a model over HTTP, which learns what it is sent. */
import { hasCheckpoint } from '@burgeon/gpt'
import type { ServedModel, Turns } from '@burgeon/server'
import { broughtPath } from '../../models/bring-model.ts'
import { modelFormAt } from '../../models/model-form.ts'
import { findServer } from '../../serving/find-server.ts'
import { learnBeside } from '../../serving/learn-beside.ts'
import { type LifeNews, lifeNews } from '../../serving/life-news.ts'
import { isLife, servedLife, servedModel } from '../../serving/open-served.ts'
import { recoverFeedback } from '../../serving/served-feedback.ts'
import { approvalsOf } from '../../session/control/life-control.ts'
import { readPolicyFile } from '../../session/policy/read-policy-file.ts'
import { wantedChanges } from '../life/wanted-changes.ts'
import { readGuards } from '../../session/guard/read-guards.ts'
import { type KnownLife, loadLife } from '../../session/life/life-checkpoint.ts'
import { bytesKept } from '../../session/source/give-back.ts'
import { checkNewSinks, openSinks, type SinkFiles } from '../../session/sinks/sink-files.ts'
import { withSinks } from '../../session/sinks/with-sinks.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { begunOrTakenUp } from '../life/begin-life.ts'
import { checkOutput } from '../life/check-output.ts'
import { holdingFolder } from '../life/holding-folder.ts'
import { checkFleet, door, type FleetFlags, follow, published } from './fleet-modes.ts'
import { keysOf } from './keys-of.ts'
import { type Beside, noteTo, untilStopped } from './until-stopped.ts'

export interface ServeCommandOptions extends SinkFiles, FleetFlags {
  /** Whether the call names the model. */
  readonly isModelGiven?: boolean
  readonly host: string
  readonly port: number
  /** Name of the model for clients. */
  readonly name?: string
  /** File of keys. */
  readonly keys?: string
  /** Web pages that may ask. */
  readonly origin: readonly string[]
  readonly learnShare: number
  /** File or folder that is learnt at the same time, and whatever is added to it. */
  readonly learn?: string
  /** With `learn`: column of tables that is read alone. */
  readonly column?: string
  /** With `learn`: MB of learnt records that the journal keeps. */
  readonly keepExperience?: number
  /** Model whose weights a new life begins with. */
  readonly from?: string
  /** With `learn`: steps from one sleep of a new life to the next. */
  readonly sleepEvery?: number
  /** With `learn`: learns pictures, sound and tables of numbers as such, beside text. */
  readonly senses: boolean
  /** File of JSON: guards by name, with their options. */
  readonly guard?: string
  /** File of JSON: what may be learnt, said and grown. */
  readonly policy?: string
  /** Whether growth waits for somebody. */
  readonly approveGrowth: boolean
  readonly readOnly: boolean
  readonly plain: boolean
  /** Has tools for agents at `/mcp`. */
  readonly mcp: boolean
  /** Prints a line of JSON when it answers, and one when it has ended. */
  readonly json: boolean
}

/** Runs the command: serves until a signal comes. Returns the exit code. */
export async function serve(
  path: string,
  options: ServeCommandOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(options.json, outer)
  const { learn, from, column, keepExperience, sleepEvery, senses, readOnly, name, plain } = options
  if (from !== undefined && learn === undefined) {
    throw new UsageError('serve: got --from without --learn; expected text that a new life begins with.')
  }
  const ofLearning = {
    ...{ column, 'keep-experience': keepExperience, 'sleep-every': sleepEvery },
    senses: senses || undefined,
  }
  const [idle] = Object.entries(ofLearning).filter(([, value]) => value !== undefined)
  if (idle !== undefined && learn === undefined) {
    throw new UsageError(`serve: got --${idle[0]} without --learn; expected a source to learn.`)
  }
  if (learn !== undefined && readOnly) {
    throw new UsageError('serve: got --learn and --read-only; expected one of them.')
  }
  checkFleet(options)
  const keys = await keysOf(options.keys, context.environment)
  const modules = await findServer('serve')
  const means = { modules, keys, options, context, print }
  if (options.follow !== undefined) return follow(options.follow, means)
  if (options.door !== undefined) return door(options.door, means)
  if (learn !== undefined && !(await canLiveAt(path))) {
    throw new UsageError(
      `serve: ${printable(path)} holds a model and no life; name another folder, and that one with --from.`,
    )
  }
  const served = { id: name, plain }
  /** Serves a life until the user stops, and publishes it where that is wanted. */
  const untilEnd = async (
    life: KnownLife,
    model: ServedModel,
    turns: Turns,
    besides: readonly Beside[] = [],
  ) =>
    untilStopped(model, { ...means, turns }, [
      ...besides,
      ...(await published(model, life, { ...means, turns })),
    ])
  const note = noteTo(context)
  /** Serves a life whose steps are written into sinks. */
  const recorded = async (life: KnownLife, body: (watcher: LifeNews) => Promise<number>): Promise<number> => {
    const sinks = await openSinks('serve', options, life.learner.step, note)
    return withSinks(sinks, note, (watcher) => body(lifeNews(life, watcher)))
  }
  if (learn !== undefined) {
    return holdingFolder(path, async (disk) => {
      const resume = await hasCheckpoint(disk)
      if (!resume) checkNewSinks('serve', options)
      // The same call begins a life and takes it up again: with weights of its own, then.
      const begin = {
        out: path,
        resume,
        append: false,
        keepSizes: false,
        ...(from && !resume && { from }),
        ...(sleepEvery !== undefined && !resume && { sleepEvery }),
        ...(column !== undefined && { column }),
        ...(senses && { senses }),
        ...(options.guard !== undefined && { guard: options.guard }),
        ...(options.policy !== undefined && { policy: options.policy }),
      }
      const life = await begunOrTakenUp(learn, begin, context)
      if (life === null) return exitCodes[String(context.stop.reason)] ?? 0
      await checkOutput('serve', path)
      askApproval(life, options)
      await recoverFeedback(disk, life)
      const turns = new modules.Turns({ learnShare: options.learnShare })
      const turn = <R>(body: () => Promise<R>): Promise<R> => turns.take('learn', body)
      return recorded(life, async (watcher) => {
        const beside = await learnBeside(
          life,
          learn,
          { disk, out: path, turn, watcher, column, keepBytes: bytesKept(keepExperience) },
          context,
        )
        const teaching = {
          ...{ disk, note, beforeSave: () => beside.remember(), watcher },
          ...{ whilePaused: beside.whilePaused, onRollback: beside.become },
        }
        return untilEnd(life, servedLife(life, path, { ...served, ...teaching }), turns, [beside])
      })
    })
  }
  const local = await broughtPath('serve', path, context)
  if (readOnly || !(await isLife(local))) {
    if ((options.guard ?? options.policy) !== undefined) {
      throw new UsageError(
        `serve: got --${options.guard === undefined ? 'policy' : 'guard'} for a model that learns nothing here; expected a life, without --read-only.`,
      )
    }
    if ((options.jsonl ?? options.tensorboard) !== undefined) {
      throw new UsageError(
        `serve: got --${options.jsonl === undefined ? 'tensorboard' : 'jsonl'} for ${printable(path)}, which does not learn here; expected a life, without --read-only.`,
      )
    }
    if (options.publish !== undefined) {
      throw new UsageError(
        `serve: got --publish for ${printable(path)}, which does not learn here; expected a life, without --read-only.`,
      )
    }
    return untilStopped(await servedModel(local, served), means)
  }
  return holdingFolder(local, async (disk) => {
    const guard = options.guard === undefined ? {} : { guard: await readGuards('serve', options.guard) }
    const policy = options.policy === undefined ? undefined : await readPolicyFile('serve', options.policy)
    const life = await loadLife(disk, {
      ...guard,
      ...(await wantedChanges('serve', disk, { policy }, context)),
    })
    askApproval(life, options)
    await recoverFeedback(disk, life)
    return recorded(life, (watcher) =>
      untilEnd(
        life,
        servedLife(life, local, { ...served, disk, note, watcher }),
        new modules.Turns({ learnShare: options.learnShare }),
      ),
    )
  })
}

/** Throws UsageError for a life that never grows. */
function askApproval(life: KnownLife, { approveGrowth }: ServeCommandOptions): void {
  const approvals = approvalsOf(life)
  if (approvals === undefined && approveGrowth) {
    throw new UsageError('serve: got --approve-growth for a life that never grows; leave it out.')
  }
  if (approvals !== undefined && approvals.asks !== approveGrowth) approvals.ask(approveGrowth)
}

/** Whether a life may begin or go on in a folder: there is one, or nothing that is a model. */
async function canLiveAt(path: string): Promise<boolean> {
  const form = await modelFormAt('serve', path).catch(() => null)
  return form === null || (form === 'checkpoint' && (await isLife(path)))
}
