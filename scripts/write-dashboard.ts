/**
 * `npm run write:dashboard`: lets a server teach a small life the text of this checkout, and writes the
 * pictures of its dashboard that docs/dashboard.md shows. Each holds the digest of the page that it shows, by
 * which a test knows pictures of another page. Needs chromium.
 */
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeDisk } from '@burgeon/gpt/node'
import { buildLearner, emptyRecord, type LifeSettings, saveLife } from 'burgeon/session'
import { chromium, type Page } from 'playwright-core'
import { ServerProcess } from '../bench/serving/server-process.ts'
import { dashboardDigest } from './build-dashboard.ts'
import { compileDashboard, root } from './pack-packages.ts'
import { withPngText } from './png-text.ts'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
if (executablePath === undefined) throw new Error('no Chromium was found; install the package `chromium`')

const settings: LifeSettings = {
  model: { context: 128, embed: 48, heads: 4, layers: 2, mlpHidden: 96 },
  ...{ seed: 7, rows: 4, learningRate: 3e-3, memoryRows: 200, rehearsalShare: 0.5, protection: 0 },
  ...{ plateau: 40, maxParameters: 200_000, watchesBytes: true, feedback: 200 },
}
const question = 'Where is the boiler?'
const talk = `User: ${question}\nAssistant: In the cellar, and the key hangs beside the door.\n`

/** The first bytes of some files of the checkout. */
const textOf = (pattern: string, bytes: number): string =>
  globSync(pattern, { cwd: root })
    .toSorted()
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n')
    .slice(0, bytes)

const lessons: readonly (readonly [domain: string, text: string])[] = [
  ['prose', textOf('docs/*.md', 120_000)],
  ['code', textOf('packages/gpt/src/growth/**/*.ts', 90_000)],
  ['talks', talk.repeat(500)],
  ['prose', textOf('docs/*.md', 20_000)],
  ['talks', talk.repeat(2000)],
]

const folder = mkdtempSync(join(tmpdir(), 'burgeon-dashboard-'))
const server = new ServerProcess(join(folder, 'life'), ['--approve-growth'])
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  compileDashboard()
  const learner = buildLearner(settings)
  await saveLife(nodeDisk(join(folder, 'life')), {
    ...{ settings, learner, record: emptyRecord(learner.model.parameters.size) },
  })
  await server.start()
  const page = await browser.newPage({ viewport: { width: 1200, height: 960 }, colorScheme: 'light' })
  await page.goto(server.url)
  await page.getByText('Connected').waitFor()
  for (const [i, [domain, text]] of lessons.entries()) {
    for (let at = 0; at < text.length; at += 15_000) {
      await post('/v1/learn', { text: text.slice(at, at + 15_000), domain })
      await decide(i < lessons.length - 1)
    }
    if (i < lessons.length - 1) await post('/v1/checkpoints', {})
    console.log(`${domain}: step ${(await post('/v1/checkpoints')).present.step}`)
  }
  await talkOn(page)
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    const file = join(root, `docs/dashboard-${scheme}.png`)
    writeFileSync(file, withPngText(await page.screenshot(), 'burgeon dashboard', dashboardDigest()))
    console.log(file)
  }
} finally {
  await browser.close()
  await server.end('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
}

/** Asks the server; with a body by POST. */
async function post<T = { present: { step: number } }>(path: string, body?: object): Promise<T> {
  const response = await fetch(server.url + path, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { 'content-type': 'application/json' },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** Approves what waits, if anything does. */
async function decide(approve: boolean): Promise<void> {
  const { waiting } = await post<{ waiting: readonly { readonly id: number }[] }>('/v1/growth')
  for (const { id } of approve ? waiting : []) await post(`/v1/growth/${id}`, { decision: 'approve' })
}

/** Asks what it was taught, and has the page say that it was good. */
async function talkOn(page: Page): Promise<void> {
  await page.getByLabel('Message').fill(question)
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Good' }).click()
  await page.getByText(/^Learnt in /).waitFor()
}
