/** Keeps what the lives of a long benchmark came to, so that a run that was interrupted goes on where it ended. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { BenchmarkOptions } from './benchmark.ts'

/** A line of the file. */
interface KeptLife {
  /** Commit and benchmark. */
  readonly of: string
  readonly life: string
  readonly outcome: unknown
}

/**
 * @param file Gets a line of JSON for each life that has ended; without one every life runs.
 * @param of Commit and benchmark: lines of others are left alone.
 */
export function keptLives(file: string | undefined, of: string): BenchmarkOptions['once'] {
  if (file === undefined) return (_, run) => run()
  const lines = (existsSync(file) ? readFileSync(file, 'utf8') : '').split('\n')
  // A run that was killed may have left half a line, which has no end of its own.
  if (lines.pop()) appendFileSync(file, '\n')
  const kept = new Map<string, unknown>()
  for (const line of lines) {
    const read = parsed(line)
    if (read?.of === of) kept.set(read.life, read.outcome)
  }
  return async <T>(life: string, run: () => Promise<T>): Promise<T> => {
    if (kept.has(life)) return kept.get(life) as T
    const outcome = await run()
    const line: KeptLife = { of, life, outcome }
    appendFileSync(file, `${JSON.stringify(line)}\n`)
    return outcome
  }
}

function parsed(line: string): KeptLife | null {
  try {
    return JSON.parse(line) as KeptLife
  } catch {
    return null
  }
}
