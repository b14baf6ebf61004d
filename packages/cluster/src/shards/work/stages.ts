/** The stages of a model as their leader sees them. */
import { configFromState, type GptConfig } from '@burgeon/gpt'
import { type BurgeonError, NonFiniteError, OptionError, OutOfMemoryError, StateError } from '@burgeon/tensor'
import { messageOf, readMessage, type StageMessage, writeMessage } from './message.ts'
import { ShardError } from '../shard-error.ts'
import type { StageLink } from '../stage-link.ts'
import { aShare, type StageShare } from '../stage-split.ts'

/** What all stages agree on. */
export interface StageFacts {
  readonly config: GptConfig
  readonly step: number
}

const errors: Readonly<Record<string, new (message: string) => BurgeonError>> = {
  NonFiniteError,
  OptionError,
  OutOfMemoryError,
  StateError,
}

/** Links to the stages of one model, from the input to the output. */
export class Stages {
  readonly shares: readonly StageShare[]
  readonly #links: readonly StageLink[]
  readonly #leader: string

  private constructor(links: readonly StageLink[], shares: readonly StageShare[], leader: string) {
    this.#links = links
    this.shares = shares
    this.#leader = leader
  }

  get count(): number {
    return this.#links.length
  }

  /**
   * Takes the lead of stages.
   *
   * @throws ShardError unless they are all stages of one model, in order, at one step.
   */
  static async lead(links: readonly StageLink[]): Promise<{ stages: Stages; facts: StageFacts }> {
    if (links.length === 0)
      throw new OptionError('ShardedModel.connect: got no links; expected one for each stage.')
    const leader = crypto.randomUUID()
    const lead = writeMessage(messageOf('lead', { leader }))
    const facts = await Promise.all(
      links.map(async (link, i) => answered(i, await reached(i, link, lead)).facts),
    )
    const shares = facts.map(({ share }, i) => {
      if (aShare.accepts(share) && share.index === i && share.count === links.length) return share
      const { index, count } = (share ?? {}) as Partial<StageShare>
      throw new ShardError(
        `ShardedModel.connect: link ${i} of ${links.length} leads to stage ${index} of ${count}; expected all stages of one model, in order.`,
      )
    })
    const [{ config, step }] = facts
    const other = facts.findIndex((own) => JSON.stringify(own.config) !== JSON.stringify(config))
    if (other >= 0 || shares.some(({ first }, i) => first !== (i === 0 ? 0 : shares[i - 1].end))) {
      throw new ShardError(
        `ShardedModel.connect: the stages ${other >= 0 ? `0 and ${other} are of different models` : 'leave blocks out, or share some'}; expected those of one split.`,
      )
    }
    const late = facts.findIndex((own) => own.step !== step)
    if (late >= 0) {
      throw new ShardError(
        `ShardedModel.connect: stage 0 is at step ${String(step)} and stage ${late} at ${String(facts[late].step)}; expected one step. Read all of them from one checkpoint.`,
      )
    }
    const stages = new Stages(links, shares, leader)
    return { stages, facts: { config: configFromState(config as GptConfig), step: step as number } }
  }

  /**
   * Asks a stage.
   *
   * @throws What went wrong there: NonFiniteError, OptionError, OutOfMemoryError or StateError as such, anything
   *   else as ShardError.
   */
  async ask(stage: number, { kind, facts, numbers }: StageMessage): Promise<StageMessage> {
    const payload = writeMessage({ kind, facts: { ...facts, leader: this.#leader }, numbers })
    return answered(stage, await reached(stage, this.#links[stage], payload))
  }

  /** Asks all of them the same. */
  all(message: StageMessage): Promise<StageMessage>[] {
    return this.#links.map((_, stage) => this.ask(stage, message))
  }
}

async function reached(stage: number, link: StageLink, payload: Uint8Array): Promise<Uint8Array> {
  try {
    return await link.ask(payload)
  } catch (error) {
    throw new ShardError(`stage ${stage} cannot be reached: ${(error as Error).message}`, { cause: error })
  }
}

function answered(stage: number, payload: Uint8Array): StageMessage {
  const answer = readMessage(payload)
  if (answer.kind !== 'error') return answer
  const { name, message } = answer.facts as { readonly name: string; readonly message: string }
  throw errorOf(name, `stage ${stage}: ${message}`)
}

function errorOf(name: string, message: string): BurgeonError {
  return new (errors[name] ?? ShardError)(message)
}
