/**
 * The typed errors of continual learning. Each message names the part, what came, what was expected and what
 * to do.
 */

import { BurgeonError, shown } from '@burgeon/tensor'

/** A measurement is not a finite number of sane size; what received it is unchanged. */
export class SignalError extends BurgeonError {
  override readonly name = 'SignalError'
}

/** A metric needs an evaluation that was not recorded, or one was recorded twice. */
export class EvaluationError extends BurgeonError {
  override readonly name = 'EvaluationError'
}

/**
 * A journal of experience is damaged, could not be written, or was asked for what it does not hold. The
 * message names the file and the byte.
 */
export class ExperienceError extends BurgeonError {
  override readonly name = 'ExperienceError'
}

/** An audit log could not be written, or a proof out of it was asked for that it cannot give. */
export class AuditError extends BurgeonError {
  override readonly name = 'AuditError'
}

/**
 * A guard has refused a text, or keeps it apart. Nothing was learnt of it, and no word of it is in the
 * message.
 */
export class GuardError extends BurgeonError {
  override readonly name = 'GuardError'
}

/** A policy is none; the message names the field, and the line of its file. */
export class PolicyError extends BurgeonError {
  override readonly name = 'PolicyError'
}

/**
 * An explanation does not add up: its own error is larger than may be, or a life that was lived again did not
 * come to the same bits. The message says by how much.
 */
export class ExplanationError extends BurgeonError {
  override readonly name = 'ExplanationError'
}

/**
 * Squares and sums of squares of anything larger could overflow, and an infinity would stay in a state for
 * ever.
 */
const largest = 1e100

/**
 * The same number, never −0 (which JSON would turn into 0). Throws a `SignalError` for NaN, ±∞ and beyond
 * ±1e100.
 */
export function requireMeasurement(owner: string, value: number): number {
  if (typeof value === 'number' && Math.abs(value) <= largest) return value + 0
  throw new SignalError(
    `${owner}: got ${shown(value)}; expected a finite number between ±${largest}. Find the step that produced it; ` +
      'nothing was recorded.',
  )
}
