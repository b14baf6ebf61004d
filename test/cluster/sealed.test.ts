/** A cluster and a fleet as processes, over a broker that wants certificates of both sides. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Running, running } from '../front-door/running.ts'
import { called } from '../front-door/small-life.ts'
import { shortOrLong } from '../how-long.ts'
import { lifeFolder } from '../server/small-served.ts'
import { folderOfTest, hasNats, type NatsServer, natsServer } from './nats-server.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** Files of certificates. */
interface Certificates {
  readonly ca: string
  /** Certificate and key by whom it is for. */
  readonly of: (name: string) => { readonly cert: string; readonly key: string }
}

/** An authority, and what it has signed. */
function certificates(names: readonly string[]): Certificates {
  const folder = folderOfTest()
  const of = (name: string) => ({ cert: join(folder, `${name}.pem`), key: join(folder, `${name}-key.pem`) })
  const make = (name: string, ...more: readonly string[]): void => {
    const { cert, key } = of(name)
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name}`, ...more],
    ])
    expect(made.status, String(made.stderr)).toBe(0)
  }
  make('ca')
  const ca = of('ca')
  const signed = ['-CA', ca.cert, '-CAkey', ca.key, '-addext', 'basicConstraints=critical,CA:FALSE']
  for (const name of names) make(name, ...signed, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  return { ca: ca.cert, of }
}

/** A broker that shows a certificate and wants one, and the flags by which one comes in. */
async function sealed(): Promise<{
  readonly server: NatsServer
  readonly flags: readonly string[]
  /** Flags by which nobody does, by what is wrong with them. */
  readonly wrong: Readonly<Record<string, readonly string[]>>
}> {
  const [own, other] = [certificates(['broker', 'member']), certificates(['member'])]
  const broker = own.of('broker')
  const server = await natsServer([
    ...['--tls', '--tlscert', broker.cert, '--tlskey', broker.key, '--tlscacert', own.ca, '--tlsverify'],
  ])
  const flagsOf = (ca: string, { cert, key }: ReturnType<Certificates['of']>): readonly string[] => [
    ...['--broker', server.address, '--tls-ca', ca, '--tls-cert', cert, '--tls-key', key],
  ]
  return {
    server,
    flags: flagsOf(own.ca, own.of('member')),
    wrong: {
      'none of its own': ['--broker', server.address, '--tls-ca', own.ca],
      // Each is waited for until the client of the broker gives up.
      ...shortOrLong<Readonly<Record<string, readonly string[]>>>(
        {},
        {
          'no certificate at all': ['--broker', server.address],
          'one that another authority has signed': flagsOf(own.ca, other.of('member')),
          'another authority for the broker': flagsOf(other.ca, own.of('member')),
          'only what this machine trusts': ['--broker', server.address, '--tls'],
        },
      ),
    },
  }
}

const notes = 'It rained all day, and nobody minded. '.repeat(60)

describe.skipIf(!hasNats || !hasOpenssl)('over TLS, by flags', () => {
  test('a cluster learns a text, and whoever shows nothing that the broker knows does not come in', async () => {
    const { flags, wrong } = await sealed()
    const folder = folderOfTest()
    mkdirSync(join(folder, 'notes'))
    writeFileSync(join(folder, 'notes', 'a.txt'), notes)
    const args = (what: string, ...more: readonly string[]): string[] => [
      'cluster',
      what,
      ...more,
      '--name',
      'notes',
    ]
    const worker = running([...args('join', '--as', 'a'), ...flags], folder)
    const start = running([...args('start', 'notes', '--local-steps', '4', '--json'), ...flags], folder)
    expect(await start.ended, start.said.status).toBe(0)
    const status = await called([...args('status', '--json'), ...flags])
    expect(JSON.parse(status.output)).toMatchObject({ workers: [{ name: 'a', isMember: true }], skipped: 0 })
    for (const [what, own] of Object.entries(wrong))
      await expect(called([...args('status'), ...own]), what).rejects.toThrow(/natsSeams/)
    // A command that waits for a broker says why it does.
    const stranger = running([...args('join', '--as', 'b'), ...wrong['none of its own']], folder)
    await stranger.says('status', /waiting for nats:\/\/127.0.0.1:\d+: natsSeams/)
    for (const each of [worker, stranger]) {
      each.child.kill('SIGTERM')
      expect(await each.ended).toBe(143)
    }
    const after = await called([...args('status', '--json'), ...flags])
    expect((JSON.parse(after.output) as { workers: object[] }).workers).toHaveLength(1)
  })

  test('a fleet follows and answers, and whoever shows nothing that the broker knows does neither', async () => {
    const { flags, wrong } = await sealed()
    const path = await lifeFolder()
    const serve = (...args: readonly string[]): Running =>
      running(['serve', '--port', '0', ...args], dirname(path))
    const answers = /answers at (\S+)\/v1/
    const learner = serve(path, '--publish', 'fleet', '--publish-every', '0.1', ...flags)
    await learner.says('status', answers)
    const replica = serve('--follow', 'fleet', ...flags)
    await replica.says('status', answers)
    const door = serve('--door', 'fleet', ...flags)
    const letsIn = /lets requests in at (\S+)\/v1/
    await door.says('status', letsIn)
    const asked = await fetch(`${letsIn.exec(door.said.status)?.[1]}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fleet', prompt: 'the', max_tokens: 3 }),
    })
    expect(asked.status).toBe(200)
    for (const [what, own] of Object.entries(wrong)) {
      const stranger = serve('--follow', 'fleet', ...own)
      expect(await stranger.ended, `${what}: ${stranger.said.status}`).not.toBe(0)
      expect(stranger.said.status, what).toMatch(/natsFleet: nats:/)
    }
    for (const each of [door, replica, learner]) {
      each.child.kill('SIGTERM')
      expect(await each.ended).toBe(143)
    }
  })
})
