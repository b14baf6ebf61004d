/**
 * The largest sizes that a model can have: what is above them is a mistake or a forgery, and is refused
 * before anything is made for it.
 */
import { OptionError } from '@burgeon/tensor'
import { parametersOf } from './block-size.ts'
import type { GptConfig } from './gpt-config.ts'

type LimitedSize =
  | 'vocabulary'
  | 'context'
  | 'embed'
  | 'blocks'
  | 'mlpHidden'
  | 'heads'
  | 'kvHeads'
  | 'headDim'
  | 'rank'
  | 'experts'

/** By the name of the size. */
export const sizeLimits: Readonly<Record<LimitedSize, number>> = {
  vocabulary: 2 ** 24,
  context: 2 ** 24,
  embed: 2 ** 20,
  blocks: 2 ** 10,
  mlpHidden: 2 ** 24,
  heads: 2 ** 16,
  kvHeads: 2 ** 16,
  headDim: 2 ** 16,
  rank: 2 ** 16,
  experts: 2 ** 10,
}

/** Learnt numbers in all: 32 GiB of weights. */
const maxParameters: number = 2 ** 33

/** Throws OptionError for a size above its limit; what has no limit of its own passes. */
export function checkLimit(owner: string, name: string, size: number): void {
  const most = Object.hasOwn(sizeLimits, name) ? sizeLimits[name as LimitedSize] : Infinity
  if (size <= most) return
  throw new OptionError(`${owner}: got ${name} ${size}; expected at most ${most}.`)
}

/**
 * Throws OptionError for a configuration that is too large for any device.
 *
 * @param owner What the message begins with.
 */
export function checkTotalSize(owner: string, config: GptConfig): void {
  const parameters = parametersOf(config)
  if (parameters <= maxParameters) return
  throw new OptionError(
    `${owner}: got sizes that come to ${parameters} parameters; expected at most ${maxParameters}.`,
  )
}
