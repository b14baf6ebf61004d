/** A server of a small life, and its page in Chromium. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type Running, serve, type ServeOptions, type ServedModel } from '@burgeon/server'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** Teaches and asks a server as any client does. */
export interface Client {
  readonly url: string
  post(path: string, body: object): Promise<Readonly<Record<string, unknown>>>
}

/** A client of an address. */
export function clientOf(url: string, key?: string): Client {
  return {
    url,
    async post(path, body) {
      const response = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
        body: JSON.stringify(body),
      })
      return (await response.json()) as Readonly<Record<string, unknown>>
    },
  }
}

/** Serves as long as the test lasts. */
export async function servedFor(
  served: ServedModel,
  options: ServeOptions = {},
): Promise<Running & { readonly client: Client }> {
  const running = await serve(served, { port: 0, ...options })
  onTestFinished(() => running.close())
  return { ...running, client: clientOf(running.url, options.keys?.[0].key) }
}

/** What the page did that no page should: errors, also those of its policy. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    // A browser says of every refused request that it was refused; the page says it, too.
    const isAnswer = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isAnswer) faults.push(message.text())
  })
  return faults
}

/** Opens the page of a server, and waits until it is connected. */
export async function openDashboard(page: Page, url: string): Promise<void> {
  await page.goto(url)
  await page.getByText('Connected', { exact: true }).waitFor()
}

/** What axe finds in the schemes that are named, in both unless given, and how serious it is. */
export async function accessFaults(
  page: Page,
  schemes: readonly ('light' | 'dark')[] = ['light', 'dark'],
): Promise<string[]> {
  const all: string[] = []
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme })
    await page.evaluate(axe.source)
    const found = await page.evaluate<string[]>(
      'axe.run().then(({ violations }) => violations.map(({ id, impact, nodes }) => [impact, id, nodes[0].html].join(" ")))',
    )
    all.push(...found.map((one) => `${colorScheme}: ${one}`))
  }
  return all
}

/** A way to a server that can be cut: what goes through it ends, and nothing does until it is mended. */
export async function breakable(port: number): Promise<{ url: string; cut(): void; mend(): void }> {
  const open = new Set<Socket>()
  let isCut = false
  const proxy = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const server = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  const cut = (): void => {
    isCut = true
    for (const socket of open) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    proxy.close()
  })
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
    mend() {
      isCut = false
    },
  }
}
