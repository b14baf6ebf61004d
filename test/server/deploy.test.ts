/** What `deploy/` and docs/serving.md have a machine run is run: the command line of the image, and the unit of systemd. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { checkout, commandLine, type Running, startedProcess } from '../front-door/running.ts'

const deploy = join(checkout, 'deploy')

/** The instructions of the last stage of the Dockerfile, which is the image. */
const image: readonly (readonly [string, string])[] = readFileSync(join(deploy, 'Dockerfile'), 'utf8')
  .replaceAll(/^\s*#.*\n/gm, '')
  .replaceAll(/\s*\\\n\s*/g, ' ')
  .split(/^(?=FROM)/m)
  .at(-1)!
  .trim()
  .split('\n')
  .map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)] as const)

const valueOf = (name: string): string => image.find(([each]) => each === name)?.[1] ?? ''
const argumentsOf = (name: string): string[] => JSON.parse(valueOf(name)) as string[]
const variables = new Map(
  valueOf('ENV')
    .split(' ')
    .map((pair): [string, string] => [pair.split('=', 1)[0], pair.slice(pair.indexOf('=') + 1)]),
)

interface Compose {
  readonly services: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const { services, volumes } = parse(readFileSync(join(deploy, 'compose.yaml'), 'utf8')) as Compose

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-deploy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

describe('the image', () => {
  const key = 'a-key-of-sixteen-and-more'

  /** Starts what the image starts, with its folders inside another and a port that is free. */
  function started(folder: string, port: number, ...more: readonly string[]): Running {
    const settings = [...variables].filter(([name]) => name.startsWith('BURGEON_'))
    const own = settings.map(
      ([name, value]) => `${name}=${value.startsWith('/') ? join(folder, value) : value}`,
    )
    const environment = [...own, `BURGEON_SERVE_PORT=${port}`, ...more]
    expect(argumentsOf('ENTRYPOINT')).toEqual(['burgeon'])
    const args = [process.execPath, ...commandLine, ...argumentsOf('CMD')]
    return startedProcess('env', [...environment, ...args], join(folder, valueOf('WORKDIR')))
  }

  /** What its health check says. */
  function health(port: number): number | null {
    const [program, ...args] = JSON.parse(/CMD (\[.*\])$/.exec(valueOf('HEALTHCHECK'))?.[1] ?? '') as string[]
    expect(program).toBe('node')
    const env = { ...process.env, BURGEON_SERVE_PORT: String(port) }
    return spawnSync(process.execPath, args, { env }).status
  }

  test.skipIf(process.platform === 'win32')(
    'answers who has the key, is healthy as long as it does, ends on its signal and goes on from its volume',
    async () => {
      const folder = temporaryFolder()
      for (const place of ['data', 'notes']) mkdirSync(join(folder, place))
      writeFileSync(join(folder, 'notes/a.txt'), 'the quick brown fox jumps over the lazy dog. '.repeat(60))
      const port = await freePort()
      const open = started(folder, port, 'BURGEON_API_KEY=')
      expect(await open.ended).toBe(1)
      expect(open.said.status).toMatch(/no keys/)
      const first = started(folder, port, `BURGEON_API_KEY=${key}`)
      await first.says('status', /answers at/)
      const models = `http://127.0.0.1:${port}/v1/models`
      expect((await fetch(models)).status).toBe(401)
      expect((await fetch(models, { headers: { authorization: `Bearer ${key}` } })).status).toBe(200)
      expect(health(port)).toBe(0)
      first.child.kill(valueOf('STOPSIGNAL') as NodeJS.Signals)
      expect(await first.ended).toBe(143)
      expect(health(port)).toBe(1)
      const life = join(folder, variables.get('BURGEON_SERVE_MODEL') ?? '')
      const { step } = (await loadLife(nodeDisk(life))).learner
      const second = started(folder, port, `BURGEON_API_KEY=${key}`)
      await second.says('status', /answers at/)
      second.child.kill('SIGTERM')
      expect(await second.ended).toBe(143)
      expect((await loadLife(nodeDisk(life))).learner.step).toBeGreaterThanOrEqual(step)
    },
  )

  test('is nobody who may do everything, and holds no key', () => {
    expect(valueOf('USER')).toBe('node')
    expect(image.findIndex(([name]) => name === 'USER')).toBeLessThan(
      image.findIndex(([name]) => name === 'ENTRYPOINT'),
    )
    expect([...variables.keys()].filter((name) => /KEY/.test(name))).toEqual([])
    expect(variables.get('BURGEON_SERVE_MODEL')).toMatch(new RegExp(`^${valueOf('VOLUME')}/`))
    const left = readFileSync(join(deploy, 'Dockerfile.dockerignore'), 'utf8').split('\n')
    for (const name of ['.git', '**/node_modules', '**/dist', 'life']) expect(left).toContain(name)
  })
})

describe('the compose file', () => {
  const [service] = Object.values(services)

  test('builds that image, and wants a key from the environment', () => {
    const { context, dockerfile } = service['build'] as { context: string; dockerfile: string }
    expect(existsSync(resolve(deploy, context, dockerfile))).toBe(true)
    expect(resolve(deploy, context)).toBe(checkout)
    expect(service['environment']).toEqual({
      BURGEON_API_KEY: expect.stringMatching(/^\$\{BURGEON_API_KEY:\?.+\}$/),
    })
  })

  test('keeps the life in a volume, reads notes, and lets in this machine alone', () => {
    const mounts = (service['volumes'] as string[]).map((mount) => mount.split(':'))
    const [life, notes] = mounts
    expect(Object.keys(volumes)).toContain(life[0])
    expect(life[1]).toBe(valueOf('VOLUME'))
    expect(notes.slice(1)).toEqual([variables.get('BURGEON_SERVE_LEARN'), 'ro'])
    const port = variables.get('BURGEON_SERVE_PORT')
    expect(service['ports']).toEqual([`127.0.0.1:${port}:${port}`])
    expect(valueOf('EXPOSE')).toBe(port)
  })

  test('takes what nobody needs away, and leaves the time that ending may take', () => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' })
    expect(Number.parseInt(String(service['stop_grace_period']), 10)).toBeGreaterThan(30)
  })
})

describe('the unit of systemd', () => {
  const [, unit] = /```ini\n([^]*?)```/.exec(readFileSync(join(checkout, 'docs/serving.md'), 'utf8')) ?? []
  const has = spawnSync('systemd-analyze', ['--version']).status === 0

  /** The unit as a file, with a program that is there. */
  function unitFile(): string {
    const file = join(temporaryFolder(), 'burgeon.service')
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
    return file
  }

  test('starts the command with options that it has', () => {
    const [, args] = /^ExecStart=\S+\/burgeon (.*)$/m.exec(unit) ?? []
    expect(args.split(' ')[0]).toBe(argumentsOf('CMD')[0])
    const help = execFileSync(process.execPath, [...commandLine, 'serve', '--help'], { encoding: 'utf8' })
    for (const option of args.match(/--\w+/g) ?? []) expect(help).toContain(option)
    expect(unit).toMatch(/^Restart=on-failure$/m)
    expect(unit).toMatch(/^SuccessExitStatus=143$/m)
  })

  test.skipIf(!has)('is one that systemd takes without a word, and hardly exposes', () => {
    const file = unitFile()
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    })
    expect({ status, said: `${stdout}${stderr}` }).toEqual({ status: 0, said: '' })
    // Out of 10, in tenths: 2.0 is what systemd itself calls OK.
    const judged = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file], {
      encoding: 'utf8',
    })
    expect(judged.status, judged.stdout).toBe(0)
  })
})
