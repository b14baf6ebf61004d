/** Requests to a fleet: each is answered by one replica of a group; where that one dies, another is asked. */
import { generate, type GenerateOptions } from '@burgeon/gpt'
import { checkArgument, checkOptions, type ChecksOf, checks, OptionError } from '@burgeon/tensor'
import { TransportError } from '../errors.ts'
import { aTransport, type Subscription, type Transport } from '../seams/transport.ts'
import { Replica } from './replica.ts'
import { WeightsError } from './weights-error.ts'

/** What may be asked: what of `GenerateOptions` is plain data. */
export type FleetOptions = Pick<
  GenerateOptions,
  | 'tokens'
  | 'seed'
  | 'temperature'
  | 'topK'
  | 'topP'
  | 'minP'
  | 'repetitionPenalty'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'stopTokens'
  | 'onContextFull'
>

const aNumber = checks.number()

/** Whether they can be sent as they are; the replica says whether they are in range. */
const askChecks: ChecksOf<FleetOptions> = {
  tokens: checks.required(checks.integer({ from: 0 })),
  ...{ seed: checks.seed, temperature: aNumber, topK: aNumber, topP: aNumber, minP: aNumber },
  ...{ repetitionPenalty: aNumber, frequencyPenalty: aNumber, presencePenalty: aNumber },
  stopTokens: checks.list('a list of tokens', checks.integer({ from: 0 })),
  onContextFull: checks.oneOf('stop', 'slide', 'error'),
}

/** What a fleet answers. */
export interface FleetAnswer {
  readonly tokens: readonly number[]
  readonly finish: string
  /** Of the weights that wrote all of it. */
  readonly version: string
  /** The replica that wrote it. */
  readonly replica: string
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes))

/**
 * Has a replica answer requests. Those that do so on one subject take turns.
 *
 * @param options `name`: of the replica, in its answers.
 * @throws OptionError for arguments that are none, TransportError if the transport is closed.
 */
export async function answerFleet(
  replica: Replica,
  options: { readonly transport: Transport; readonly subject: string; readonly name: string },
): Promise<Subscription> {
  const who = 'answerFleet'
  checkArgument(who, 'replica', replica, checks.instance('a Replica', Replica))
  const { required } = checks
  checkOptions(who, options, {
    transport: required(aTransport),
    subject: required(checks.text),
    name: required(checks.text),
  })
  const { transport, subject, name } = options
  const answer = ({ payload }: { readonly payload: Uint8Array }): Promise<Uint8Array> =>
    replica.use(async (model, version) => {
      try {
        const { prompt, options: asked } = decode(payload) as { prompt: number[]; options: FleetOptions }
        const { tokens, finish } = await generate(model, prompt, asked)
        return encode({ tokens, finish, version, replica: name } satisfies FleetAnswer)
      } catch (error) {
        // The same everywhere: another replica is not to be asked.
        if (error instanceof OptionError) return encode({ refused: error.message })
        throw error
      }
    })
  return transport.respond(subject, answer)
}

/** How a fleet is asked. */
export interface AskFleetOptions {
  readonly transport: Transport
  readonly subject: string
  /** Replicas that are asked one after the other, 1 or more; 3 unless given. */
  readonly attempts?: number
  /** Ends the waiting. */
  readonly signal?: AbortSignal
}

/**
 * Has a fleet continue a prompt. Where a replica dies before it has answered, another is asked; with the same weights
 * and seed it writes the same.
 *
 * @param prompt Tokens, one at least.
 * @param options As in `generate`.
 * @throws OptionError for what `generate` would refuse; WeightsError if so many replicas have failed, or none is
 *   there.
 */
export async function askFleet(
  prompt: readonly number[],
  options: FleetOptions,
  fleet: AskFleetOptions,
): Promise<FleetAnswer> {
  const who = 'askFleet'
  checkArgument(who, 'prompt', prompt, checks.list('a list of tokens', checks.integer({ from: 0 })))
  checkOptions(who, options, askChecks)
  checkArgument(who, 'fleet', fleet, checks.object('a transport and a subject'))
  const { transport, subject, attempts = 3, signal } = fleet
  checkArgument(who, 'transport', transport, aTransport)
  checkArgument(who, 'subject', subject, checks.text)
  checkArgument(who, 'attempts', attempts, checks.integer({ from: 1 }))
  const payload = encode({ prompt, options })
  const reasons: string[] = []
  while (reasons.length < attempts) {
    try {
      const answer = decode(await transport.request(subject, payload, signal && { signal }))
      const { refused } = answer as { readonly refused?: string }
      if (refused === undefined) return answer as FleetAnswer
      throw new OptionError(`${who}: ${refused}`)
    } catch (error) {
      if (!(error instanceof TransportError) || signal?.aborted) throw error
      reasons.push(error.message)
    }
  }
  throw new WeightsError(`${who}: ${attempts} replicas were asked, and none has answered: ${reasons.at(-1)}`)
}
