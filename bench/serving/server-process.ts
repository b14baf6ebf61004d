/** `burgeon serve` as a process that is killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'

const launcher = join(import.meta.dirname, '../../packages/burgeon/bin/burgeon.js')

/** A server on the folder of a life. */
export class ServerProcess {
  readonly #folder: string
  readonly #more: readonly string[]
  #child: ChildProcess | null = null
  #isMeant = false
  /** Where it answers now. */
  url = ''
  /** Times that it ended though nobody ended it, and what it said last. */
  readonly crashes: string[] = []

  /** @param more Arguments of `burgeon serve`. */
  constructor(folder: string, more: readonly string[] = []) {
    this.#folder = folder
    this.#more = more
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    this.#isMeant = false
    const args = [launcher, 'serve', this.#folder, '--port', '0', ...this.#more]
    const child = spawn(process.execPath, args, {
      cwd: dirname(this.#folder),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#child = child
    let said = ''
    this.url = await new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (more: string) => {
        said = (said + more).slice(-4000)
        const [, url] = /answers at (\S+)\/v1/.exec(said) ?? []
        if (url !== undefined) resolve(url)
      })
      child.on('close', (code, signal) => {
        if (!this.#isMeant) this.crashes.push(`${code ?? signal}: ${said}`)
        reject(new Error(`the server ended with ${code ?? signal}: ${said}`))
      })
    })
  }

  /** Ends it, by a signal that it can answer or by one that it cannot. Resolves when it is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null) return
    this.#isMeant = true
    const closed = new Promise((resolve) => child.once('close', resolve))
    child.kill(signal)
    await closed
  }
}
