/** The contracts of a transport, a log and a store of bytes: ours keep them, and ones that are broken in one way each do not. */
import {
  type Blobs,
  inProcessNetwork,
  type Log,
  LogError,
  memoryBlobs,
  memoryLog,
  type Transport,
} from '@burgeon/cluster'
import { checkBlobs, checkLog, checkTransport, type CheckResult } from '@burgeon/cluster/testing'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'

const broken = (results: readonly CheckResult[]): string[] =>
  results.filter(({ holds }) => !holds).map(({ statement }) => statement)

const members = (): [Transport, Transport] => {
  const network = inProcessNetwork()
  return [network.connect(), network.connect()]
}

const both = (log: Log): [Log, Log] => [log, log]

/** What waits longer than this in a broken part waits for ever. */
const patience = 100

describe('a transport', () => {
  test('in one process keeps every statement', async () => {
    const results = await checkTransport(members)
    expect(results.filter(({ holds }) => !holds)).toEqual([])
    expect(results).toHaveLength(12)
  })

  /** The two members, with something else in the place of a method. */
  const changed = (change: (own: Transport) => Partial<Transport>) => (): [Transport, Transport] => {
    const [one, other] = members()
    const wrapped = (own: Transport): Transport => {
      const methods: Transport = {
        publish: (...args) => own.publish(...args),
        subscribe: (...args) => own.subscribe(...args),
        respond: (...args) => own.respond(...args),
        request: (...args) => own.request(...args),
        close: () => own.close(),
      }
      return { ...methods, ...change(own) }
    }
    return [wrapped(one), wrapped(other)]
  }

  let held: (() => Promise<void>) | undefined
  test.each<[string, (own: Transport) => Partial<Transport>]>([
    [
      'in order',
      (own) => ({
        // Every second message is overtaken.
        async publish(...args) {
          const before = held
          held = before === undefined ? () => own.publish(...args) : undefined
          if (before === undefined) return
          await own.publish(...args)
          await before()
        },
      }),
    ],
    [
      'the bytes that were sent',
      (own) => ({ publish: (subject, payload) => own.publish(subject, payload.slice(0, 50)) }),
    ],
    [
      'one message at a time',
      (own) => ({
        subscribe: (pattern, receive, options) =>
          own.subscribe(
            pattern,
            (message) => void Promise.resolve(receive(message)).catch(() => {}),
            options,
          ),
      }),
    ],
    [
      'could not be handled',
      (own) => ({
        async subscribe(pattern, receive, options) {
          const made = await own.subscribe(
            pattern,
            async (message) => {
              try {
                await receive(message)
              } catch {
                await made.close()
              }
            },
            options,
          )
          return made
        },
      }),
    ],
    [
      'which subjects a pattern',
      (own) => ({
        subscribe: (pattern, receive, options) => own.subscribe(pattern.replace('*', '>'), receive, options),
      }),
    ],
    ['to one of a group', (own) => ({ subscribe: (pattern, receive) => own.subscribe(pattern, receive) })],
    [
      'subscription that was closed',
      (own) => ({
        async subscribe(...args) {
          await own.subscribe(...args)
          return { close: () => Promise.resolve() }
        },
      }),
    ],
    [
      'answers a request once',
      (own) => ({
        async request(...args) {
          await own.request(...args)
          return own.request(...args)
        },
      }),
    ],
    [
      'failure of who answers',
      (own) => ({ request: (...args) => own.request(...args).catch(() => new Uint8Array(1)) }),
    ],
    ['stops waiting', (own) => ({ request: (subject, payload) => own.request(subject, payload) })],
    [
      'no subject, pattern or payload',
      (own) => ({ publish: (subject, payload) => own.publish(subject || 'a', payload) }),
    ],
    ['after it was closed', () => ({ close: () => Promise.resolve() })],
  ])('that breaks "%s" is told so', async (statement, change) => {
    held = undefined
    expect(broken(await checkTransport(changed(change), { patience }))).toContainEqual(
      expect.stringContaining(statement),
    )
  })
})

