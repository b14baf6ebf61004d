import { bitsPerByte, byteRate, byteSize, duration, percent } from './quantities.ts'
import { fit, isLive, palette, printable, type TerminalEnvironment, type TerminalOutput } from './terminal.ts'

/** Where a run stands. */
export interface Progress {
  /** Bytes of the stream behind us, in this run and before it was resumed. */
  readonly bytes: number
  /** Bytes of the whole stream; null when nobody knows. */
  readonly totalBytes: number | null
  readonly domain: string
  /** Smoothed prequential loss; null before the first batch. */
  readonly bitsPerByte: number | null
}

/** Something worth a line that stays. */
export interface ProgressEvent {
  readonly kind: 'drift' | 'growth' | 'checkpoint' | 'note' | 'failure'
  readonly text: string
}

export interface ProgressLineOptions {
  readonly output: TerminalOutput
  readonly environment: TerminalEnvironment
  /** Milliseconds of a clock that only goes forward, such as `performance.now`. */
  readonly now: () => number
  /** Seconds between two lines where a line cannot be rewritten; 5 by default. */
  readonly plainEverySeconds?: number
}

/** One line that shows how a run goes, and a log of events above it. */
export interface ProgressLine {
  /** Shows where the run stands, as often as a reader can follow. */
  update(progress: Progress): void
  /** Prints an event above the line. */
  event(event: ProgressEvent): void
  /**
   * Shows the last progress and leaves it on the screen. Call it in `finally`, so that an error starts on a
   * line of its own.
   */
  end(): void
}

/** Milliseconds between two drawings of a live line. */
const frame = 100

/** Milliseconds over which the rate is measured: long enough to be steady, short enough to follow growth. */
const rateWindow = 10_000

/** How events are marked where there is no color. */
const marks = { drift: '~', growth: '+', checkpoint: '\u00bb', note: '\u00b7', failure: '!' } as const

/**
 * A progress line for an output. On a terminal it is rewritten in place; elsewhere it is a plain line every
 * few seconds.
 *
 * @example
 * const line = createProgressLine({ output: process.stderr, environment: process.env, now: () => performance.now() })
 * line.update({ bytes: 4096, totalBytes: 1_000_000, domain: 'prose', bitsPerByte: 3.2 })
 * line.end()
 */
export function createProgressLine(options: ProgressLineOptions): ProgressLine {
  const { output, environment, now } = options
  const live = isLive(output, environment)
  const paint = palette(output, environment)
  const interval = live ? frame : 1000 * (options.plainEverySeconds ?? 5)
  const speed = new Speed()
  let last: Progress | null = null
  let shownAt = -Infinity
  let shown: Progress | null = null

  const draw = (progress: Progress): void => {
    const text = progressText(progress, speed.bytesPerSecond, live ? (output.columns ?? 80) - 1 : null)
    output.write(live ? `\r${text}\u001b[K` : `${text}\n`)
    shownAt = now()
    shown = progress
  }
  return {
    update(progress) {
      speed.measure(now(), progress.bytes)
      last = progress
      if (now() - shownAt >= interval) draw(progress)
    },
    event({ kind, text }) {
      const line = `${marks[kind]} ${kind.padEnd(10)} ${printable(text)}`
      output.write(`${live ? '\r\u001b[K' : ''}${kind === 'note' ? paint.faint(line) : paint[kind](line)}\n`)
      if (live && last) draw(last)
    },
    end() {
      if (last && shown !== last) draw(last)
      if (live && last) output.write('\n')
      last = null
    },
  }
}

/** The line itself. With a width, parts that do not fit are left out, the least needed first. */
export function progressText(
  progress: Progress,
  bytesPerSecond: number | null,
  width: number | null,
): string {
  const { bytes, totalBytes } = progress
  const share = totalBytes === null ? null : totalBytes > 0 ? Math.min(1, bytes / totalBytes) : 1
  const left = share === null || !bytesPerSecond ? null : ((totalBytes ?? 0) - bytes) / bytesPerSecond
  const loss = progress.bitsPerByte === null ? '' : `${bitsPerByte(progress.bitsPerByte)} bits/byte`
  const parts = {
    percent: share === null ? byteSize(bytes) : percent(share).padStart(4),
    loss,
    domain: fit(printable(progress.domain), 20).padEnd(12),
    // Fixed widths, so that the bar does not jump when a number gets longer.
    rate: bytesPerSecond === null ? '' : byteRate(bytesPerSecond).padStart(10),
    left: left === null || left <= 0 ? '' : `${duration(left)} left`.padEnd(16),
  }
  type Part = keyof typeof parts
  const order: Part[] = ['domain', 'percent', 'loss', 'rate', 'left']
  const join = (shown: readonly Part[]): string =>
    shown
      .map((part) => parts[part])
      .filter((text) => text !== '')
      .join('  ')
  if (width === null) return join(order).trimEnd()
  let shown = order
  for (const least of ['rate', 'left', 'domain', 'loss'] as const) {
    if (join(shown).length <= width) break
    shown = shown.filter((part) => part !== least)
  }
  const text = join(shown)
  const room = Math.min(30, width - text.length - 2)
  if (share === null || room < 8 || !shown.includes('domain')) return fit(text.trimEnd(), width)
  return `${parts.domain}  ${bar(share, room)}  ${join(shown.filter((part) => part !== 'domain'))}`.trimEnd()
}

function bar(share: number, width: number): string {
  const done = Math.floor(share * width)
  return '\u2501'.repeat(done) + '\u2500'.repeat(width - done)
}

/** Bytes per second over the last few seconds. What was read before a resume does not count. */
class Speed {
  readonly #samples: { time: number; bytes: number }[] = []

  get bytesPerSecond(): number | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!last || last.time <= first.time) return null
    return (1000 * (last.bytes - first.bytes)) / (last.time - first.time)
  }

  measure(time: number, bytes: number): void {
    const last = this.#samples.at(-1)
    // One sample a frame is enough; a fast run would collect thousands in the window.
    if (last && this.#samples.length > 1 && time - this.#samples[this.#samples.length - 2].time < frame) {
      this.#samples[this.#samples.length - 1] = { time, bytes }
    } else this.#samples.push({ time, bytes })
    while (this.#samples.length > 2 && time - this.#samples[0].time > rateWindow) this.#samples.shift()
  }
}
