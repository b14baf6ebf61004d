/** A source that is opened again, goes back, or attaches what belongs to the weights; and a replica that looks for what it missed. */
import {
  type Blobs,
  inProcessNetwork,
  memoryBlobs,
  Replica,
  WeightsError,
  WeightsSource,
} from '@burgeon/cluster'
import { Gpt } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { device, follow, type Followed, followed, numbersOf, subject } from './followed.ts'

const text = (said: string): Uint8Array => new TextEncoder().encode(said)
const textOf = (bytes: Uint8Array | null): string | null => bytes && new TextDecoder().decode(bytes)

describe('a source', () => {
  test('that is opened again counts from 1, and a replica follows it, also where its first word was lost', async () => {
    const life = await followed()
    const { replica } = await follow(life)
    const { transport, blobs, network, model } = life
    for (let i = 0; i < 5; i++) await life.learn()
    await network.settled()
    await life.source.close()
    let isLost = true
    const deaf = {
      ...bound(transport),
      publish: (to: string, payload: Uint8Array) =>
        isLost ? Promise.resolve() : transport.publish(to, payload),
    }
    life.learnSilently()
    const again = await WeightsSource.open(model, { transport: deaf, blobs, subject, step: 6 })
    await network.settled()
    expect(replica.step).toBe(5)
    isLost = false
    life.learnSilently()
    // The second of this source, where the replica has heard six of another.
    expect(await again.announce({ step: 7 })).toMatchObject({ version: 2, step: 7 })
    await network.settled()
    expect(replica.step).toBe(7)
    expect(replica.behind).toBe(0)
    expect(numbersOf(replica.model)).toEqual(numbersOf(model))
    // One that has the same weights is followed on from there.
    await again.close()
    const third = await WeightsSource.open(model, { transport, blobs, subject, step: 7 })
    life.learnSilently()
    await third.announce({ step: 8 })
    await network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(model))
    expect(replica.behind).toBe(0)
  })
  test('is refused where another announces on the same subject', async () => {
    const life = await followed()
    const options = { transport: life.network.connect(), blobs: life.blobs, subject }
    await expect(WeightsSource.open(life.model, options)).rejects.toThrow(/another source/)
    const held = await life.blobs.list()
    expect(held).toHaveLength(1)
    await life.source.close()
    await (await WeightsSource.open(life.model, options)).close()
  })
  test('has the same weights under the same name, in whatever order growth has put them', async () => {
    const life = await followed()
    const { replica } = await follow(life)
    await grow(life.model, { kind: 'addLayer', at: 2 }, { mirrors: [], key: [1, 2] })
    const { root } = await life.source.announce({ step: 0 })
    await life.network.settled()
    const own = replica.model
    const orders = [life.model, own].map(({ parameters }) => [...parameters].map(({ path }) => path).join())
    expect(orders[0]).not.toBe(orders[1])
    expect(numbersOf(own)).toEqual(numbersOf(life.model))
    expect((await life.source.announce({ step: 0, model: own })).root).toBe(root)
  })
  test('announces another model, as after going back', async () => {
    const life = await followed()
    const { replica, events } = await follow(life)
    await life.learn()
    const other = Gpt.create(
      { vocabulary: 13, context: 8, embed: 12, heads: 2, layers: 1 },
      { device, seed: 9 },
    )
    await life.source.announce({ step: 0, model: other })
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(other))
    await life.source.announce({ step: 1 })
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(other))
    expect(replica.step).toBe(1)
    expect(events.filter(({ kind }) => kind === 'asked')).toEqual([])
  })
  test('leaves its blobs to those who are still fetching where that is wanted, and the next one removes them', async () => {
    const life = await followed()
    await life.learn()
    await life.source.close({ keepsBlobs: true })
    expect(await life.blobs.list()).toHaveLength(2)
    const transport = life.network.connect()
    const next = await WeightsSource.open(life.model, { transport, blobs: life.blobs, subject })
    await next.removeOthers()
    expect(await life.blobs.list()).toHaveLength(1)
    const { replica } = await follow(life)
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    await next.close()
    expect(await life.blobs.list()).toEqual([])
    await expect(next.close({ keepsBlobs: 1 } as never)).rejects.toThrow(OptionError)
  })
})

