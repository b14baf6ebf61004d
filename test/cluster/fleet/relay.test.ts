/** Requests of HTTP through a fleet: each is answered whole by one replica, or by another where that one dies. */
import {
  type AnswerRequest,
  answerRequests,
  inProcessNetwork,
  maxPayload,
  type RelayedRequest,
  RequestRelay,
  type Transport,
  TransportError,
} from '@burgeon/cluster'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const subject = 'door'
const get = (path: string, body = ''): RelayedRequest => ({
  ...{ method: body === '' ? 'GET' : 'POST', path, headers: { accept: 'text/plain' } },
  body: new TextEncoder().encode(body),
})

/** A relay whose pauses end when the test says so, and some members by name. */
async function doorTo(
  members: Readonly<Record<string, AnswerRequest>>,
  options: { readonly attempts?: number; readonly spoil?: (transport: Transport) => Transport } = {},
) {
  const { attempts, spoil = (transport: Transport) => transport } = options
  const network = inProcessNetwork()
  const pauses = new Set<() => void>()
  const relay = await RequestRelay.open({
    ...{ transport: network.connect(), subject },
    ...(attempts !== undefined && { attempts }),
    pause: (signal) =>
      new Promise<void>((resolve) => {
        pauses.add(resolve)
        signal.addEventListener('abort', () => resolve())
      }),
  })
  const own = new Map<string, { readonly transport: Transport; close(): Promise<void> }>()
  for (const [name, answer] of Object.entries(members)) {
    const transport = network.connect()
    const { close } = await answerRequests(answer, { transport: spoil(transport), subject })
    own.set(name, { transport, close })
  }
  const look = (): void => {
    for (const go of pauses) go()
    pauses.clear()
  }
  return { relay, look, member: (name: string) => own.get(name) as NonNullable<ReturnType<typeof own.get>> }
}
const says =
  (name: string): AnswerRequest =>
  ({ method, path, headers, body }) =>
    new Response(`${name}: ${method} ${path} ${headers.accept} ${new TextDecoder().decode(body)}`, {
      status: 201,
      headers: { 'x-name': name },
    })
/** An answer that is made when the test says so. */
function held(): { readonly answer: AnswerRequest; readonly asked: number; go(response: Response): void } {
  let asked = 0
  let go: (response: Response) => void = () => {}
  return {
    answer: () => {
      asked++
      return new Promise((resolve) => {
        go = resolve
      })
    },
    get asked() {
      return asked
    },
    go: (response) => go(response),
  }
}

