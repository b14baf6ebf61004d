/** The part of a model that growth alone may change. In no public list. */
import { OptionError } from '@burgeon/tensor'
import type { GptConfig } from './config/gpt-config.ts'
import type { GrowthEntry, GrowthLog } from './growth/plan/growth-log.ts'

/** A model's own handle for those who grow it. */
export interface GrowthAccess {
  /** Configuration and parameters change together: whoever calls this has changed the parameters. */
  reconfigure(config: GptConfig): void
  /**
   * Appends a reconfiguration to the growth log.
   *
   * @param maxKept Bytes of what prunings dropped that may be kept (`withinKept`).
   */
  log(entry: GrowthEntry, maxKept: number): void
  /** Takes an earlier growth log back. */
  resumeLog(log: GrowthLog): void
  /** Keeps the model from growing until what it returns is disposed. */
  hold(): Disposable
}

const accesses = new WeakMap<object, GrowthAccess>()

/** A model hands out its handle when it is made. */
export function grantGrowth(model: object, access: GrowthAccess): void {
  accesses.set(model, access)
}

/** @throws OptionError for what `Gpt.create` and `Gpt.fromState` have not made. */
export function growthOf(model: object): GrowthAccess {
  const access = accesses.get(model)
  if (access !== undefined) return access
  throw new OptionError(
    'growth: got a model that cannot grow; expected one made by Gpt.create or Gpt.fromState.',
  )
}
