/** Detectors whose whole memory is a few numbers: a rule says what becomes of them with the next value. */
import { checkState, type StateChecks } from '@burgeon/tensor'
import { requireSameOptions, stateOfKind } from '../saved-state.ts'
import type { DriftDetector, DriftDirection, DriftVerdict } from './drift-detector.ts'

/** One detector: what it remembers, and when it calls. `Memory` is plain data of finite numbers. */
export interface DetectorRule<Options extends object, Memory extends object> {
  readonly name: string
  /** Marks its saved states. */
  readonly kind: string
  readonly options: Required<Options>
  /** Before the first value. */
  readonly initial: Memory
  readonly memory: StateChecks<Memory>
  /** The value as it is used. Throws SignalError for one that the detector cannot take. */
  take(value: number): number
  /** The memory with one more value. */
  next(memory: Memory, value: number): Memory
  /** Direction of the change that the memory tells of, null for none. */
  alarm(memory: Memory): DriftDirection | null
  /** Present mean of the signal. */
  estimate(memory: Memory): number
}

interface RuleState<Options, Memory> {
  readonly kind: string
  readonly options: Required<Options>
  readonly memory: Memory
}

/** The detector of a rule. After an alarm it starts afresh. */
export class RuleDetector<Options extends object, Memory extends object> implements DriftDetector {
  readonly name: string
  readonly #rule: DetectorRule<Options, Memory>
  #memory: Memory

  constructor(rule: DetectorRule<Options, Memory>) {
    this.name = rule.name
    this.#rule = rule
    this.#memory = rule.initial
  }

  update(value: number): DriftVerdict {
    this.#memory = this.#rule.next(this.#memory, this.#rule.take(value))
    const direction = this.#rule.alarm(this.#memory)
    const estimate = this.#rule.estimate(this.#memory)
    if (direction !== null) this.reset()
    return { drift: direction !== null, direction, estimate }
  }

  reset(): void {
    this.#memory = this.#rule.initial
  }

  toState(): RuleState<Options, Memory> {
    return { kind: this.#rule.kind, options: this.#rule.options, memory: this.#memory }
  }

  restore(state: unknown): void {
    const { kind, options, memory } = stateOfKind<RuleState<Options, Memory>>(state, this.#rule.kind)
    requireSameOptions(kind, this.#rule.options, options)
    this.#memory = checkState<Memory>(kind, memory, this.#rule.memory)
  }
}
