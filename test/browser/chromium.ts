import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundlePage, pageOf, servePage, type SiteFiles } from './serve-page.ts'

/** Set where a browser must be there, so that no test is left out unnoticed. */
const isRequired = process.env.BURGEON_REQUIRE_BROWSER === '1'
// WebGPU on a software adapter, which needs no GPU and no X server.
const flags = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

/** Milliseconds after which a wait was in vain, on the slowest machine. */
const longestWait = 300_000

/** What a page is for a `describe`. */
export interface TabOptions {
  /** Whether it is cross-origin isolated. */
  readonly isolated: boolean
  /** The file here whose exports it has; `page.ts` unless given. */
  readonly entry?: string
  /** The files of another page, in the place of that one. */
  readonly files?: () => Promise<SiteFiles>
  /** Whether it has a browser of its own, which keeps what pages store when it ends. False unless given. */
  readonly isKept?: boolean
}

/** Calls of the exports of the page's file, in the page. */
export interface Tab {
  readonly page: () => Page
  readonly ask: <R>(call: string) => Promise<R>
  /** Another page of the same origin, which the caller closes. */
  readonly another: () => Promise<Page>
  /** Ends the browser, which is kept, from one moment to the next, and starts it again with what it stored. */
  readonly crash: () => Promise<void>
}

/** Runs `tests` where there is a Chromium; elsewhere leaves a skipped test that says why. */
export function withChromium(tests: (open: (options: TabOptions) => Tab) => void): void {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    existsSync,
  )
  if (executablePath !== undefined) {
    const options = { executablePath, args: flags, timeout: 0 }
    let browser: Promise<Browser> | undefined
    afterAll(async () => {
      await (await browser)?.close()
    })
    const inBrowser = async (): Promise<BrowserContext> =>
      (await (browser ??= chromium.launch(options))).newContext()
    const inFolder = (folder: string): Promise<BrowserContext> =>
      chromium.launchPersistentContext(folder, options)
    tests((tab) => tabOf(tab, tab.isKept === true ? inFolder : inBrowser))
    return
  }
  const why = 'no Chromium was found; install the package `chromium`'
  if (isRequired) throw new Error(why)
  test('in Chromium', ({ skip }) => {
    skip(why)
    expect.fail('skipped tests do not get here')
  })
}

const bundles = new Map<string, Promise<string>>()
async function bundled(entry: string): Promise<SiteFiles> {
  const bundle = bundles.get(entry) ?? bundlePage(entry)
  bundles.set(entry, bundle)
  return pageOf(await bundle)
}

/** A tab for the tests of one `describe`. */
function tabOf(
  { isolated, entry = 'page.ts', files }: TabOptions,
  contextIn: (folder: string) => Promise<BrowserContext>,
): Tab {
  let served: { server: Server; url: string }
  let folder: string
  let open: { context: BrowserContext; page: Page }
  const newPage = async (context: BrowserContext): Promise<Page> => {
    const page = await context.newPage()
    // A wait in vain says what it waited for; one without an end would only say which test.
    page.setDefaultTimeout(longestWait)
    await page.goto(served.url)
    return page
  }
  const launch = async (): Promise<void> => {
    const context = await contextIn(folder)
    open = { context, page: await newPage(context) }
  }
  beforeAll(async () => {
    served = await servePage(await (files?.() ?? bundled(entry)), { isolated })
    folder = mkdtempSync(join(tmpdir(), 'burgeon-chromium-'))
    await launch()
  })
  afterAll(async () => {
    await open.context.close()
    served.server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    page: () => open.page,
    ask: <R>(call: string) => open.page.evaluate<R>(`page.${call}`),
    another: () => newPage(open.context),
    async crash() {
      const { context } = open
      const closed = new Promise((resolve) => context.once('close', resolve))
      const session = await context.newCDPSession(open.page)
      session.send('Browser.crash').catch(() => {})
      await closed
      await launch()
    },
  }
}
