/** The result of a profiler: sums by op, a table to print, and a trace. */
import { checkArgument, checkOptions } from '../checks/check-options.ts'
import * as checks from '../checks/checks.ts'
import type { Device } from '../device.ts'
import type { OpName } from '../op-table.ts'
import { formatShape, type Shape } from '../shape.ts'
import { profileTable, type ProfileTableOptions } from './profile-table.ts'

/** One call of an op. */
export interface ProfiledOp {
  readonly op: OpName
  /** The device on which it ran. */
  readonly device: Device
  /** Shapes of the inputs. */
  readonly shapes: readonly Shape[]
  /** Milliseconds from the start of the profile. */
  readonly start: number
  readonly milliseconds: number
  /** Floating-point operations, by the op's own formula. */
  readonly flops: number
  /** Bytes of the inputs; 0 for an op that only shares storage (`reshape`). */
  readonly bytesRead: number
  /** Bytes of the outputs and of the inputs that are written in place. */
  readonly bytesWritten: number
}

/** The calls of one op, or of one op with inputs of the same shapes, added up. */
export interface ProfileRow {
  /** For example `matmul`, or by shape `matmul [256, 64] [64, 64]`. */
  readonly name: string
  readonly calls: number
  readonly milliseconds: number
  /** Floating-point operations, by the ops' own formulas. */
  readonly flops: number
  /** Bytes of the inputs, whether or not all of them are read (a `gather` reads a few rows). */
  readonly bytesRead: number
  /** Bytes of the outputs and of the inputs that are written in place. */
  readonly bytesWritten: number
  /** Floating-point operations per second; `undefined` if the clock saw no time pass. */
  readonly flopsPerSecond: number | undefined
  /** Bytes read and written per second; `undefined` if the clock saw no time pass. */
  readonly bytesPerSecond: number | undefined
  /**
   * `flopsPerSecond` over the best that matrix products reach on the device (`Device.peakFlops`): in [0, 1],
   * but for the noise of both measurements. `undefined` where that is not known.
   */
  readonly fractionOfPeak: number | undefined
}

/** A trace as Chrome and Perfetto read it; times are in microseconds. */
export interface ChromeTrace {
  readonly displayTimeUnit: 'ms'
  /** The whole body first, then the calls in their order, each inside it. */
  readonly traceEvents: readonly {
    readonly name: string
    readonly cat: string
    /** A complete event: one with a beginning and a duration. */
    readonly ph: 'X'
    readonly pid: number
    readonly tid: number
    readonly ts: number
    readonly dur: number
    readonly args: Readonly<Record<string, unknown>>
  }[]
  readonly otherData: { readonly droppedEvents: number }
}

/** Adds calls up. A row of several devices is compared with the peak of each. */
class Sum {
  calls = 0
  milliseconds = 0
  flops = 0
  bytesRead = 0
  bytesWritten = 0
  readonly #flopsOn = new Map<Device, number>()

  add({ device, milliseconds, flops, bytesRead, bytesWritten }: ProfiledOp): void {
    this.calls++
    this.milliseconds += milliseconds
    this.flops += flops
    this.bytesRead += bytesRead
    this.bytesWritten += bytesWritten
    this.#flopsOn.set(device, (this.#flopsOn.get(device) ?? 0) + flops)
  }

