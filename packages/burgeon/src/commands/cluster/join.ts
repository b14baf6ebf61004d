/** `burgeon cluster join`: a worker, which learns its share of what a cluster learns. */
import { hostname } from 'node:os'
import { ClusterError, ClusterWorker, surveyCluster } from '@burgeon/cluster'
import type { Disk } from '@burgeon/gpt'
import type { BrokerOptions, ReachedBroker } from '../../session/cluster/broker.ts'
import { bornSettings, saveWorker, workerLearner, workerSettings } from '../../session/cluster/worker-life.ts'
import type { LifeSettings } from '../../session/life/life-settings.ts'
import { orStopped } from '../../sources/or-stopped.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { bitsPerByte, many } from '../../terminal/quantities.ts'
import { type Results, resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import { checkOutput } from '../life/check-output.ts'
import { holdingFolder } from '../life/holding-folder.ts'
import { withBroker } from './with-broker.ts'

export interface ClusterJoinOptions extends BrokerOptions {
  /** Name of the worker; that of the machine unless given. */
  readonly as?: string
  /** Folder of what it keeps; `worker-NAME` unless given. */
  readonly out?: string
  readonly json: boolean
}

/** Milliseconds between two looks at a log that says nothing. */
const lookEvery = 100
/** Seconds between two checkpoints of what the worker keeps. */
const saveEvery = 30

/** Runs the command: learns until it is told to end, or somebody has the worker leave. Returns the exit code. */
export async function clusterJoin(options: ClusterJoinOptions, outer: CommandContext): Promise<number> {
  const results = resultsOf(options.json, outer)
  const { context } = results
  const worker =
    options.as ??
    hostname()
      .replaceAll(/[^\w-]/g, '-')
      .slice(0, 100)
  if (!/^[\w-]{1,100}$/.test(worker) || worker === 'coordinator') {
    throw new UsageError(
      `cluster join: got --as ${printable(worker)}; expected a word of letters, digits, _ and -, and not coordinator.`,
    )
  }
  const out = options.out ?? `worker-${worker}`
  return holdingFolder(out, async (disk) => {
    await checkOutput('cluster join', out)
    return withBroker('cluster join', options, context, { waits: true, makes: false }, (broker) =>
      work(worker, { options, disk, broker }, results),
    )
  })
}

interface Means {
  readonly options: ClusterJoinOptions
  readonly disk: Disk
  readonly broker: ReachedBroker
}

async function work(name: string, means: Means, { print, context }: Results): Promise<number> {
  const { options, disk, broker } = means
  const { stop, now, status } = context
  const note = (text: string): void => void status.write(`burgeon: ${printable(text)}\n`)
  const settings = await settingsOf(means, context, note)
  if (settings === null) return exitCodes[String(stop.reason)] ?? 0
  const own = { cluster: options.name, worker: name, settings }
  const open = (): Promise<ClusterWorker> =>
    ClusterWorker.open(broker.place, {
      name,
      makeLearner: (shared) => workerLearner(disk, own, shared, note),
    })
  let member = await broker.through(open)
  if (member === null) return exitCodes[String(stop.reason)] ?? 0
  const before = member.learner.step
  context.output.write(
    `${name} learns with the cluster ${options.name} until Ctrl-C${before === 0 ? '' : `; it has learnt ${many(before, 'record')} before`}.\n`,
  )
  let [told, savedAt, savedStep, updates, steps] = [member.latest, now(), member.learner.step, 0, 0]
  let isProven = false
  const save = async (learner: ClusterWorker['learner']): Promise<void> => {
    await saveWorker(disk, own, learner)
    ;[savedAt, savedStep] = [now(), learner.step]
  }
  try {
    while (!stop.aborted && member.dismissed === null) {
      let isBusy: boolean | null
      try {
        isBusy = await takeTurn(member, broker, stop)
        isProven = true
      } catch (error) {
        if (!(error instanceof ClusterError) || !isProven || /takes part no more/.test(error.message))
          throw error
        note(`${error.message} It is opened again.`)
        isProven = false
        await save(member.learner)
        member.dispose()
        const again = await broker.through(open)
        if (again === null) return exitCodes[String(stop.reason)] ?? 0
        member = again
        continue
      }
      if (member.latest !== null && member.latest !== told) {
        told = member.latest
        updates++
        steps += told.steps
        const { round, skipped } = told
        print({ kind: 'update', round, steps: told.steps, skipped, bitsPerByte: told.bitsPerByte })
        status.write(
          `round ${round}: ${many(told.steps, 'record')} at ${bitsPerByte(told.bitsPerByte)} bits/byte\n`,
        )
      }
      if (now() - savedAt > saveEvery * 1000 && member.learner.step > savedStep) {
        await save(member.learner).catch((error: unknown) => note(`${(error as Error).message} It goes on.`))
      }
      if (!isBusy) await orStopped(new Promise((resolve) => setTimeout(resolve, lookEvery)), [stop])
    }
    const reason = member.dismissed ?? 'it was told to end'
    if (member.dismissed === null) await leave(member, note)
    await save(member.learner)
    context.output.write(
      `${name} has left the cluster ${options.name} (${printable(reason)}): ${many(steps, 'record')} learnt in ${many(updates, 'round')}.\n`,
    )
    print({ kind: 'ended', worker: name, updates, steps, reason })
    return stop.aborted ? (exitCodes[String(stop.reason)] ?? 0) : 0
  } finally {
    member.dispose()
  }
}

/** A turn; one that is ended between two records has not done anything. */
const takeTurn = (member: ClusterWorker, broker: ReachedBroker, stop: AbortSignal): Promise<boolean | null> =>
  broker.through(() => member.turn({ signal: stop }))

/** A broker that is away hears nothing: a coordinator notices by itself, then. */
async function leave(member: ClusterWorker, note: (text: string) => void): Promise<void> {
  await member.leave('it was told to end').catch((error: unknown) => {
    note(`could not say that it leaves (${(error as Error).message}); the coordinator will notice`)
  })
}

/** What the cluster was born with, as a worker has it; waits until it is. Null once somebody asks to stop. */
async function settingsOf(
  { options: { name }, broker }: Means,
  { stop }: CommandContext,
  note: (text: string) => void,
): Promise<LifeSettings | null> {
  for (let isSaid = false; !stop.aborted; ) {
    const found = await broker.through(async () => ({ survey: await surveyCluster(broker.place.log) }))
    if (found === null) return null
    if (found.survey !== null) {
      const settings = bornSettings(found.survey.course.birth)
      if (settings !== null) return workerSettings(settings)
      throw new UsageError(
        `cluster join: the cluster ${name} was begun by another program, which knows how to join it.`,
      )
    }
    if (!isSaid) note(`waiting for the cluster ${name} to begin (burgeon cluster start)`)
    isSaid = true
    await orStopped(new Promise((resolve) => setTimeout(resolve, lookEvery)), [stop])
  }
  return null
}
