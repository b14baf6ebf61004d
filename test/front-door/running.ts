/** The command line as a process of its own. Whoever waits, waits for what it says. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { bundledCommandLine, bundledPackages } from '../bundled-sources.ts'

/** The root of the checkout. */
export const checkout: string = join(import.meta.dirname, '../..')

/** What Node starts the command line with, as tests do. */
export const commandLine: readonly string[] = ['--import', bundledPackages, bundledCommandLine]

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  /** What it wrote so far. */
  readonly said: { output: string; status: string }
  /** Resolves as soon as something was said; rejects if the process ends before. */
  says(where: 'output' | 'status', what: RegExp): Promise<void>
  /** Resolves with the exit code, or the signal that killed it, once all it wrote was read. */
  readonly ended: Promise<number | string | null>
}

/** Starts `burgeon` with some arguments in a folder. The test that started it ends it if it is still there. */
export function running(args: readonly string[], folder: string): Running {
  return startedProcess(process.execPath, [...commandLine, ...args], folder)
}

/** Starts any program likewise. */
export function startedProcess(program: string, args: readonly string[], folder: string): Running {
  const child = spawn(program, args, { cwd: folder, stdio: 'pipe', env: { ...process.env, NO_COLOR: '1' } })
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  const said = { output: '', status: '' }
  const listeners = new Set<() => void>()
  const hear = (where: 'output' | 'status') => (more: string) => {
    said[where] += more
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', hear('output'))
  child.stderr.setEncoding('utf8').on('data', hear('status'))
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  return {
    child,
    said,
    ended,
    says: (where, what) =>
      new Promise((resolve, reject) => {
        const listen = (): void => {
          if (!what.test(said[where])) return
          listeners.delete(listen)
          resolve()
        }
        listeners.add(listen)
        listen()
        void ended.then((how) =>
          reject(new Error(`ended with ${how} before it said ${what}: ${said.output}${said.status}`)),
        )
      }),
  }
}
