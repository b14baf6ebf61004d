/** Which process wrote something, so that another can find out whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'

/**
 * A process, distinct from a later one of the same number and from those of other machines and containers.
 */
export interface ProcessIdentity {
  readonly pid: number
  /** Number of a worker in the process; 0 for the main thread. */
  readonly thread: number
  /** Name of the machine. */
  readonly host: string
  /** The space in which `pid` counts, where the system has such (Linux). */
  readonly space: string
  /** The system's word for when the process began; empty where it gives none. */
  readonly started: string
}

export function thisProcess(): ProcessIdentity {
  return {
    pid: process.pid,
    thread: threadId,
    host: hostname(),
    space: spaceOfProcesses(),
    started: startOf(process.pid) ?? '',
  }
}

/**
 * Returns whether a process still runs; undefined if it is none of this machine or container, or nobody
 * knows.
 */
export function isRunning(other: ProcessIdentity): boolean | 'this thread' | undefined {
  const own = thisProcess()
  if (other.host !== own.host || other.space !== own.space) return undefined
  if (other.pid === own.pid) {
    if (other.started !== own.started) return false
    return other.thread === own.thread ? 'this thread' : undefined
  }
  try {
    process.kill(other.pid, 0)
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const started = startOf(other.pid)
  return started === undefined ? other.started === '' : started === other.started
}

/**
 * When a process began, by Linux: the boot and the ticks since. Nothing for one that has ended, or where that
 * cannot be read.
 */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold anything, brackets too.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`
  } catch {
    return undefined
  }
}

function spaceOfProcesses(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
