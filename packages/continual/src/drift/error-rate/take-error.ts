import { shown } from '@burgeon/tensor'
import { SignalError } from '../../errors.ts'

/** The value itself. Throws SignalError unless it is 0 (right) or 1 (an error). */
export function takeError(owner: string, value: number): number {
  if (value === 0 || value === 1) return value + 0
  throw new SignalError(
    `${owner}: got ${shown(value)}; expected 0 (right) or 1 (an error). For a loss take adaptiveWindowing, ` +
      'pageHinkley or cusum; nothing was recorded.',
  )
}

/** The value itself. Throws SignalError unless it lies from 0 to 1. */
export function takeShare(owner: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value + 0
  throw new SignalError(
    `${owner}: got ${shown(value)}; expected a number from 0 to 1, such as an error of 0 or 1. For a loss take ` +
      'adaptiveWindowing, pageHinkley or cusum; nothing was recorded.',
  )
}