/** What becomes of a promise while the door looks again and again. */
async function looking<T>(look: () => void, promise: Promise<T>): Promise<T> {
  const settled = new AbortController()
  const settle = (): void => settled.abort()
  promise.then(settle, settle)
  while (!settled.signal.aborted) {
    look()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return promise
}

describe('a door', () => {
  test('passes a request on as it is, and the answer back as it is, in turn', async () => {
    const { relay } = await doorTo({ a: says('a'), b: says('b') })
    const answers = await Promise.all([1, 2, 3, 4].map((n) => relay.ask(get(`/v1/x?n=${n}`, 'hé'))))
    expect(answers.map(({ headers }) => headers.get('x-name')).filter((name) => name === 'a')).toHaveLength(2)
    expect(answers[0].status).toBe(201)
    expect((await answers[0].text()).slice(3)).toBe('POST /v1/x?n=1 text/plain hé')
    const none = await doorTo({ a: () => new Response(null, { status: 204 }) })
    expect((await none.relay.ask(get('/'))).status).toBe(204)
  })
  test('carries an answer that is larger than a message, to the byte', async () => {
    const bytes = Uint8Array.from({ length: 2 * maxPayload + 17 }, (_, i) => i * 7)
    const { relay } = await doorTo({ a: () => new Response(bytes) })
    expect(new Uint8Array(await (await relay.ask(get('/'))).arrayBuffer())).toEqual(bytes)
    await expect(relay.ask(get('/', 'x'.repeat(maxPayload)))).rejects.toThrow(OptionError)
  })
  test('asks another where one dies before its answer is whole, also in the middle of it', async () => {
    const dying = held()
    const { relay, look, member } = await doorTo({ a: dying.answer, b: says('b') })
    let isHalf = false
    const half = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Uint8Array.of(1)),
      pull: () => {
        isHalf = true
        return new Promise(() => {})
      },
    })
    const asked = [relay.ask(get('/1')), relay.ask(get('/2'))]
    await expect.poll(() => dying.asked).toBe(1)
    dying.go(new Response(half))
    await expect.poll(() => isHalf).toBe(true)
    await member('a').transport.close()
    const answers = await looking(look, Promise.all(asked))
    expect(answers.map(({ headers }) => headers.get('x-name'))).toEqual(['b', 'b'])
  })
  test('asks another where one fails, is about to end, or a part of its answer is lost', async () => {
    const failing = await doorTo({
      a: () => Promise.reject(new Error('out of memory')),
      b: says('b'),
    })
    for (let i = 0; i < 2; i++) expect((await failing.relay.ask(get('/'))).headers.get('x-name')).toBe('b')
    const ending = await doorTo({ a: () => new Response('', { status: 503 }), b: says('b') })
    for (let i = 0; i < 2; i++) expect((await ending.relay.ask(get('/'))).status).toBe(201)
    let lost = 0
    const lossy = await doorTo(
      { a: says('a') },
      {
        spoil: (transport) => ({
          ...{ respond: transport.respond.bind(transport), subscribe: transport.subscribe.bind(transport) },
          ...{ request: transport.request.bind(transport), close: () => transport.close() },
          publish: (to, payload) => (lost++ === 1 ? Promise.resolve() : transport.publish(to, payload)),
        }),
      },
    )
    expect(await (await lossy.relay.ask(get('/'))).text()).toContain('a: GET /')
    // Two parts of the first answer came, and three of the second.
    expect(lost).toBe(6)
  })
  test('says so where nobody is there, or all fail', async () => {
    const { relay } = await doorTo({})
    await expect(relay.ask(get('/'))).rejects.toThrow(/nobody answers/)
    const failing = await doorTo({ a: () => Promise.reject(new Error('ill')) }, { attempts: 2 })
    await expect(failing.relay.ask(get('/'))).rejects.toThrow(/2 attempts.*ill/)
    await expect(failing.relay.ask(get('/'))).rejects.toThrow(TransportError)
  })
  test('notices one that knows nothing of its request any more', async () => {
    const silent = held()
    const { relay, look, member } = await doorTo({ a: silent.answer }, { attempts: 1 })
    const asked = relay.ask(get('/'))
    asked.catch(() => {})
    await expect.poll(() => silent.asked).toBe(1)
    // It says nothing of the end, as where the broker was away just then.
    member('a').transport.publish = () => Promise.resolve()
    silent.go(new Response('x'))
    await expect(looking(look, asked)).rejects.toThrow(/knows nothing of it/)
  })
})

describe('a stream', () => {
  const stream = { headers: { 'content-type': 'text/event-stream' } }
  test('comes as it is made, and breaks off where its replica dies: no other is asked', async () => {
    let [asked, isOver] = [0, false]
    let controller: ReadableStreamDefaultController<Uint8Array> | undefined
    const { relay, look, member } = await doorTo({
      a: (_, signal) => {
        asked++
        signal.addEventListener('abort', () => {
          isOver = true
        })
        const body = new ReadableStream<Uint8Array>({ start: (own) => void (controller = own) })
        return new Response(body, stream)
      },
    })
    const response = await relay.ask(get('/'))
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    for (let i = 0; i < 3; i++) {
      controller?.enqueue(Uint8Array.of(i))
      expect((await reader.read()).value).toEqual(Uint8Array.of(i))
    }
    const next = reader.read()
    next.catch(() => {})
    await member('a').transport.close()
    await expect(looking(look, next)).rejects.toThrow(/has gone/)
    expect([asked, isOver]).toEqual([1, false])
  })
  test.each(['the reader', 'the client'])('%s leaves: the replica stops writing', async (who) => {
    let isCancelled = false
    const { relay } = await doorTo({
      a: () =>
        new Response(
          new ReadableStream<Uint8Array>({
            start: (controller) => controller.enqueue(Uint8Array.of(1)),
            pull: () => new Promise(() => {}),
            cancel: () => void (isCancelled = true),
          }),
          stream,
        ),
    })
    const leaving = new AbortController()
    const response = await relay.ask(get('/'), leaving.signal)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    expect(isCancelled).toBe(false)
    if (who === 'the reader') await reader.cancel()
    else leaving.abort()
    await expect.poll(() => isCancelled).toBe(true)
  })
})

test('a replica that ends answers what is at hand, and takes no more', async () => {
  const slow = held()
  const { relay, member } = await doorTo({ a: slow.answer }, { attempts: 1 })
  const asked = relay.ask(get('/'))
  await expect.poll(() => slow.asked).toBe(1)
  const closing = member('a').close()
  await expect.poll(() => relay.ask(get('/')).catch((error: Error) => error.message)).toMatch(/nobody/)
  slow.go(new Response('late'))
  expect(await (await asked).text()).toBe('late')
  await closing
  await relay.close()
})