  row(name: string): ProfileRow {
    const { calls, milliseconds, flops, bytesRead, bytesWritten } = this
    const perSecond = (amount: number): number | undefined =>
      milliseconds > 0 ? amount / (milliseconds / 1000) : undefined
    let atBest = 0 // seconds
    for (const [device, share] of this.#flopsOn) atBest += share / (device.peakFlops ?? Number.NaN)
    const fraction = perSecond(atBest)
    return {
      name,
      calls,
      milliseconds,
      flops,
      bytesRead,
      bytesWritten,
      flopsPerSecond: perSecond(flops),
      bytesPerSecond: perSecond(bytesRead + bytesWritten),
      fractionOfPeak: Number.isNaN(fraction) ? undefined : fraction,
    }
  }
}

/**
 * A finished measurement. Made by `profile`.
 *
 * @example
 * ```ts
 * const { profile: report } = profile(() => sum(multiply(x, x)))
 * console.log(`${report}`) // the table
 * write(JSON.stringify(report.toChromeTrace())) // for chrome://tracing or ui.perfetto.dev
 * ```
 */
export class Profile {
  /** The first calls, in their order. */
  readonly events: ProfiledOp[] = []
  readonly #limit: number
  readonly #all = new Sum()
  readonly #byOp = new Map<string, Sum>()
  readonly #byShape = new Map<string, Sum>()
  #milliseconds = 0

  /** @param limit Maximum number of events that are kept. */
  constructor(limit: number) {
    checkArgument('Profile', 'limit', limit, checks.integer({ from: 0 }))
    this.#limit = limit
  }

  /** Adds a call. For the profiler only. */
  add(call: ProfiledOp): void {
    if (this.events.length < this.#limit) this.events.push(call)
    this.#all.add(call)
    sumIn(this.#byOp, call.op).add(call)
    sumIn(this.#byShape, [call.op, ...call.shapes.map(formatShape)].join(' ')).add(call)
  }

  /** Ends the measurement. For the profiler only. */
  end(milliseconds: number): void {
    this.#milliseconds = milliseconds
  }

  /**
   * Wall-clock time of the whole body, including the profiler's own bookkeeping (some microseconds a call).
   */
  get milliseconds(): number {
    return this.#milliseconds
  }

  /** Wall-clock time outside all ops: that of the program, of tapes, of the profiler, and of waiting. */
  get millisecondsBetween(): number {
    return this.#milliseconds - this.#all.milliseconds
  }

  /** The sum of all calls. */
  get total(): ProfileRow {
    return this.#all.row('all ops')
  }

  /** Number of calls that are not among the events because there were too many. */
  get droppedEvents(): number {
    return this.#all.calls - this.events.length
  }

  /** Sums by op, or by op and shapes of the inputs; the row that took longest comes first. */
  rows(options: { byShape?: boolean } = {}): ProfileRow[] {
    checkOptions('Profile.rows', options, { byShape: checks.boolean })
    const { byShape = false } = options
    const sums = [...(byShape ? this.#byShape : this.#byOp)]
    return sums.map(([name, sum]) => sum.row(name)).toSorted((a, b) => b.milliseconds - a.milliseconds)
  }

  /** Formats the sums as text: a line for each row, then all ops together and the time between them. */
  table(options: ProfileTableOptions = {}): string {
    checkOptions('Profile.table', options, {
      byShape: checks.boolean,
      most: checks.integer({ from: 0, infinite: true }),
    })
    return profileTable(this, options)
  }

  /** The table by op. */
  toString(): string {
    return this.table()
  }

  /** The events in the Chrome trace format, to be written to a file as JSON and opened in a trace viewer. */
  toChromeTrace(): ChromeTrace {
    const { droppedEvents } = this
    const complete = { cat: 'op', ph: 'X', pid: 1, tid: 1 } as const
    const body = {
      ...complete,
      name: 'profile',
      cat: 'body',
      ts: 0,
      dur: 1000 * this.#milliseconds,
      args: { calls: this.#all.calls, droppedEvents },
    }
    const calls = this.events.map(({ op, device, shapes, start, milliseconds, ...costs }) => ({
      ...complete,
      name: op,
      ts: 1000 * start,
      dur: 1000 * milliseconds,
      args: { shapes: shapes.map(formatShape), device: device.name, ...costs },
    }))
    return { displayTimeUnit: 'ms', traceEvents: [body, ...calls], otherData: { droppedEvents } }
  }
}

function sumIn(sums: Map<string, Sum>, key: string): Sum {
  const known = sums.get(key)
  if (known !== undefined) return known
  const fresh = new Sum()
  sums.set(key, fresh)
  return fresh
}
