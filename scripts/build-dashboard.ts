/**
 * `node scripts/build-dashboard.ts`: makes the page of the server from `packages/server/dashboard`, unless
 * the one that is there was made of the same files. `npm run build` runs it, and sees to it that it is alone.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const page = join(root, 'packages/server/dashboard')
const built = join(root, 'packages/server/dist/dashboard')

/** What the page is when it is built. The names are fixed: the server serves these and no others. */
export const dashboardFiles: readonly string[] = ['dashboard.css', 'dashboard.js', 'index.html']

/** SHA-256 of the files that the page is made of. */
export function dashboardDigest(): string {
  const digest = createHash('sha256')
  for (const name of globSync(['index.html', 'src/*.{ts,css}'], { cwd: page }).toSorted())
    digest
      .update(name)
      .update('\0')
      .update(readFileSync(join(page, name)))
      .update('\0')
  return digest.digest('hex')
}

/** What the page is made of, and what makes it. */
const recipe = (): string =>
  [
    dashboardDigest(),
    readFileSync(import.meta.filename, 'utf8'),
    readFileSync(join(root, 'node_modules/vite/package.json'), 'utf8'),
  ].join('\0')

/** Builds it beside the one that is there, which is then replaced as a whole. */
async function buildDashboard(): Promise<void> {
  const cache = join(root, 'node_modules/.cache')
  const stamp = join(cache, 'dashboard')
  const made = recipe()
  const isThere = dashboardFiles.every((name) => existsSync(join(built, name)))
  if (isThere && existsSync(stamp) && readFileSync(stamp, 'utf8') === made) return
  const outDir = `${built}.new`
  const { build } = await import('vite')
  await build({
    ...{ configFile: false, root: page, base: '/dashboard/', logLevel: 'warn' },
    build: {
      ...{ outDir, emptyOutDir: true, target: 'es2023', modulePreload: false },
      // It is small, and whoever looks at it in a browser can read it.
      ...{ minify: false, cssMinify: false },
      rolldownOptions: {
        output: { entryFileNames: 'dashboard.js', assetFileNames: 'dashboard.[ext]' },
      },
    },
  })
  rmSync(built, { recursive: true, force: true })
  renameSync(outDir, built)
  mkdirSync(cache, { recursive: true })
  writeFileSync(stamp, made)
}

if (process.argv[1] === import.meta.filename) await buildDashboard()
