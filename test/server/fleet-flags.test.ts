/** What `burgeon serve --publish`, `--follow` and `--door` refuse. */
import { expect, test } from 'vitest'
import { join } from 'node:path'
import { called, folderWithLife } from '../front-door/small-life.ts'
import { lifeFolder } from './small-served.ts'

const broker = ['--broker', 'nats://127.0.0.1:1']

test.each([
  [['--publish', 'a', '--follow', 'b', ...broker], /--publish and --follow/],
  [['--follow', 'a', '--door', 'a', ...broker], /--follow and --door/],
  [broker, /--broker without --publish, --follow or --door/],
  [['--tls-ca', 'x.pem'], /--tls-ca without/],
  [['--publish-every', '2'], /--publish-every without --publish/],
  [['--follow', 'two words', ...broker], /a word of letters/],
  [['--follow', 'a', '--learn', 'notes', ...broker], /--learn and --follow/],
  [['--follow', 'a', '--read-only', ...broker], /--read-only and --follow/],
  [['life', '--follow', 'a', ...broker], /a model and --follow/],
  [['--door', 'a', '--mcp', ...broker], /--mcp and --door/],
  [['--door', 'a', '--broker', 'nats://a:secret@b@c'], /an address such as/],
  [['--door', 'a', ...broker, '--tls-cert', 'x.pem'], /--tls-cert without --tls-key/],
])('serve %j is refused', async (args, message) => {
  const refused = called(['serve', ...args]).catch((error: Error) => error.message)
  expect(await refused).toMatch(message)
  expect(await refused).not.toMatch(/secret/)
})

test('a model that does not learn is not published, and a broker that is not there is said', async () => {
  const life = await lifeFolder()
  const publish = ['--publish', 'a', '--port', '0', ...broker]
  await expect(called(['serve', life, '--read-only', ...publish])).rejects.toThrow(/does not learn/)
  await expect(called(['serve', life, ...publish])).rejects.toThrow(/natsFleet: nats:\/\/127\.0\.0\.1:1/)
  await expect(called(['serve', '--door', 'a', ...broker])).rejects.toThrow(/natsFleet/)
})

test('the broker is entered with the credentials of a file, of which nothing is said', async () => {
  const folder = await folderWithLife({
    'key.json': '{"user": "anna", "password": "secret"}',
    'no.json': '[]',
  })
  const as = (file: string) =>
    called(['serve', '--door', 'a', ...broker, '--credentials', join(folder, file)]).catch(
      (error: Error) => error.message,
    )
  expect(await as('key.json')).toMatch(/natsFleet: nats:\/\/127/)
  expect(await as('key.json')).not.toMatch(/anna|secret/)
  expect(await as('no.json')).toMatch(/holds none/)
})

test('burgeon config shows the address of a broker without its password', async () => {
  const environment = { BURGEON_SERVE_BROKER: 'nats://anna:secret@broker:4222' }
  for (const args of [['config'], ['config', '--json']]) {
    const { output } = await called(args, { environment })
    expect(output).toContain('nats://…@broker:4222')
    expect(output).not.toMatch(/anna|secret/)
  }
})
