import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundlePage, servePage } from './serve-page.ts'

/** Set where a browser must be there, so that no test is left out unnoticed. */
const isRequired = process.env.BURGEON_REQUIRE_BROWSER === '1'
// WebGPU on a software adapter, which needs no GPU and no X server.
const flags = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader']

/** Calls of the exports of `page.ts`, in the page. */
export interface Tab {
  readonly page: () => Page
  readonly ask: <R>(call: string) => Promise<R>
}

/** Runs `tests` where there is a Chromium; elsewhere leaves a skipped test that says why. */
export function withChromium(tests: (open: (options: { isolated: boolean }) => Tab) => void): void {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    existsSync,
  )
  if (executablePath !== undefined) {
    tests((options) => tabOf(executablePath, options))
    return
  }
  const why = 'no Chromium was found; install the package `chromium`'
  if (isRequired) throw new Error(why)
  test('in Chromium', ({ skip }) => {
    skip(why)
    expect.fail('skipped tests do not get here')
  })
}

let bundle: Promise<string> | undefined

/** A tab for the tests of one `describe`. */
function tabOf(executablePath: string, options: { isolated: boolean }): Tab {
  let open: { server: Server; browser: Browser; page: Page }
  beforeAll(async () => {
    const { server, url } = await servePage({ ...options, bundle: await (bundle ??= bundlePage()) })
    const browser = await chromium.launch({ executablePath, args: flags, timeout: 0 })
    const page = await browser.newPage()
    page.setDefaultTimeout(0)
    page.setDefaultNavigationTimeout(0)
    await page.goto(url)
    open = { server, browser, page }
  })
  afterAll(async () => {
    await open.browser.close()
    open.server.close()
  })
  return {
    page: () => open.page,
    ask: <R>(call: string) => open.page.evaluate<R>(`page.${call}`),
  }
}
