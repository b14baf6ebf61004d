/**
 * Lets a child process stop for good in a state that its parent has named, so that the parent can kill it there: a
 * state is reached on a busy machine as on a quiet one, a time is not.
 */
import { writeSync } from 'node:fs'
import type { Disk } from '@burgeon/gpt'

/** Told of every state that the process passes; does not return from the one to stop in. */
export type Passing = (state: string) => void

/** What the child prints when it stands still. */
export const halted = 'halted\n'

/** Stops in the state of this name; passes all of them without one. */
export function haltAt(wanted: string | undefined): Passing {
  return (state) => {
    if (state !== wanted) return
    // Synchronous: nothing of this process runs after the next line.
    writeSync(1, halted)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}

/**
 * A disk that passes a state around each of its changes. States begin with `about()`; `torn write 2` has half of the third file on the
 * disk, as a process leaves it that is killed in the middle of a write.
 */
export function haltingDisk(disk: Disk, pass: Passing, about: () => string, wanted?: string): Disk {
  let writes = 0
  const put = async (how: 'write' | 'create', name: string, bytes: Uint8Array): Promise<void> => {
    const index = writes++
    const torn = `${about()} torn write ${index}`
    if (torn === wanted) {
      await disk[how](name, bytes.subarray(0, bytes.length >> 1))
      pass(torn)
    }
    await disk[how](name, bytes)
    pass(`${about()} written ${index}`)
  }
  return {
    ...disk,
    write: (name, bytes) => put('write', name, bytes),
    create: (name, bytes) => put('create', name, bytes),
    async rename(from, to) {
      pass(`${about()} before the rename`)
      await disk.rename(from, to)
      writes = 0
      pass(`${about()} after the rename`)
    },
    async remove(name) {
      await disk.remove(name)
      pass(`${about()} removed`)
    },
  }
}
