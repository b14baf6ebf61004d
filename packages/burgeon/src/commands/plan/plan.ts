/** `burgeon plan`: which machines a model of some size takes, for how long, and at what price. */
import { readFile } from 'node:fs/promises'
import {
  type Assumptions,
  makePlan,
  type Plan,
  plannedModel,
  type PlannedSizes,
  type Precision,
  usualAssumptions,
} from '@burgeon/cluster'
import { configFromState, type GptConfig, type GptState, parametersOf, readCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError } from '@burgeon/tensor'
import { simulatedText, simulationOf } from './simulated.ts'
import { byteSize, compactCount, count, duration, many, percent } from '../../terminal/quantities.ts'
import { resultsOf } from '../../terminal/results.ts'
import { printable } from '../../terminal/terminal.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { UsageError } from '../../terminal/usage-error.ts'

export interface PlanOptions {
  /** Learnt numbers of the model; beside `from` not. */
  readonly parameters?: number
  /** Folder of a life whose model is planned for, as it is. */
  readonly from?: string
  readonly vocabulary?: number
  readonly context?: number
  /** Tokens that are learnt in all; twenty for each parameter unless given. */
  readonly tokens?: number
  readonly device: string
  readonly precision: Precision
  readonly rehearsal: number
  /** Keeps importance and anchor of elastic weight consolidation. */
  readonly ewc: boolean
  readonly batch?: number
  readonly days?: number
  /** Rounds of its copies that are simulated; none unless given. */
  readonly simulate?: number
  /** How much steps vary. */
  readonly variation?: number
  /** Days from one failure of a machine to the next. */
  readonly machineDays?: number
  /** A file of JSON with assumptions that take the place of the usual ones of the same name. */
  readonly assumptions?: string
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** What is learnt of a parameter where compute is spent best (Hoffmann et al. 2022). */
const tokensPerParameter = 20

/** Runs the command. Returns the exit code. */
export async function plan(options: PlanOptions, outer: CommandContext): Promise<number> {
  const { print, context } = resultsOf(options.json, outer)
  const assumptions = await assumptionsFrom(options.assumptions)
  const { device, precision, rehearsal, ewc, batch, days } = options
  if (!Object.hasOwn(assumptions.devices, device)) {
    const known = Object.keys(assumptions.devices).join(', ')
    throw new UsageError(`plan: got --device ${printable(device)}; expected one of ${known}.`)
  }
  const { config, tokens, planned } = await asked(async () => {
    const config = await configOf(options)
    const tokens = options.tokens ?? tokensPerParameter * parametersOf(config)
    const question = {
      ...{ config, tokens, device, precision, rehearsal, keepsPenalty: ewc },
      ...(batch !== undefined && { batchTokens: batch }),
      ...(days !== undefined && { days }),
    }
    return { config, tokens, planned: makePlan(question, assumptions) }
  })
  const simulated = await asked(() => Promise.resolve(simulationOf(planned, options, assumptions, rehearsal)))
  const { embed, context: length, blocks } = config
  print({
    ...{ layers: blocks.length, embed, context: length, device, precision, rehearsal, ewc, tokens },
    ...{ batch: batch ?? assumptions.batchTokens, days: days ?? null, plan: planned, assumptions },
    ...(simulated && { simulated }),
  })
  const { name } = assumptions.devices[device]
  context.output.write(
    `A model of ${compactCount(planned.parameters)} parameters (${many(blocks.length, 'layer')} of ${count(embed)}), on ${name}, learns ${compactCount(tokens)} tokens:\n\n` +
      planRows(planned, assumptions)
        .map(([name, value]) => `${name.padEnd(22)}${value}\n`)
        .join('') +
      (simulated === undefined ? '' : `\n${simulatedText(simulated, options)}`),
  )
  return 0
}

async function configOf({ from, parameters, vocabulary, context }: PlanOptions): Promise<GptConfig> {
  if (from === undefined) {
    if (parameters === undefined)
      throw new UsageError('plan: got no --parameters; expected some, or --from with a life.')
    const sizes: PlannedSizes = {
      parameters,
      ...(vocabulary !== undefined && { vocabulary }),
      ...(context !== undefined && { context }),
    }
    return plannedModel(sizes)
  }
  if (parameters !== undefined || vocabulary !== undefined || context !== undefined) {
    throw new UsageError(
      'plan: got --from and sizes; expected one of them: the sizes are those of the model.',
    )
  }
  const { model } = (await readCheckpoint(nodeDisk(from))) as { readonly model?: GptState }
  if (model) return configFromState(model.config)
  throw new UsageError(`plan: the checkpoint in ${printable(from)} holds no model.`)
}

/** What cannot be planned is a wrong flag. */
async function asked<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof OptionError) throw new UsageError(`plan: ${error.message}`, { cause: error })
    throw error
  }
}

