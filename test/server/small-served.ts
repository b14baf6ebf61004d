// Reaches inside: what teaches a life belongs to `burgeon serve`, which has no other entry than the process itself.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { type AppOptions, createApp, type ServedModel } from '@burgeon/server'
import { buildLearner, emptyRecord, type LifeSettings, loadLife, saveLife } from 'burgeon/session'
import { onTestFinished } from 'vitest'
import { lifeNews } from '../../packages/burgeon/src/serving/life-news.ts'
import { servedLife as serveLife, servedModel } from '../../packages/burgeon/src/serving/open-served.ts'
import { approvalsOf } from '../../packages/burgeon/src/session/control/life-control.ts'
import { tinySettings } from '../life/tiny-settings.ts'

/** A life whose context holds a short talk. */
export const servedLife: LifeSettings = {
  ...tinySettings,
  model: { ...tinySettings.model, context: 64, layers: 1 },
  plateau: 0,
  maxParameters: 20_000,
}

/** The folder of a life that has not learnt yet, as long as the test lasts. */
export async function lifeFolder(settings: LifeSettings = servedLife): Promise<string> {
  const parent = mkdtempSync(join(tmpdir(), 'burgeon-served-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  const folder = join(parent, 'life')
  const learner = buildLearner(settings)
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(folder), { settings, learner, record })
  return folder
}

/** Such a life as a server has it. */
export async function smallServed(
  folder?: string,
  readOnly: boolean = false,
  { asks, ...own }: Partial<Parameters<typeof serveLife>[2]> & { readonly asks?: boolean } = {},
): Promise<ServedModel> {
  const path = folder ?? (await lifeFolder())
  if (readOnly) return servedModel(path, { plain: false })
  const disk = nodeDisk(path)
  const life = await loadLife(disk)
  if (asks !== undefined) approvalsOf(life)?.ask(asks)
  return serveLife(life, path, { plain: false, disk, note: () => {}, watcher: lifeNews(life), ...own })
}

/** A disk on which one call fails for want of room as long as it is full. */
export function fillableDisk(
  folder: string,
  call: 'append' | 'create' | 'write',
): { readonly disk: Disk; isFull: boolean } {
  const found = {
    isFull: false,
    disk: new Proxy(nodeDisk(folder), {
      get(target, name) {
        if (found.isFull && name === call) return () => Promise.reject(new Error('ENOSPC: no space left'))
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
  }
  return found
}

/** Asks an app without a socket. */
export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly json: Record<string, unknown> & { readonly error?: Readonly<Record<string, unknown>> }
}

/** A function that asks a new server of a small life, or of the one given. */
export async function asking(
  options: AppOptions = {},
  served?: ServedModel,
): Promise<{ readonly ask: Ask; readonly app: ReturnType<typeof createApp>; readonly served: ServedModel }> {
  const own = served ?? (await smallServed())
  const app = createApp(own, options)
  const ask: Ask = async (path, body, headers = {}) => {
    const init = {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        host: 'localhost',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }
    const response = await app.fetch(new Request(`http://localhost${path}`, init))
    // Events go on for ever: their first part will do.
    const isEndless = body === undefined && response.headers.get('content-type')?.includes('event-stream')
    const text = isEndless ? await firstPart(response) : await response.text()
    return { status: response.status, headers: response.headers, json: jsonOf(text) }
  }
  return { ask, app, served: own }
}

async function firstPart(response: Response): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const { value } = await reader.read()
  await reader.cancel()
  return new TextDecoder().decode(value)
}

type Ask = (path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Asked>

function jsonOf(text: string): Asked['json'] {
  try {
    return JSON.parse(text) as Asked['json']
  } catch {
    return { text }
  }
}
