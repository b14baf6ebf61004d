/** Plans: which devices a model of some size takes, for how long, and at what price. */
import { flopsPerToken, type GptConfig, parametersOf } from '@burgeon/gpt'
import { type Check, checkOptions, checks, OptionError } from '@burgeon/tensor'
import {
  type Assumptions,
  precisions,
  type Precision,
  assumptionChecks,
  usualAssumptions,
} from './assumptions.ts'
import { memoryOf, type PlannedMemory, stateBytes } from './memory.ts'

/** What is planned. */
export interface PlanQuestion {
  /** Of `plannedModel`, or of a model that is there. */
  readonly config: GptConfig
  /** Tokens that are learnt in all, rehearsed ones left out. */
  readonly tokens: number
  /** Short name of a device among the assumptions. */
  readonly device: string
  /** `bf16` unless given. */
  readonly precision?: Precision
  /** Rehearsed tokens for each fresh one. 0 unless given. */
  readonly rehearsal?: number
  /** Whether elastic weight consolidation keeps importance and anchor. False unless given. */
  readonly keepsPenalty?: boolean
  /** Tokens of a step, over all copies; those of the assumptions unless given. */
  readonly batchTokens?: number
  /** Days that it may take; then there are as many copies of the model as that needs. One copy unless given. */
  readonly days?: number
}

/** How a copy of the model lies on devices. */
export interface PlannedSplit {
  /** Devices that share each product, within a machine. */
  readonly acrossProducts: number
  /** Groups of those, each with some of the blocks. */
  readonly stages: number
}

/** What a step exchanges between copies, and what that takes. */
export interface PlannedExchange {
  /** Bytes that each machine sends and receives for a synchronization. */
  readonly bytes: number
  /** Seconds of a step that go by for it, where every step synchronizes. */
  readonly everyStep: number
  /** The same where `localSteps` steps lie between two synchronizations. */
  readonly rarely: number
}

/** A plan. Plain data. */
export interface Plan {
  readonly parameters: number
  readonly memory: PlannedMemory
  /** Operations in all. */
  readonly flops: number
  readonly split: PlannedSplit
  readonly copies: number
  readonly devices: number
  readonly machines: number
  /** Bytes on the fullest device, and those that there are. */
  readonly bytesPerDevice: number
  readonly memoryPerDevice: number
  /** Share of the time in which stages wait for each other. */
  readonly bubble: number
  readonly exchange: PlannedExchange
  /** Days, with rare synchronization. */
  readonly days: number
  /** Hours of all devices together. */
  readonly deviceHours: number
  readonly megawatts: number
  readonly megawattHours: number
  readonly dollars: number
  /** Fresh tokens a second that all of it learns: what a stream may bring. */
  readonly tokensPerSecond: number
  /** Tokens a second that a copy writes to a single reader, by what the memory can give. */
  readonly writtenPerSecond: number
}

const secondsPerDay = 86_400
const aConfig: Check<GptConfig> = checks.role('a configuration of plannedModel', 'blocks', 'embed')

/**
 * Plans a life: the fewest devices that hold a copy, as many copies as the days ask for, and what that costs.
 *
 * Operations are those of the op table; a copy is split across products within a machine, and by blocks over
 * machines, each stage in several turns (Narayanan et al. 2021, section 2.2); gradients are summed up in a ring, and where synchronization is rare as
 * in DiLoCo (Douillard et al. 2023), once for every `localSteps` steps. Nothing of communication is hidden
 * behind computation, and no device fails: a real run takes longer where the first costs, and where the
 * second happens.
 *
 * @throws OptionError for a question that is none, or a model that no number of these devices holds.
 */