describe('what is attached', () => {
  test('comes with the weights that it belongs to, and is fetched when it changes', async () => {
    const life = await followed()
    const fetched: string[] = []
    const blobs = counting(life.blobs, fetched)
    const { replica } = await follow({ network: life.network, blobs })
    expect(replica.attachment).toBeNull()
    await life.source.announce({ step: 1, attachment: text('thirteen tokens') })
    await life.network.settled()
    const first = replica.attachment
    expect(textOf(first)).toBe('thirteen tokens')
    const so = fetched.length
    await life.learn(2)
    await life.network.settled()
    expect(replica.attachment).toBe(first)
    expect(fetched.length - so).toBe(1)
    // Both change at once: whoever sees the one sees the other.
    const seen: string[] = []
    const watched: { replica?: Replica } = {}
    watched.replica = await Replica.follow({
      ...{ transport: life.network.connect(), blobs, subject, device },
      turn: async (replace) => {
        const note = ({ model, attachment }: Replica): unknown =>
          seen.push(`${model.config.vocabulary} ${textOf(attachment)}`)
        if (watched.replica) note(watched.replica)
        await replace()
        if (watched.replica) note(watched.replica)
      },
    })
    await grow(
      life.model,
      { kind: 'growVocabulary', tokens: [{ parts: [1, 2] }] },
      { mirrors: [], key: [1, 2] },
    )
    await life.source.announce({ step: 3, attachment: text('fourteen tokens') })
    await life.network.settled()
    expect(seen).toEqual(['13 thirteen tokens', '14 fourteen tokens'])
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
  })
  test('is kept as long as its weights are, and where it cannot be had the replica keeps both', async () => {
    const life = await followed(undefined, 1)
    let isBroken = false
    const blobs: Blobs = {
      ...bound(life.blobs),
      get: async (digest) => {
        const bytes = await life.blobs.get(digest)
        if (isBroken && textOf(bytes) === 'new') throw new WeightsError('damaged')
        return bytes
      },
    }
    await life.source.announce({ step: 0, attachment: text('old') })
    const { replica, events } = await follow({ network: life.network, blobs })
    for (let i = 0; i < 3; i++) await life.learn()
    await life.network.settled()
    expect(await life.blobs.list()).toHaveLength(2)
    const before = numbersOf(replica.model)
    isBroken = true
    await life.learn()
    await life.source.announce({ step: 9, attachment: text('new') })
    await life.network.settled()
    expect(textOf(replica.attachment)).toBe('old')
    expect(replica.step).toBe(4)
    expect(events.at(-1)?.kind).toBe('kept')
    expect(replica.behind).toBe(1)
    expect(numbersOf(replica.model)).not.toEqual(before)
    isBroken = false
    await replica.look()
    expect(textOf(replica.attachment)).toBe('new')
    expect(replica.behind).toBe(0)
  })
})

describe('a replica that looks', () => {
  test('knows how far it is behind, and finds what was lost', async () => {
    let isLost = false
    const life = await followed((payload) => (isLost ? [] : [payload]))
    const { replica, events } = await follow(life)
    expect(replica.behind).toBe(0)
    isLost = true
    await life.learn()
    await life.network.settled()
    await replica.look()
    // One delta, from the announcement itself: the whole was not asked for.
    expect(events.at(-1)).toMatchObject({ kind: 'followed', isWhole: false })
    await life.learn()
    await life.learn()
    await replica.look()
    expect(events.at(-1)).toMatchObject({ kind: 'followed', isWhole: true })
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    const said = events.length
    await replica.look()
    expect(events).toHaveLength(said)
    await life.source.close()
    await replica.look()
    expect(replica.behind).toBeNull()
    expect(events.at(-1)).toMatchObject({ kind: 'kept', why: expect.stringContaining('does not answer') })
  })
  test('waits for a source that says nothing as long as it was told', async () => {
    const network = inProcessNetwork()
    const model = Gpt.create({ vocabulary: 5, context: 4, embed: 4, heads: 2, layers: 1 }, { device })
    const source = await WeightsSource.open(model, {
      transport: network.connect(),
      blobs: memoryBlobs(),
      subject,
    })
    await source.close()
    await network.connect().respond(`${subject}.whole`, () => new Promise(() => {}))
    const limits: AbortController[] = []
    const limit = () => {
      limits.push(new AbortController())
      return limits[limits.length - 1].signal
    }
    const waiting = Replica.follow({
      ...{ transport: network.connect(), blobs: memoryBlobs(), subject, device },
      limit,
    })
    await expect.poll(() => limits.length).toBe(1)
    limits[0].abort()
    await expect(waiting).rejects.toThrow(/in time/)
  })
  test('has other weights only in its turn', async () => {
    const life = await followed()
    let [go, asked] = [() => {}, 0]
    const replica = await Replica.follow({
      ...{ transport: life.network.connect(), blobs: life.blobs, subject, device },
      turn: async (replace) => {
        if (asked++ > 0)
          await new Promise<void>((resolve) => {
            go = resolve
          })
        await replace()
      },
    })
    const before = numbersOf(replica.model)
    await life.learn()
    await expect.poll(() => asked).toBe(2)
    expect(numbersOf(replica.model)).toEqual(before)
    expect(replica.behind).toBe(1)
    go()
    await replica.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
  })
})

