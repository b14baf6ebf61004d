/** A NATS server with JetStream, for tests. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Whether there is one on this machine. */
export const hasNats: boolean = spawnSync('nats-server', ['--version']).status === 0

/** One that runs, and can be killed and begun again where it was. */
export interface NatsServer {
  readonly address: string
  /** Folder of what it keeps. */
  readonly store: string
  kill(): Promise<void>
  start(): Promise<void>
}

/** A folder that the test that is running removes. */
export function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-nats-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Starts one at a free port; the test that started it ends it.
 *
 * @param options As the command has them, such as `-c file`.
 */
export async function natsServer(options: readonly string[] = []): Promise<NatsServer> {
  const store = folderOfTest()
  let running: ChildProcess | undefined
  let port = -1
  const start = async (): Promise<void> => {
    const process = spawn(
      'nats-server',
      ['-js', '-a', '127.0.0.1', '-p', `${port}`, '-sd', store, ...options],
      { stdio: 'pipe' },
    )
    running = process
    let said = ''
    await new Promise<void>((resolve, reject) => {
      process.on('exit', () => reject(new Error(`nats-server ended: ${said}`)))
      process.stderr.on('data', (more: Buffer) => {
        said += more.toString()
        if (said.includes('Server is ready')) resolve()
      })
    })
    ;[, port] = /client connections on 127\.0\.0\.1:(\d+)/.exec(said)?.map(Number) ?? [0, port]
  }
  const kill = (): Promise<void> =>
    new Promise((resolve) => {
      if (running === undefined || running.exitCode !== null || running.signalCode !== null) return resolve()
      running.once('exit', () => resolve())
      running.kill('SIGKILL')
    })
  onTestFinished(kill)
  await start()
  return {
    get address() {
      return `nats://127.0.0.1:${port}`
    },
    ...{ store, kill, start },
  }
}