export function makePlan(question: PlanQuestion, assumptions: Assumptions = usualAssumptions): Plan {
  const who = 'makePlan'
  checkOptions(`${who}: assumptions`, assumptions, assumptionChecks)
  const { devices } = assumptions
  checkOptions(who, question, {
    config: checks.required(aConfig),
    tokens: checks.required(checks.number({ above: 0 })),
    device: checks.required(checks.oneOf(...Object.keys(devices))),
    precision: checks.oneOf(...precisions),
    rehearsal: checks.number({ from: 0 }),
    keepsPenalty: checks.boolean,
    batchTokens: checks.integer({ from: 1 }),
    days: checks.number({ above: 0 }),
  })
  const { config, tokens, precision = 'bf16', rehearsal = 0, keepsPenalty = false, days } = question
  const { batchTokens = assumptions.batchTokens } = question
  const device = devices[question.device]
  const parameters = parametersOf(config)
  const memory = memoryOf(config, precision, keepsPenalty)
  const split = splitOf(config, memory, device.perMachine, assumptions.usableMemory * device.memory)
  if (split === null) {
    throw new OptionError(
      `${who}: got a model whose copy fits no number of ${device.name}: one of its ${config.blocks.length} blocks, on a whole machine, takes more than there is; expected a device with more memory, a shorter context, or more and smaller blocks.`,
    )
  }
  const perCopy = split.acrossProducts * split.stages
  const learnt = tokens * (1 + rehearsal)
  const flops = learnt * flopsPerToken(config).training
  const speed = perCopy * device.flops[precision] * assumptions.utilization
  const turns = Math.max(1, Math.min(assumptions.turns, Math.floor(config.blocks.length / split.stages)))
  const timeOf = (copies: number): Timed => {
    const sequences = Math.max(1, batchTokens / config.context / copies)
    const bubble = (split.stages - 1) / (turns * sequences + split.stages - 1)
    const steps = learnt / (Math.max(1, sequences) * config.context * copies)
    const exchange = exchangeOf(memory, split, copies, device.perMachine, assumptions)
    const computing = flops / (speed * copies) / (1 - bubble)
    return { bubble, exchange, seconds: computing + steps * exchange.rarely }
  }
  const copies =
    days === undefined ? 1 : copiesFor(days * secondsPerDay, timeOf, batchTokens / config.context)
  if (copies === null) {
    throw new OptionError(
      `${who}: got ${days} days, which no number of copies keeps: a step of ${batchTokens} tokens has ${Math.floor(batchTokens / config.context)} sequences, one for each copy at most; expected more days, or more tokens in a step.`,
    )
  }
  const { bubble, exchange, seconds } = timeOf(copies)
  const count = copies * perCopy
  const deviceHours = (count * seconds) / 3600
  const megawatts = (count * device.watts * assumptions.powerOfHall) / 1e6
  return {
    ...{ parameters, memory, flops, split, copies, devices: count, bubble, exchange },
    machines: Math.ceil(count / device.perMachine),
    bytesPerDevice: bytesOn(config, memory, split),
    memoryPerDevice: device.memory,
    ...{ days: seconds / secondsPerDay, deviceHours, megawatts },
    megawattHours: (megawatts * seconds) / 3600,
    dollars: deviceHours * device.dollarsPerHour,
    tokensPerSecond: tokens / seconds,
    writtenPerSecond: (perCopy * device.bandwidth) / (memory.weights + memory.cache) / split.stages,
  }
}

/** Time of a life with some number of copies. */
interface Timed {
  readonly bubble: number
  readonly exchange: PlannedExchange
  readonly seconds: number
}

/**
 * Bytes on a device. Stages pass sequences on as soon as they can, so that the first of them holds what it
 * has made of as many sequences as there are stages: all stages' share of one sequence.
 */
function bytesOn(
  { blocks }: GptConfig,
  memory: PlannedMemory,
  { acrossProducts, stages }: PlannedSplit,
): number {
  const mostBlocks = Math.ceil(blocks.length / stages)
  const state = (stateBytes(memory) * mostBlocks) / blocks.length
  return (state + memory.activations) / acrossProducts
}

/** How many more devices a copy may take for fewer stages, which wait for each other. */
const moreDevices = 1.25

/** About the fewest devices that hold a copy, in as few stages as can be; null where none do. */
function splitOf(
  config: GptConfig,
  memory: PlannedMemory,
  perMachine: number,
  usable: number,
): PlannedSplit | null {
  const splits: PlannedSplit[] = []
  for (let acrossProducts = 1; acrossProducts <= perMachine; acrossProducts *= 2) {
    const fits = (stages: number): boolean => bytesOn(config, memory, { acrossProducts, stages }) <= usable
    const stages = Array.from({ length: config.blocks.length }, (_, i) => i + 1).find(fits)
    if (stages !== undefined) splits.push({ acrossProducts, stages })
  }
  const countOf = (split: PlannedSplit): number => split.acrossProducts * split.stages
  const fewest = Math.min(...splits.map(countOf))
  const near = splits.filter((split) => countOf(split) <= moreDevices * fewest)
  return near.length === 0 ? null : near.reduce((best, one) => (one.stages < best.stages ? one : best))
}

/** What copies exchange: all gradients, there and back in a ring, by the links of each machine. */
function exchangeOf(
  { gradients }: PlannedMemory,
  { acrossProducts, stages }: PlannedSplit,
  copies: number,
  perMachine: number,
  { network, localSteps }: Assumptions,
): PlannedExchange {
  const machinesOfCopy = Math.max(1, Math.ceil((acrossProducts * stages) / perMachine))
  const bytes = (2 * gradients * (copies - 1)) / copies / machinesOfCopy
  const everyStep = bytes / network
  return { bytes, everyStep, rarely: everyStep / localSteps }
}

/** The fewest copies that are done in time; null where none are. */
function copiesFor(seconds: number, timeOf: (copies: number) => Timed, most: number): number | null {
  const isInTime = (copies: number): boolean => timeOf(copies).seconds <= seconds
  let [low, high] = [1, Math.max(1, Math.floor(most))]
  if (!isInTime(high)) return null
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isInTime(middle)) high = middle
    else low = middle + 1
  }
  return low
}
