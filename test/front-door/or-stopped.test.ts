/** Reaches inside: waiting for what may never come holds nothing of what came. */
import { getEventListeners } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { orStopped } from '../../packages/burgeon/src/sources/or-stopped.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('gives the value, the error, or null as soon as a signal is raised', async () => {
  const [stop, closed] = [new AbortController(), new AbortController()]
  const signals = [stop.signal, undefined, closed.signal]
  expect(await orStopped(Promise.resolve(3), signals)).toBe(3)
  await expect(orStopped(Promise.reject(new Error('no')), signals)).rejects.toThrow('no')
  const never = orStopped(new Promise<number>(() => {}), signals)
  closed.abort()
  expect(await never).toBeNull()
  expect(await orStopped(new Promise<number>(() => {}), signals)).toBeNull()
  expect(await orStopped(Promise.reject(new Error('too late')), signals)).toBeNull()
})

test('nothing of what came stays with the signal', async () => {
  const { signal } = new AbortController()
  const pieces: WeakRef<Uint8Array>[] = []
  for (let i = 0; i < 100; i++) {
    const piece = await orStopped(Promise.resolve(new Uint8Array(100)), [signal])
    if (piece) pieces.push(new WeakRef(piece))
  }
  expect(getEventListeners(signal, 'abort')).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  expect(pieces.filter((piece) => piece.deref() !== undefined).length).toBeLessThan(10)
})
