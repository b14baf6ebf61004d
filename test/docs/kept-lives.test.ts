/** A long benchmark that was interrupted goes on after the lives that have ended. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keptLives } from '../../bench/kept-lives.ts'

describe('kept lives of a benchmark', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'burgeon-lives-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const life = (loss: number) => vi.fn<() => Promise<{ loss: number }>>(() => Promise.resolve({ loss }))

  it('are not lived again by the same commit and benchmark', async () => {
    const file = join(folder, 'lives.jsonl')
    await keptLives(file, 'a1, growth')('seed 1', life(0.5))
    const again = life(0.7)
    expect(await keptLives(file, 'a1, growth')('seed 1', again)).toEqual({ loss: 0.5 })
    expect(again).not.toHaveBeenCalled()
  })
  it('are lived again by another commit, another benchmark, another seed, and without a file', async () => {
    const file = join(folder, 'lives.jsonl')
    await keptLives(file, 'a1, growth')('seed 1', life(0.5))
    for (const [path, of, name] of [
      [file, 'a2, growth', 'seed 1'],
      [file, 'a1, context', 'seed 1'],
      [file, 'a1, growth', 'seed 2'],
      [undefined, 'a1, growth', 'seed 1'],
    ] as const)
      expect(await keptLives(path, of)(name, life(0.7))).toEqual({ loss: 0.7 })
  })
  it('survive half a line of a run that was killed', async () => {
    const file = join(folder, 'lives.jsonl')
    await keptLives(file, 'a1, growth')('seed 1', life(0.5))
    appendFileSync(file, '{"of":"a1, growth","life":"seed 2","outcome":{"of":{}')
    expect(await keptLives(file, 'a1, growth')('seed 2', life(0.6))).toEqual({ loss: 0.6 })
    const once = keptLives(file, 'a1, growth')
    expect(await once('seed 1', life(0.7))).toEqual({ loss: 0.5 })
    expect(await once('seed 2', life(0.7))).toEqual({ loss: 0.6 })
  })
})
