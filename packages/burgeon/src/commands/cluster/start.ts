/** `burgeon cluster start`: founds a cluster or takes it up, deals out a text, and keeps the shared model. */
import type { ClusterSettings, ClusterSurvey } from '@burgeon/cluster'
import { Coordinator, surveyCluster } from '@burgeon/cluster'
import { Gpt } from '@burgeon/gpt'
import type { Disk } from '@burgeon/gpt'
import type { BrokerOptions, ReachedBroker } from '../../session/cluster/broker.ts'
import { Coordination } from '../../session/cluster/coordination.ts'
import { KnownRecords } from '../../session/cluster/known-records.ts'
import { SharedLife } from '../../session/cluster/shared-life.ts'
import { birthOf, bornSettings } from '../../session/cluster/worker-life.ts'
import { checkKeepable } from '../../session/cluster/judge.ts'
import { JudgedRecords } from '../../session/cluster/judged-records.ts'
import { type Gate, gateOf } from '../../session/guard/gate.ts'
import { judgedHeldOut } from '../../session/guard/judged-held-out.ts'
import { readGuards } from '../../session/guard/read-guards.ts'
import { readPolicyFile } from '../../session/policy/read-policy-file.ts'
import { requireUnstopped } from '../../session/control/stop-file.ts'
import { readOf, rememberHeldOut } from '../../session/life/life-origin.ts'
import type { LifeSettings } from '../../session/life/life-settings.ts'
import { readSource, type Source, sourceLabel } from '../../sources/read-source.ts'
import { recordsAt } from '../../sources/records/record-address.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { many } from '../../terminal/quantities.ts'
import { type Results, resultsOf } from '../../terminal/results.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { SourceNotes } from '../../terminal/source-notes.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { learnSettings } from '../life/begin-life.ts'
import { checkOutput } from '../life/check-output.ts'
import { holdingFolder } from '../life/holding-folder.ts'
import { withBroker } from './with-broker.ts'

/** What a cluster has from its beginning on, as flags. */
export interface BirthOptions extends ClusterSettings {
  readonly seed?: number
  readonly learningRate?: number
  readonly protection?: number
  /** File of JSON: guards by name, as of `learn`. Everything is learnt unless given. */
  readonly guard?: string
  /** File of JSON: what may be learnt and said, as of `learn`. Everything unless given. */
  readonly policy?: string
}

