/** Growth that somebody outside asks for, between two steps. */
import { Gpt } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'
import { checkArgument, checks, OptionError, type RandomKey } from '@burgeon/tensor'
import type { GrowthBudget } from '../growth/growth-policy.ts'
import type { LearnerEvent } from '../journal/event.ts'
import type { TokenBatch } from '../stream/batch.ts'
import { carryOut } from '../upkeep/carry-out.ts'
import type { Loop } from './loop.ts'

const reason = 'it was asked for from outside'

/**
 * Grows a learner, its mirrors with it, within its budget, and puts it on record.
 *
 * @returns The event: `growth`, or `growth refused`, and then everything is as it was.
 * @throws OptionError for arguments that are none, a learner of another model than a GPT, or a request that
 *   is to be measured on rows, of which there are none between two steps.
 */
export async function growNow(
  { model, parts, journal, options }: Loop,
  request: GrowthRequest,
  key: RandomKey,
): Promise<LearnerEvent> {
  const who = 'Learner: grow'
  checkArgument(who, 'request', request, checks.role<GrowthRequest>('a growth request', 'kind'))
  checkArgument(who, 'key', key, checks.key)
  if (!(model instanceof Gpt))
    throw new OptionError(`${who}: got a learner of another model; expected a Gpt.`)
  if (request.kind === 'widenMlp' && request.how === 'gradMax' && request.outgoing === undefined) {
    throw new OptionError(
      `${who}: got a request that is measured on rows; expected its outgoing weights, or another way.`,
    )
  }
  const budget: GrowthBudget = options.budget ?? { parameters: Infinity }
  const { mirrors } = parts
  const ground = { step: journal.step, budget, model, mirrors, recent: someRows(model), key }
  const asked = { policy: 'asked for', request, reason, isApproved: true }
  const event = await carryOut(asked, options.now ? { ...ground, now: options.now } : ground)
  journal.add([event])
  return event
}

/** Tokens that every model has, to compare outputs by. */
function someRows({ config }: Gpt): TokenBatch {
  const length = Math.min(16, config.context)
  const tokens = Int32Array.from({ length: length + 1 }, (_, i) => i % config.vocabulary)
  return { rows: 1, length, tokens, domains: [''] }
}
