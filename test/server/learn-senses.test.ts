/** `burgeon serve --learn --senses`: a life that answers comes to have a sense, and reads pictures from then on. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, test } from 'vitest'
import { running } from '../front-door/running.ts'
import { mixedFiles, sensibleFolder, sensibleLife } from '../front-door/sense-files.ts'

const { senses: _, ...textLife } = sensibleLife

/** A server of the life in a folder. */
async function serving(folder: string, ...more: string[]) {
  const server = running(['serve', '--learn', 'inbox', '--port', '0', ...more], folder)
  await server.says('status', /answers at (\S+)\/v1/)
  const [, url] = /answers at (\S+)\/v1/.exec(server.said.status) ?? []
  const file = readFileSync(join(folder, 'inbox/pictures/above/0.png')).toString('base64')
  const image_url = { url: `data:image/png;base64,${file}` }
  const content = [{ type: 'image_url', image_url }]
  const body = JSON.stringify({ model: 'life', max_tokens: 3, messages: [{ role: 'user', content }] })
  const headers = { 'content-type': 'application/json' }
  return {
    show: () => fetch(`${url}/v1/chat/completions`, { method: 'POST', headers, body }),
    async end() {
      server.child.kill('SIGTERM')
      expect(await server.ended).toBe(143)
      return server.said.status
    },
  }
}

test('a life of text grows senses while it answers, and no logit moves when they come', async () => {
  const folder = await sensibleFolder(undefined, textLife)
  const server = await serving(folder, '--senses')
  await expect.poll(async () => (await server.show()).status, { interval: 300 }).toBe(200)
  expect(await server.end()).not.toContain('learnt no further')
  const { learner, record, settings } = await loadLife(nodeDisk(join(folder, 'life')))
  expect(settings.senses).toBe(true)
  expect(learner.model.config.patches?.senses[0].name).toBe('grey/1 8×8')
  const [grown] = record.events.filter(({ event }) => event.kind === 'growth')
  expect(grown.event.summary).toContain('logits moved 0e+0')
  // It keeps the setting, so the next server needs no option to go on.
  const again = await serving(folder)
  expect((await again.show()).status).toBe(200)
  await again.end()
})

test('without it the same files are text or nothing, and a picture in a talk is refused', async () => {
  const folder = await sensibleFolder(undefined, textLife)
  const server = await serving(folder)
  const refused = await server.show()
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('reads text alone')])
  await server.end()
  const { learner } = await loadLife(nodeDisk(join(folder, 'life')))
  expect(learner.model.config.patches).toBeUndefined()
})

test.for([
  ['without a source', ['serve', '--senses'], /--senses without --learn/],
  ['for standard input', ['serve', '--learn', '-', '--senses'], /--senses for standard input/],
] as const)('%s it is refused', async ([, args, message]) => {
  const folder = await sensibleFolder(undefined, textLife)
  const server = running([...args], folder)
  expect(await server.ended).not.toBe(0)
  expect(server.said.status).toMatch(message)
})

test('a life with a guard, which judges text alone, gets no sense', async () => {
  const folder = await sensibleFolder({ ...mixedFiles, 'guard.json': '{ "personalData": {} }' }, textLife)
  const server = running(['serve', '--learn', 'inbox', '--senses', '--guard', 'guard.json'], folder)
  expect(await server.ended).not.toBe(0)
  expect(server.said.status).toMatch(/judges text alone/)
})