describe('a log', () => {
  test('in memory keeps every statement', async () => {
    const results = await checkLog(() => both(memoryLog()))
    expect(results.filter(({ holds }) => !holds)).toEqual([])
    expect(results).toHaveLength(11)
  })

  const changed = (change: (own: Log) => Partial<Log>) => (): [Log, Log] => {
    const own = memoryLog()
    const methods: Log = {
      append: (...args) => own.append(...args),
      read: (...args) => own.read(...args),
      last: () => own.last(),
      close: () => own.close(),
    }
    return both({ ...methods, ...change(own) })
  }

  test.each<[string, (own: Log) => Partial<Log>]>([
    ['without gaps', (own) => ({ last: async () => (await own.last()) + 1 })],
    ['payload, id', (own) => ({ append: (payload, options) => own.append(payload.slice(0, 2), options) })],
    [
      'id and author',
      (own) => ({ append: (payload, { author: _, ...options } = {}) => own.append(payload, options) }),
    ],
    [
      'that of its author',
      (own) => {
        const known = new Map<string, number>()
        return {
          async append(payload, options = {}) {
            const before = known.get(options.id ?? '')
            if (before !== undefined) return { position: before, isNew: false }
            const appended = await own.append(payload, options)
            if (options.id !== undefined) known.set(options.id, appended.position)
            return appended
          },
        }
      },
    ],
    [
      'of a known id',
      (own) => ({
        append: (payload, { id, ...options } = {}) =>
          own.append(payload, { ...options, ...(id && { id: `${id}${Math.max(0, count++)}` }) }),
      }),
    ],
    [
      'expects another end',
      (own) => ({ append: (payload, { after: _, ...options } = {}) => own.append(payload, options) }),
    ],
    [
      'position of its own',
      (own) => ({
        // The position as it was before others came.
        async append(...args) {
          const position = (await own.last()) + 1
          return { ...(await own.append(...args)), position }
        },
      }),
    ],
    [
      'that expect the same end',
      (own) => ({
        async append(payload, { after, ...options } = {}) {
          if (after !== undefined && after !== (await own.last())) throw new LogError('another end')
          // Others have looked by now, too.
          await Promise.resolve()
          return own.append(payload, options)
        },
      }),
    ],
    [
      'from any position',
      (own) => ({ read: (from, options) => own.read(from > 3 ? from - 1 : from, options) }),
    ],
    ['while somebody waits', (own) => ({ read: (from) => own.read(from) })],
    ['no payload, id or position', (own) => ({ read: (from) => own.read(Math.max(1, Math.round(from))) })],
    ['after it was closed', () => ({ close: () => Promise.resolve() })],
  ])('that breaks "%s" is told so', async (statement, change) => {
    expect(broken(await checkLog(changed(change), { patience }))).toContainEqual(
      expect.stringContaining(statement),
    )
  })
})

let count = 0

describe('a store of bytes', () => {
  test('in memory keeps every statement', async () => {
    const results = await checkBlobs(memoryBlobs)
    expect(results.filter(({ holds }) => !holds)).toEqual([])
    expect(results).toHaveLength(7)
  })

  const without = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 2 ** 20)
  test.each<[string, (own: Blobs) => Partial<Blobs>]>([
    ['under their SHA-256', (own) => ({ put: async (bytes) => (await own.put(bytes)).replace(/./, 'f') })],
    ['few and many', (own) => ({ get: async (digest) => without(await own.get(digest)) })],
    [
      'gives copies',
      (own) => {
        const given = new Map<string, Uint8Array>()
        return {
          async get(digest) {
            const found = given.get(digest) ?? (await own.get(digest))
            given.set(digest, found)
            return found
          },
        }
      },
    ],
    ['lists in order', (own) => ({ list: async () => [...(await own.list())].toReversed() })],
    ['lets go', () => ({ remove: () => Promise.resolve() })],
    ['not there', (own) => ({ get: (digest) => own.get(digest).catch(() => new Uint8Array()) })],
    ['no bytes or no digest', (own) => ({ has: (digest) => own.has(digest).catch(() => false) })],
  ])('that breaks "%s" is told so', async (statement, change) => {
    const make = (): Blobs => {
      const own = memoryBlobs()
      return { ...own, ...change(own) }
    }
    expect(broken(await checkBlobs(make, { patience }))).toContainEqual(expect.stringContaining(statement))
  })

  test('that gives damaged bytes is told so', async () => {
    let own = memoryBlobs()
    let hurt: string | undefined
    const make = (): Blobs => {
      own = memoryBlobs()
      hurt = undefined
      return { ...own, get: async (digest) => (await own.get(digest)).fill(0, 0, digest === hurt ? 1 : 0) }
    }
    const damage = (digest: string): void => {
      hurt = digest
    }
    expect(broken(await checkBlobs(make, { damage }))).toEqual(['the store gives no damaged bytes'])
  })
})

test('what is none of the three is refused', async () => {
  for (const wrong of [null, 3, {}, []]) {
    await expect(checkTransport(() => wrong as never)).rejects.toThrow(OptionError)
    await expect(checkLog(() => wrong as never)).rejects.toThrow(OptionError)
    await expect(checkBlobs(() => wrong as never)).rejects.toThrow(OptionError)
  }
})

test('messages of one program come in the same order every time', async () => {
  const lived = async (): Promise<string[]> => {
    const network = inProcessNetwork()
    const [a, b, c] = [network.connect(), network.connect(), network.connect()]
    const heard: string[] = []
    for (const [name, member] of Object.entries({ a, b, c })) {
      await member.subscribe('*', async ({ subject, payload }) => {
        heard.push(`${name} ${subject} ${payload[0]}`)
        if (payload[0] < 3) await member.publish(name, Uint8Array.of(payload[0] + 1))
      })
      await member.subscribe('a', () => void heard.push(`${name} in group`), { group: 'g' })
    }
    await a.publish('start', Uint8Array.of(0))
    await network.settled()
    return heard
  }
  const first = await lived()
  expect(first.length).toBeGreaterThan(100)
  expect(await lived()).toEqual(first)
})