async function assumptionsFrom(file: string | undefined): Promise<Assumptions> {
  if (file === undefined) return usualAssumptions
  const text = await readFile(file, 'utf8').catch(() => '')
  const own = objectIn(text)
  const devices = own && objectOf(own['devices'] ?? {})
  if (own === null || devices === null) {
    throw new UsageError(
      `plan: cannot take the assumptions in ${printable(file)}; expected a file with an object of JSON, and devices by their names.`,
    )
  }
  return { ...usualAssumptions, ...own, devices: { ...usualAssumptions.devices, ...devices } } as Assumptions
}

/** The object of a text; null where it holds none. */
function objectIn(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return null
  }
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null

/** A plan in words and figures. */
function planRows(planned: Plan, { localSteps }: Assumptions): [string, string][] {
  const { memory, split, exchange } = planned
  const state: [string, number][] = [
    ['weights', memory.weights],
    ['32-bit copies', memory.masters],
    ['gradients', memory.gradients],
    ['moments', memory.moments],
    ['importance and anchor', memory.penalty],
  ]
  const told = state.flatMap(([name, bytes]) => (bytes > 0 ? [`${name} ${byteSize(bytes)}`] : []))
  return [
    ['state of a copy', `${byteSize(state.reduce((sum, [, bytes]) => sum + bytes, 0))}: ${told.join(', ')}`],
    [
      'a sequence beside it',
      `${byteSize(memory.activations)} while it learns, ${byteSize(memory.cache)} while it answers`,
    ],
    [
      'devices of a copy',
      `${count(split.acrossProducts * split.stages)}: ${many(split.stages, 'stage')} of ${count(split.acrossProducts)}, ${byteSize(planned.bytesPerDevice)} of ${byteSize(planned.memoryPerDevice)} on the fullest`,
    ],
    [
      'devices',
      `${count(planned.devices)} in ${many(planned.machines, 'machine')}: ${planned.copies === 1 ? '1 copy' : `${count(planned.copies)} copies`}`,
    ],
    ['operations', planned.flops.toExponential(2)],
    ['stages wait', `${percent(planned.bubble)} of the time`],
    [
      'a synchronization',
      `${byteSize(exchange.bytes)} through the links of each machine, ${duration(exchange.everyStep)}; every ${localSteps} steps ${duration(exchange.rarely)} a step`,
    ],
    ['time', timeOf(planned.days)],
    ['hours of devices', compactCount(planned.deviceHours)],
    ['power', `${planned.megawatts.toPrecision(3)} MW, ${compactCount(planned.megawattHours)} MWh`],
    ['price', `${compactCount(planned.dollars)} dollars`],
    ['keeps up with', `${compactCount(planned.tokensPerSecond)} tokens a second`],
    ['a copy writes', `${planned.writtenPerSecond.toPrecision(3)} tokens a second for one reader, at most`],
  ]
}

const timeOf = (days: number): string =>
  days > 1000 ? `${count(days / 365.25)} years` : duration(days * 86_400)
