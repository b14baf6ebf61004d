// Reaches inside: what a broker's address means is part of `burgeon serve`, which has no other entry than the process itself.
/** What `burgeon serve --publish`, `--follow` and `--door` refuse, and how the address of a broker is read. */
import { describe, expect, test } from 'vitest'
import { brokerOf } from '../../packages/burgeon/src/serving/fleet/broker-options.ts'
import { called } from '../front-door/small-life.ts'
import { lifeFolder } from './small-served.ts'

const broker = ['--broker', 'nats://127.0.0.1:1']

test.each([
  [['--publish', 'a', '--follow', 'b', ...broker], /--publish and --follow/],
  [['--follow', 'a', '--door', 'a', ...broker], /--follow and --door/],
  [['--follow', 'a'], /no --broker/],
  [broker, /--broker without --publish, --follow or --door/],
  [['--broker-ca', 'x.pem'], /--broker-ca without/],
  [['--publish-every', '2'], /--publish-every without --publish/],
  [['--follow', 'two words', ...broker], /a word of letters/],
  [['--follow', 'a', '--learn', 'notes', ...broker], /--learn and --follow/],
  [['--follow', 'a', '--read-only', ...broker], /--read-only and --follow/],
  [['life', '--follow', 'a', ...broker], /a model and --follow/],
  [['--door', 'a', '--mcp', ...broker], /--mcp and --door/],
  [['--door', 'a', '--broker', 'secret@nowhere:x'], /no address/],
  [['--door', 'a', ...broker, '--broker-cert', 'x.pem'], /--broker-cert and --broker-key/],
])('serve %j is refused', async (args, message) => {
  const refused = called(['serve', ...args]).catch((error: Error) => error.message)
  expect(await refused).toMatch(message)
  expect(await refused).not.toMatch(/secret/)
})

test('a model that does not learn is not published, and a broker that is not there is said', async () => {
  const life = await lifeFolder()
  const publish = ['--publish', 'a', '--port', '0', ...broker]
  await expect(called(['serve', life, '--read-only', ...publish])).rejects.toThrow(/does not learn/)
  await expect(called(['serve', life, ...publish])).rejects.toThrow(/natsFleet: 127\.0\.0\.1:1/)
  await expect(called(['serve', '--door', 'a', ...broker])).rejects.toThrow(/natsFleet/)
})

test('burgeon config shows the address of a broker without its password', async () => {
  const environment = { BURGEON_SERVE_BROKER: 'nats://anna:secret@broker:4222' }
  for (const args of [['config'], ['config', '--json']]) {
    const { output } = await called(args, { environment })
    expect(output).toContain('nats://…@broker:4222')
    expect(output).not.toMatch(/anna|secret/)
  }
})

describe('the address of a broker', () => {
  const of = (address: string, more: object = {}) => brokerOf('serve', { broker: address, ...more })
  test('has a name and password, a token, or nothing, and is shown without them', () => {
    expect(of('nats://host:4222')).toEqual({ shown: 'nats://host:4222', options: { servers: 'host:4222' } })
    expect(of('nats://anna:p%40ss@host/').options).toEqual({
      servers: 'host',
      user: 'anna',
      password: 'p@ss',
    })
    expect(of('nats://t0ken@host:1').options).toEqual({ servers: 'host:1', token: 't0ken' })
    expect(of('nats://anna:secret@host:1').shown).toBe('nats://host:1')
  })
  test('is sealed where it says so, or files are given', () => {
    expect(of('tls://host:1').options.tls).toBeDefined()
    expect(of('nats://host:1').options.tls).toBeUndefined()
    expect(of('nats://host:1', { brokerCa: 'ca.pem' }).options.tls).toMatchObject({ caFile: 'ca.pem' })
    expect(of('nats://host:1', { brokerCert: 'c.pem', brokerKey: 'k.pem' }).options.tls).toMatchObject({
      ...{ certFile: 'c.pem', keyFile: 'k.pem' },
    })
  })
})
