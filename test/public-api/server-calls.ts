/** Right calls of `@burgeon/server`. */
import { BytePairTokenizer, Gpt } from '@burgeon/gpt'
import * as api from '@burgeon/server'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { openReference } from '@burgeon/tensor/reference'
import type { CallsOf } from './call.ts'

const model = Gpt.create(
  { context: 8, embed: 4, heads: 1, layers: 1, mlpHidden: 4 },
  { device: openReference() },
)
const tokenizer = new BytePairTokenizer()
const mcp = await api.loadMcp()
const served = (): api.ServedModel => ({
  ...{ id: 'mine', model, tokenizer, endTokens: [], step: () => 0 },
  transcript: { stopTexts: [], promptOf: () => Promise.resolve(tokenizer.encode('a')) },
})
const options = (): api.AppOptions => ({
  keys: [{ key: 'a-key-of-sixteen-and-more', scopes: ['read'] }],
  hosts: ['localhost'],
  origins: ['https://page.example'],
  limits: { ...{ bodyBytes: 10, depth: 2, prompts: 1, choices: 1, tokens: 4, stops: 1 }, inFlight: 2 },
  learnShare: 0.5,
  onFault: () => {},
  mcp,
})

export const serverCalls: CallsOf<typeof api> = {
  createApp: [
    () => ({
      args: { served: served(), options: options() },
      run: api.createApp,
      takes: { 'options.hosts': ['array', 'null', 'empty'], 'options.origins': ['array', 'empty'] },
      says: ['keys'],
    }),
  ],
  serve: [
    () => ({
      args: { served: served(), options: { ...options(), host: '127.0.0.1', port: 0, graceSeconds: 1 } },
      run: async (...args: Parameters<typeof api.serve>) => (await api.serve(...args)).close(),
      takes: { 'options.hosts': ['array', 'null', 'empty'], 'options.origins': ['array', 'empty'] },
      says: ['createApp', 'keys'],
    }),
  ],
  serveDoor: [
    () => ({
      args: {
        answer: () => Promise.resolve(new Response('well')),
        options: {
          ...{ host: '127.0.0.1', port: 0, graceSeconds: 1, hosts: ['localhost'], onFault: () => {} },
          ...{ origins: ['https://page.example'], limits: { inFlight: 2 }, keys: options().keys },
        },
      },
      run: async (...args: Parameters<typeof api.serveDoor>) => (await api.serveDoor(...args)).close(),
      takes: { 'options.hosts': ['array', 'null', 'empty'], 'options.origins': ['array', 'empty'] },
      says: ['keys'],
    }),
  ],
  connectMcp: [
    () => ({
      args: {
        served: served(),
        sdk: mcp,
        transport: new InMemoryTransport(),
        options: { limits: { tokens: 4 }, learnShare: 0.5, onFault: () => {}, turns: new api.Turns() },
      },
      run: async (...args: Parameters<typeof api.connectMcp>) => (await api.connectMcp(...args)).close(),
      says: ['createApp'],
    }),
  ],
  loadMcp: [() => ({ args: {}, run: api.loadMcp })],
  Turns: [
    () => ({
      args: { options: { learnShare: 0.2, now: () => 0 } },
      run: (own: object) => new api.Turns(own),
    }),
    () => ({
      args: { work: 'learn', body: () => Promise.resolve(1) },
      run: (work: api.Work, body: () => Promise<number>) => new api.Turns().take(work, body),
    }),
  ],
  scopes: 'a list',
}
