/**
 * `npm run write:first-life`: lets `npm start` run once in a clone of this checkout, and writes from
 * this one run what README says of it: the log, the facts, the picture of the report, and
 * `docs/first-life.json`, by which a test holds them together. Needs chromium, and a committed tree after
 * `npm ci`.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { defaultStream, firstLifeBytes } from 'burgeon/demo'
import { chromium } from 'playwright-core'
import { firstLifeExcerpt, firstLifeFacts } from './first-life-facts.ts'
import { withMarked } from './marked-text.ts'
import { root } from './pack-packages.ts'
import { withPngText } from './png-text.ts'

const browserAt = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
)
if (browserAt === undefined) throw new Error('no Chromium was found; install the package `chromium`')
const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
if (git('status', '--porcelain') !== '')
  throw new Error('the tree has changes; commit first, so that the commit is the one that ran')

const folder = mkdtempSync(join(tmpdir(), 'burgeon-first-life-'))
try {
  const clone = join(folder, 'burgeon')
  execFileSync('git', ['clone', '--quiet', root, clone])
  for (const modules of globSync(['node_modules', 'packages/*/node_modules'], { cwd: root }))
    execFileSync('cp', ['--archive', join(root, modules), join(clone, modules)])
  const { status, stdout } = spawnSync('bash', ['-c', 'npm start --silent 2>&1'], {
    cwd: clone,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  })
  const log = stdout.trimEnd()
  if (status !== 0) throw new Error(`npm start ended with ${status}:\n${log}`)
  const report = join(clone, /^Report\s+(.+)$/m.exec(log)?.[1].replace(/^'|'$/g, '') ?? '')
  const digest = createHash('sha256').update(readFileSync(report)).digest('hex')
  const picture = withPngText(await painted(report, browserAt), 'burgeon report', digest)
  const about = {
    command: 'npm start',
    commit: git('rev-parse', '--short', 'HEAD'),
    node: execFileSync('npx', ['node', '--version'], { cwd: clone, encoding: 'utf8' }).trim(),
    device: cpus()[0]?.model.trim() ?? 'unknown',
    stream: (await defaultStream({ root, ...firstLifeBytes(false) })).map((domain) => domain.digest),
    report: digest,
    picture: createHash('sha256').update(picture).digest('hex'),
    log: log.split('\n'),
  }
  writeFileSync(join(root, 'docs/first-life.png'), picture)
  writeFileSync(join(root, 'docs/first-life.json'), `${JSON.stringify(about, null, 2)}\n`)
  const fenced = (text: string): string => `\`\`\`\n${text}\n\`\`\``
  write('docs/first-life.md', 'first-life log', fenced(log))
  write('README.md', 'first-life excerpt', fenced(firstLifeExcerpt(about.log).join('\n')))
  write('README.md', 'first-life facts', firstLifeFacts(about.log))
  console.log(firstLifeFacts(about.log))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Puts a text between the marks of its name in a document. */
function write(document: string, name: string, text: string): void {
  const path = join(root, document)
  writeFileSync(path, withMarked(readFileSync(path, 'utf8'), name, text))
}

/** The top of the page, as README shows it. */
async function painted(page: string, executablePath: string): Promise<Uint8Array> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    const tab = await browser.newPage({ viewport: { width: 1000, height: 1500 } })
    await tab.goto(pathToFileURL(page).href)
    return await tab.screenshot()
  } finally {
    await browser.close()
  }
}