/** The methods of a store or transport, of which some are put in the place of others. */
function bound<T extends object>(role: T): T {
  const own = ['publish', 'subscribe', 'respond', 'request', 'close', 'put', 'get', 'has', 'list', 'remove']
  const methods = own.flatMap((name) => {
    const method = (role as Record<string, unknown>)[name]
    return typeof method === 'function' ? [[name, method.bind(role) as unknown]] : []
  })
  return Object.fromEntries(methods) as T
}

const counting = (blobs: Blobs, fetched: string[]): Blobs => ({
  ...bound(blobs),
  get: (digest) => {
    fetched.push(digest)
    return blobs.get(digest)
  },
})

describe('what a source has left', () => {
  /** As if it had been killed: it answers nobody, and what lies in the store stays. */
  const killed = async (life: Followed): Promise<Pick<Followed, 'network' | 'blobs'>> => {
    const network = inProcessNetwork()
    await life.network.settled()
    return { network, blobs: life.blobs }
  }
  /** A step that changes one parameter alone. */
  const tune = async ({ model, source }: Followed, step: number): Promise<void> => {
    const [{ path, tensor }] = model.parameters
    const numbers = Float32Array.from(tensor.readSync(), (x) => x + 0.5)
    model.parameters.replace(path, device.tensor(numbers, { shape: tensor.shape, dtype: 'f32' }, path))
    await source.announce({ step })
  }

  test('is served by a replica that begins when it has ended, or was killed', async () => {
    const ended = await followed()
    await ended.learn()
    // The last of them says one parameter alone; what stays is whole.
    await tune(ended, 2)
    await ended.source.close({ keepsBlobs: true })
    const { replica, events } = await follow(ended)
    expect(replica.step).toBe(2)
    expect(replica.behind).toBeNull()
    expect(numbersOf(replica.model)).toEqual(numbersOf(ended.model))
    expect(events.at(-1)).toMatchObject({ kind: 'kept', why: expect.stringContaining('was left') as string })
    // The control: one that leaves nothing leaves nothing to serve.
    const none = await followed()
    await none.source.close()
    await expect(follow(none)).rejects.toThrow('nobody answers')

    const gone = await followed(undefined, 3)
    for (let step = 1; step <= 10; step++) {
      await tune(gone, step)
      const { replica: late } = await follow(await killed(gone))
      // However few change: of the last three one is whole.
      expect(late.step).toBeGreaterThan(step - 3)
    }
    expect(await gone.blobs.list()).toHaveLength(3)
  })

  test('is that of its last word, though it has gone back, and a new source is followed on', async () => {
    const life = await followed()
    life.learnSilently()
    await life.source.announce({ step: 9 })
    await life.learn()
    await life.blobs.put(Uint8Array.of(1, 2, 3))
    const left = await killed(life)
    const { replica } = await follow(left)
    expect(replica.step).toBe(2)
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    const again = await WeightsSource.open(life.model, {
      ...{ transport: left.network.connect(), blobs: left.blobs, subject, step: 2 },
    })
    life.learnSilently()
    await again.announce({ step: 3 })
    await left.network.settled()
    expect(replica.step).toBe(3)
    expect(replica.behind).toBe(0)
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
  })
})
