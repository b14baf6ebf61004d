// Reaches inside: a command is part of the front door, which has no other entry than the process itself.
import type { LifeSettings } from 'burgeon/session'
import { expect } from 'vitest'
import { commandLine } from '../../packages/burgeon/src/command-line.ts'
import { tinySettings } from '../life/tiny-settings.ts'

/** A life that reads 64 bytes a step and takes a millisecond or two for it; its vocabulary grows every 200 steps. */
export const smallLife: LifeSettings = {
  ...tinySettings,
  model: { ...tinySettings.model, layers: 1 },
  plateau: 0,
  vocabulary: 280,
}

/** Text that repeats itself, of which letters are no bytes. 49 bytes a time. */
export const smallText = (times: number): Uint8Array =>
  new TextEncoder().encode('là, the quick brown fox jumps over the lazy dog. '.repeat(times))

/** Runs a command that must succeed; returns what it prints. */
export async function printed(...args: readonly string[]): Promise<string> {
  let said = ''
  const output = { write: (more: string) => (said += more) }
  const { signal } = new AbortController()
  const status = { write: () => true }
  const context = { output, status, environment: {}, now: () => 0, stop: signal, closed: signal }
  await commandLine(context, (code) => expect(code).toBe(0)).parseAsync([...args], { from: 'user' })
  return said
}
