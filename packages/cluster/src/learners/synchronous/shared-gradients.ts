/** Synchronous data parallel: several machines take each step together, as one with all their rows would. */
import type { ExchangeContext, GradientExchange, PartGradients } from '@burgeon/continual'
import {
  arrayFromRaw,
  checkOptions,
  checks,
  fields,
  OptionError,
  rawFromArray,
  readSafetensors,
  writeSafetensors,
} from '@burgeon/tensor'
import { ClusterError } from '../../errors.ts'
import { aDigest, type Blobs, someBlobs } from '../../seams/blobs.ts'
import { digestOf } from '../../seams/digest.ts'
import { aLog, type Log } from '../../seams/log.ts'
import { aWord } from '../../seams/subject.ts'

/** Who takes steps together, and by what they reach each other. */
export interface SharedGradientsOptions {
  /** A log of these machines alone. */
  readonly log: Log
  readonly blobs: Blobs
  /** Name of this machine, one of the members. */
  readonly name: string
  /** Names of all, in the order in which their gradients are summed; the same on every machine. */
  readonly members: readonly string[]
  /** Parts that the rows of this machine are taken apart into. Default 1. */
  readonly parts?: number
  /** Ends the waiting for others: the step fails then. It waits for as long as it takes unless given. */
  readonly until?: AbortSignal
}

/** What one machine says of a step. */
interface Said {
  readonly step: number
  readonly worker: string
  /** SHA-256 of the weights that the step begins with. */
  readonly version: string
  readonly gradients: string
}

const aSaying = fields<Said>('gradients of a step', {
  step: checks.count,
  worker: aWord,
  version: aDigest,
  gradients: aDigest,
})

/**
 * An exchange in which every machine sends its gradients to all, and each sums them in the order of the members.
 * Machines that begin with the same weights, and whose optimizers are made alike, have the same weights after every
 * step, to the bit; and so has one machine with `gradientParts`, given all rows in the order of the members.
 *
 * A ring would send less from five machines on, but would sum each number in another order. A machine that was killed
 * takes its step again: what it said of it before counts.
 *
 * @throws OptionError for options that are none, or a name that is not among the members. A step throws ClusterError
 *   if another machine has other weights, or the waiting is ended; nothing is learnt then.
 */
export function sharedGradients(options: SharedGradientsOptions): GradientExchange {
  const who = 'sharedGradients'
  checkOptions(who, options, {
    log: checks.required(aLog),
    blobs: checks.required(someBlobs),
    name: checks.required(aWord),
    members: checks.required(checks.list('a list of names', aWord)),
    parts: checks.integer({ from: 1 }),
    until: checks.instance('an AbortSignal', AbortSignal),
  })
  const { log, blobs, name, members, parts = 1, until } = options
  if (!members.includes(name) || new Set(members).size < members.length) {
    throw new OptionError(
      `${who}: got name ${name} and members ${members.join()}; expected it among them, each once.`,
    )
  }
  /** Entries that have been read, so that a step does not begin at the first. */
  let read = 0
  return {
    name: `gradients of ${members.length} machines`,
    parts,
    async exchange(own, context) {
      const version = await digestOf(bytesOf([{ gradients: await context.weights(), counted: 0 }]))
      const said = { step: context.step, worker: name, version, gradients: await blobs.put(bytesOf(own)) }
      await log.append(new TextEncoder().encode(JSON.stringify(said)), {
        ...{ id: `step ${context.step}`, author: name },
      })
      const all = await saidInStep(context)
      const other = members.find((member) => all.get(member)?.version !== version)
      if (other !== undefined) {
        throw new ClusterError(
          `${who}: in step ${context.step} ${other} has other weights than ${name}; begin again from one state.`,
        )
      }
      const taken: PartGradients[] = []
      for (const member of members) {
        const { gradients } = all.get(member) as Said
        // What it said of this step before it was killed counts, not what it says now.
        const isOwn = member === name && gradients === said.gradients
        taken.push(...(isOwn ? own : partsFrom(await blobs.get(gradients), member)))
      }
      return taken
    },
  }

  /** What all members say of a step, once they do. */
  async function saidInStep({ step }: ExchangeContext): Promise<ReadonlyMap<string, Said>> {
    const found = new Map<string, Said>()
    const waiting = until ?? new AbortController().signal
    for await (const { position, payload, author } of log.read(read + 1, { until: waiting })) {
      const said = saidBy(payload)
      const isOwn = said?.worker === author && members.includes(said?.worker ?? '')
      if (said?.step === step && isOwn && !found.has(said.worker)) found.set(said.worker, said)
      if (found.size < members.length) continue
      read = position
      return found
    }
    const missing = members.filter((member) => !found.has(member))
    throw new ClusterError(
      `${who}: step ${step} was given up before ${missing.join(' and ')} had sent gradients.`,
    )
  }
}

function saidBy(payload: Uint8Array): Said | null {
  try {
    const said: unknown = JSON.parse(new TextDecoder().decode(payload))
    return aSaying.accepts(said) ? said : null
  } catch {
    return null
  }
}

function bytesOf(parts: readonly PartGradients[]): Uint8Array {
  const tensors = parts.flatMap(({ gradients }, i) =>
    Object.entries(gradients).map(
      ([path, data]) => [`${i}/${path}`, rawFromArray(data, [data.length])] as const,
    ),
  )
  const notes = { counted: JSON.stringify(parts.map(({ counted }) => counted)) }
  return writeSafetensors(new Map(tensors), notes)
}

function partsFrom(bytes: Uint8Array, member: string): PartGradients[] {
  const { tensors, metadata } = readSafetensors(bytes)
  const counted: unknown = JSON.parse(metadata.get('counted') ?? 'null')
  if (!checks.list('counts', checks.count).accepts(counted)) {
    throw new ClusterError(`sharedGradients: ${member} has sent what are no gradients.`)
  }
  const parts = counted.map((count) => ({ gradients: {} as Record<string, Float32Array>, counted: count }))
  for (const [name, raw] of tensors) {
    const [at] = name.split('/', 1)
    const data = arrayFromRaw(raw)
    const part = parts.at(Number(at))
    if (part && data instanceof Float32Array) part.gradients[name.slice(at.length + 1)] = data
  }
  return parts
}
