/** `burgeon serve --publish`, `--follow` and `--door`: one learner, and many who answer. */
import type * as Server from '@burgeon/server'
import type { ApiKey, ServedModel } from '@burgeon/server'
import { type BrokerFlags, brokerOf } from '../../serving/fleet/broker-options.ts'
import { followWeights } from '../../serving/fleet/follow-weights.ts'
import { openDoor } from '../../serving/fleet/open-door.ts'
import { publishWeights } from '../../serving/fleet/publish-weights.ts'
import { servedReplica } from '../../serving/fleet/served-replica.ts'
import type { KnownLife } from '../../session/life/life-checkpoint.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { exitCodes } from '../exit-codes.ts'
import type { ServeCommandOptions } from './serve.ts'
import { type Beside, type Means, noteTo, told, untilStopped } from './until-stopped.ts'

/** Options of fleets. */
export interface FleetFlags extends BrokerFlags {
  /** Name under which weights are published. */
  readonly publish?: string
  /** Seconds from one version to the next. */
  readonly publishEvery?: number
  /** Name whose weights are followed. */
  readonly follow?: string
  /** Name for whose replicas requests are let in. */
  readonly door?: string
}

/** Options that say which model is served or what becomes of it: not for one that comes from elsewhere. */
const ofModels = [
  ...['learn', 'from', 'column', 'keepExperience', 'sleepEvery', 'guard', 'policy', 'approveGrowth'],
  ...['readOnly', 'jsonl', 'tensorboard'],
] as const

const flagOf = (name: string): string =>
  `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** Throws UsageError for options of fleets that do not go together, or with the others. */
export function checkFleet(options: ServeCommandOptions): void {
  const modes = (['publish', 'follow', 'door'] as const).filter((mode) => options[mode] !== undefined)
  if (modes.length > 1) {
    throw new UsageError(`serve: got ${modes.map(flagOf).join(' and ')}; expected one of them.`)
  }
  const [mode] = modes
  const name = mode && options[mode]
  if (name !== undefined && !/^[\w-]{1,100}$/.test(name)) {
    throw new UsageError(
      `serve: got ${flagOf(mode)} ${printable(name)}; expected a word of letters, digits, _ and -.`,
    )
  }
  const ofBrokers = ['broker', 'credentials', 'tls', 'tlsCa', 'tlsCert', 'tlsKey'] as const
  const idle = ofBrokers.find((flag) => options[flag])
  if (mode === undefined && idle !== undefined) {
    throw new UsageError(`serve: got ${flagOf(idle)} without --publish, --follow or --door.`)
  }
  if (options.publishEvery !== undefined && mode !== 'publish') {
    throw new UsageError('serve: got --publish-every without --publish; expected a name to publish under.')
  }
  if (mode === undefined || mode === 'publish') return
  const given = [...ofModels, ...(mode === 'door' ? (['plain', 'mcp', 'name'] as const) : [])]
  const other = given.find((flag) => options[flag] !== undefined && options[flag] !== false)
  if (other !== undefined || options.isModelGiven === true) {
    const what = other === undefined ? 'a model' : flagOf(other)
    throw new UsageError(`serve: got ${what} and ${flagOf(mode)}; the model comes from who publishes it.`)
  }
}

/** What publishes a life, where that is wanted. */
export async function published(
  served: ServedModel,
  life: KnownLife,
  { options, context, turns }: Means & { readonly turns: Server.Turns },
): Promise<Beside[]> {
  const { publish: name, publishEvery: every = 1 } = options
  if (name === undefined) return []
  const note = noteTo(context)
  const { recall } = life.learner.strategy
  if (recall !== undefined) note('what the life recalls beside its weights is not published')
  const publishing = await publishWeights(served, {
    ...{ name, every, turns, note, broker: await brokerOf('serve', options, context) },
    policy: () => life.settings.policy,
  })
  return [{ run: () => publishing.run(context.stop), end: () => publishing.end() }]
}

/** Answers with weights that come from elsewhere. Returns the exit code. */
export async function follow(name: string, means: Means): Promise<number> {
  const { modules, options, context, keys } = means
  const { stop } = context
  const turns = new modules.Turns({ learnShare: options.learnShare })
  const broker = await brokerOf('serve', options, context)
  const following = await followWeights({ name, broker, turns, stop, note: noteTo(context) })
  if (following === null) return exitCodes[String(stop.reason)] ?? 0
  const { replica, key, member } = following
  try {
    const served = servedReplica(replica, { name, id: options.name ?? name, plain: options.plain })
    const all: readonly ApiKey[] = keys.length === 0 ? [] : [...keys, key]
    context.status.write(`It is ${member} of those who follow ${name} at ${broker.shown}.\n`)
    return await untilStopped(served, { ...means, keys: all, turns }, [
      { run: (running) => following.run(running) },
    ])
  } finally {
    await following.end()
  }
}

/** Lets requests in for replicas. Returns the exit code. */
export async function door(name: string, { modules, keys, options, context, print }: Means): Promise<number> {
  const { host, port, origin } = options
  const { status, stop } = context
  const broker = await brokerOf('serve', options, context)
  const running = await openDoor(
    modules,
    { name, broker },
    { host, port, keys, origins: origin, onFault: told(noteTo(context)) },
  )
  status.write(
    `A door to those who follow ${name} at ${broker.shown}: it lets requests in at ${running.url}/v1 until Ctrl-C.\n`,
  )
  print({ kind: 'listening', url: running.url, door: name, hasKeys: keys.length > 0 })
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }))
  status.write('Ending: requests at hand are answered.\n')
  await running.close()
  print({ kind: 'ended' })
  return exitCodes[String(stop.reason)] ?? 0
}
