/** Documents as the command line learns them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { loadLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { running } from '../front-door/running.ts'

const rows = Array.from({ length: 20 }, (_, i) => `${i},"the quick brown fox, number ${i}"`)

test('--column has learn and serve read one column of a table, and a life goes on with it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-table-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const table = join(folder, 'table.csv')
  writeFileSync(table, `n,text\n${rows.join('\n')}\n`)
  const text = rows.map((_, i) => `the quick brown fox, number ${i}\n`).join('')
  const learnt = running(['learn', 'table.csv', '--column', 'text'], folder)
  expect(await learnt.ended, learnt.said.status).toBe(0)
  const life = await loadLife(nodeDisk(join(folder, 'life')))
  const [{ read }] = life.origin.sources
  expect(read.files).toMatchObject([{ name: 'table.csv', form: 'csv/1 text', bytes: text.length }])
  const again = running(['learn', 'table.csv', '--column', 'text', '--resume'], folder)
  expect(await again.ended).toBe(0)
  expect(again.said.output).toContain('All of it was read before.')
  const serving = running(['serve', '--learn', 'table.csv', '--column', 'n', '--port', '0'], folder)
  await serving.says('status', /table\.csv is read in another way than before/)
  await serving.says('status', /answers at/)
  serving.child.kill('SIGTERM')
  expect(await serving.ended).toBe(143)
  const alone = running(['serve', '--column', 'n', '--port', '0'], folder)
  expect(await alone.ended).toBe(1)
  expect(alone.said.status).toContain('got --column without --learn')
})
