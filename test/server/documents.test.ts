/** What docs/serving.md prints is answered. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { asking, lifeFolder, servedLife, smallServed } from './small-served.ts'

const document = readFileSync(join(import.meta.dirname, '../../docs/serving.md'), 'utf8')

test('every request by curl is answered', async () => {
  const { ask } = await asking(
    {},
    await smallServed(await lifeFolder({ ...servedLife, plateau: 8, maxParameters: 20_000 })),
  )
  const found = [
    ...document.matchAll(
      /^curl http:\/\/127\.0\.0\.1:8080(\S+) -H "Content-Type: application\/json" -d '(.+)'$/gm,
    ),
  ]
  expect(found.length).toBe([...document.matchAll(/^curl/gm)].length)
  expect(found.length).toBeGreaterThan(1)
  for (const [command, path, body] of found) expect((await ask(path, body)).status, command).toBe(200)
})

test('every route is in the table, and every route of the table exists', async () => {
  const { app, ask } = await asking()
  // Paths of files stand outside of the table.
  const table = document
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .join('\n')
  const told = [...table.matchAll(/`(?:(?:GET|POST) )?(\/[\w/.{}]*)`/g)].map(([, path]) => path)
  const own = app.routes.map(({ path }) => path.replaceAll(/:(\w+)/g, '{$1}'))
  expect(new Set(told)).toEqual(new Set(own))
  const { json } = await ask('/openapi.json')
  const described = Object.keys(json['paths'] as object)
  const others = ['/openapi.json', '/', '/dashboard/{file}']
  expect(new Set([...described, ...others])).toEqual(new Set(told))
})