export interface ClusterStartOptions extends BirthOptions, BrokerOptions {
  /** Folder of the shared model. */
  readonly out: string
  readonly passes?: number
  readonly column?: string
  /** Seconds without a word after which a round goes on without who is late. */
  readonly patience: number
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function clusterStart(
  path: string,
  options: ClusterStartOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(options.json, outer)
  if (path === '-' || recordsAt(path) !== null) {
    throw new UsageError(`cluster start: got ${printable(path)}; expected a file or a folder.`)
  }
  return holdingFolder(options.out, async (disk) => {
    requireUnstopped(options.out)
    await checkOutput('cluster start', options.out)
    const rules = await rulesOf(options)
    // A text that is not there is said before a cluster has begun.
    await readSource(path, { ...definedOf({ column: options.column }), out: options.out })
    const how = { waits: true, makes: true, stopped: () => stopped({ print, context }) }
    return withBroker('cluster start', options, context, how, (broker) =>
      coordinate(path, { options, rules, disk, broker }, { print, context }),
    )
  })
}

/** What may be learnt and said. */
type Rules = Pick<LifeSettings, 'guard' | 'policy'>

async function rulesOf({ guard, policy }: BirthOptions): Promise<Rules> {
  const who = 'cluster start'
  const own = guard === undefined ? undefined : await readGuards(who, guard)
  if (own !== undefined) checkKeepable(who, own)
  return {
    ...(own && { guard: own }),
    ...(policy !== undefined && { policy: await readPolicyFile(who, policy) }),
  }
}

/** What coordinating takes besides the text. */
interface Means {
  readonly options: ClusterStartOptions
  readonly rules: Rules
  readonly disk: Disk
  readonly broker: ReachedBroker
}

async function coordinate(path: string, means: Means, { print, context }: Results): Promise<number> {
  const { options, rules, disk, broker } = means
  const { name, out, patience } = options
  const { place, through } = broker
  const begun = await through(() => foundOrTakenUp(options, rules, broker))
  if (begun === null) return stopped({ print, context })
  const { coordinator, settings, survey } = begun
  const { state } = coordinator
  const parameters = Object.values(state.weights).reduce((sum, { data }) => sum + data.length, 0)
  const life = await SharedLife.open(disk, name, settings, coordinator.course, parameters)
  const known = new KnownRecords(place.records)
  if ((await through(() => known.advance().then(() => true))) === null) return stopped({ print, context })
  const notes = new SourceNotes(context)
  const gate = gateOf(life.judge, disk)
  const { source, label } = await openSource(path, life, gate, options, context, notes)
  const { judged: before } = life.origin
  const waiting = before?.label === label ? before.waiting : []
  const judged = gate.isGuarded ? new JudgedRecords(gate, waiting) : null
  notes.show()
  const join = commandOf('join', options)
  context.output.write(
    `The cluster ${name} ${survey === null ? 'begins' : `goes on after ${many(survey.course.learnt, 'record')}`}. ` +
      `On each machine that is to learn: ${join}\n`,
  )
  const coordination = new Coordination(
    { coordinator, life, known, source, label, judged },
    { ...broker, disk, patience, size: settings.rows * settings.model.context, notes },
    { print, context },
  )
  const done = await coordination.run().finally(() => life.judge.dispose())
  const { course } = coordinator
  const next = commandOf('start', options, pathArgument(path), out)
  const kept = life.judge.door.summary.decisions
    .map(({ verdict, reasons, records }) => `${many(records, 'text')}: ${verdict}, ${reasons.join(', ')}\n`)
    .join('')
  context.output.write(
    kept +
      (done
        ? `\n${many(course.learnt, 'record')} learnt in ${many(course.round, 'round')}; ${course.skipped} could not be.\n` +
          [
            `Checkpoint  ${printable(out)}`,
            `Speak to it ${shellCommand('generate', '--from', pathArgument(out), '--prompt', 'The ')}`,
            `Who did it  ${commandOf('status', options)}`,
            `Learn more  ${next}\n`,
          ].join('\n')
        : `\nPaused after ${many(course.learnt, 'record')}; saved in ${printable(out)}.\nGo on with: ${next}\n`),
  )
  print({ kind: 'summary', done, ...coordination.standing(), checkpoint: out, next })
  return 0
}

function stopped({ print, context }: Results): number {
  context.output.write('Stopped before anything was learnt; nothing was saved.\n')
  print({ kind: 'summary', done: false, ...nothing, checkpoint: null, next: null })
  return 0
}

const nothing = {
  guard: null,
  round: 0,
  records: 0,
  learnt: 0,
  skipped: 0,
  bitsPerByte: null,
  heldOut: null,
  version: null,
}

interface Begun {
  readonly coordinator: Coordinator
  readonly settings: LifeSettings
  /** Before this command; null of a cluster that it has founded. */
  readonly survey: ClusterSurvey | null
}

async function foundOrTakenUp(
  options: ClusterStartOptions,
  rules: Rules,
  { place }: ReachedBroker,
): Promise<Begun> {
  const { localSteps, rate, momentum, form, share, outlier, keepEvery, keepStates } = options
  const given = definedOf({ localSteps, rate, momentum, form, share, outlier, keepEvery, keepStates })
  const survey = await surveyCluster(place.log)
  if (survey === null) {
    const settings = learnSettings(ofLearn(options), rules.guard, rules.policy)
    const model = Gpt.create(settings.model, { seed: settings.seed })
    try {
      await Coordinator.found(place, model, given, birthOf(settings))
    } finally {
      model.dispose()
    }
  }
  const coordinator = await Coordinator.open(place)
  const settings = bornSettings(coordinator.course.birth)
  if (settings === null) {
    throw new UsageError(
      `cluster start: the cluster ${options.name} was begun by another program. Give another --name.`,
    )
  }
  if (survey !== null) {
    checkSame(options, { ...coordinator.course.settings, ...settings })
    checkSameRules(options.name, rules, settings)
  }
  return { coordinator, settings, survey }
}

/** Throws UsageError for what a cluster has from its beginning on, and is to be another now. */
function checkSame(
  options: BirthOptions & BrokerOptions,
  born: Required<ClusterSettings> & LifeSettings,
): void {
  for (const [option, key] of [
    ['--seed', 'seed'],
    ['--learning-rate', 'learningRate'],
    ['--protection', 'protection'],
    ['--local-steps', 'localSteps'],
    ['--rate', 'rate'],
    ['--momentum', 'momentum'],
    ['--form', 'form'],
    ['--share', 'share'],
    ['--outlier', 'outlier'],
    ['--keep-every', 'keepEvery'],
    ['--keep-states', 'keepStates'],
  ] as const) {
    const got = options[key]
    if (got === undefined || got === born[key]) continue
    throw new UsageError(
      `cluster start: got ${option} ${got}, but the cluster ${options.name} was begun with ${born[key]}, which cannot change. Leave it out.`,
    )
  }
}

/** The options of a life, without the files that were read. */
const ofLearn = ({ seed, learningRate, protection }: BirthOptions): Parameters<typeof learnSettings>[0] =>
  definedOf({ seed, learningRate, protection })

/** Throws UsageError for rules that are others than those of the cluster. No word of them is in the message. */
function checkSameRules(name: string, { guard, policy }: Rules, born: Rules): void {
  const guards = [guard, born.guard].map((own) => JSON.stringify(own ?? {}))
  const got =
    guard !== undefined && guards[0] !== guards[1]
      ? '--guard'
      : policy !== undefined && policy.digest !== born.policy?.digest
        ? '--policy'
        : null
  if (got === null) return
  throw new UsageError(
    `cluster start: got ${got} with others than those that the cluster ${name} was begun with, which cannot change. Leave it out.`,
  )
}

/** The options that were given. */
const definedOf = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** Opens the text where it was left; what is held out of it is remembered the first time. */
async function openSource(
  path: string,
  { origin }: SharedLife,
  gate: Gate,
  { out, passes, column }: ClusterStartOptions,
  { stop }: CommandContext,
  notes: SourceNotes,
): Promise<{ readonly source: Source; readonly label: string }> {
  const label = await sourceLabel(path)
  const read = readOf(origin, label)
  const source = await readSource(path, {
    ...{ read, passes, column, out, stop },
    holdOut: true,
    note: notes.add,
  })
  if (read === undefined) rememberHeldOut(origin, await judgedHeldOut(source.heldOut, gate))
  return { source, label }
}

/** A command about the same cluster, as a shell reads it: without whoever enters. */
function commandOf(
  what: 'start' | 'join' | 'status',
  { name, broker }: BrokerOptions,
  path = '',
  out = '',
): string {
  const shown = broker.map((address) => address.replace(/\/\/[^/]*@/, '//'))
  return shellCommand(
    ...['cluster', what, ...(path === '' ? [] : [path]), '--name', name],
    ...shown.flatMap((address) => ['--broker', address]),
    ...(out === '' ? [] : ['--out', pathArgument(out)]),
  )
}
