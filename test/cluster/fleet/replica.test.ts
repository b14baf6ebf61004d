/** Replicas follow a learner's weights whole or not at all, whatever becomes of what is announced. */
import { type Blobs, Replica, WeightsError, WeightsSource } from '@burgeon/cluster'
import { grow } from '@burgeon/gpt/growth'
import { add, assign, OptionError, scope } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { times } from '../../how-long.ts'
import { drawFrom } from '../../growth/tiny-model.ts'
import { device, follow, followed, numbersOf, subject } from './followed.ts'

describe('a replica', () => {
  test('has the weights of the learner after each announcement, and they are what changed', async () => {
    const life = await followed()
    const { replica, events } = await follow(life)
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    for (let i = 0; i < 4; i++) {
      await life.learn()
      // Announced, and not yet learnt again: what the model is doing now is nobody's business.
      await life.network.settled()
      expect(replica.step).toBe(i + 1)
      expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    }
    expect(events.map(({ kind }) => kind)).toEqual(Array.from({ length: 5 }, () => 'followed'))
    expect(events.map((event) => event.kind === 'followed' && event.isWhole)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
    const { tensor } = life.model.parameters.get('blocks.b0.mlp.up.bias')
    scope(() => assign(tensor, add(tensor, 1)))
    const { changed, bytes } = await life.source.announce({ step: 5 })
    expect(changed).toBe(1)
    // 32 numbers of some two thousand, and what says which.
    expect(bytes).toBeLessThan(2 * life.model.parameters.size)
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
  })
  test('grows with the learner', async () => {
    const life = await followed()
    const { replica, events } = await follow(life)
    const before = replica.model.parameters.size
    for (const request of [
      { kind: 'widenMlp', block: 'b0', to: 40 },
      { kind: 'addLayer', at: 1 },
      { kind: 'widenEmbed', to: 12 },
    ] as const) {
      await grow(life.model, request, { mirrors: [], key: [1, 2] })
      await life.source.announce({ step: 0 })
      await life.network.settled()
      expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
      expect(replica.model.config).toEqual(life.model.config)
    }
    expect(replica.model.parameters.size).toBeGreaterThan(before)
    expect(events.every(({ kind }) => kind === 'followed')).toBe(true)
  })
  test('announced weights are those of one moment, though the learner goes on at once', async () => {
    const life = await followed()
    const { replica } = await follow(life)
    const announced = life.source.announce({ step: 1 })
    const expected = numbersOf(life.model)
    for (const { tensor } of life.model.parameters) {
      scope(() => assign(tensor, add(tensor, 1)))
    }
    await announced
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(expected)
    expect(numbersOf(life.model)).not.toEqual(expected)
  })
})

describe('what does not fit', () => {
  const spoilt =
    (name: string) =>
    (payload: Uint8Array, at: number): Uint8Array[] => {
      if (at !== 2) return [payload]
      const damaged = payload.slice()
      damaged[new TextDecoder().decode(damaged).indexOf('"root":"') + 30] ^= 1
      return (
        { lost: [], doubled: [payload, payload], damaged: [damaged], nonsense: [Uint8Array.of(1, 2)] }[
          name
        ] ?? []
      )
    }
  test.each([
    ['lost', ['asked']],
    ['doubled', ['kept']],
    ['damaged', ['asked']],
    ['nonsense', ['asked']],
  ])('%s: the replica says so, and has the weights after the next one', async (name, said) => {
    const life = await followed(spoilt(name))
    const { replica, events } = await follow(life)
    for (let i = 0; i < 4; i++) await life.learn()
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    expect(replica.step).toBe(4)
    expect(events.flatMap(({ kind }) => (kind === 'followed' ? [] : [kind]))).toEqual(
      expect.arrayContaining(said),
    )
    // The control: where nothing is spoilt, nobody asks.
    const other = await followed()
    const plain = await follow(other)
    for (let i = 0; i < 4; i++) await other.learn()
    await other.network.settled()
    expect(plain.events.every(({ kind }) => kind === 'followed')).toBe(true)
  })
  test('in any order, lost and doubled at random: never half of anything, and right in the end', async () => {
    for (let seed = 1; seed <= times(6, 40); seed++) {
      const random = drawFrom(seed)
      const held: Uint8Array[] = []
      let isSpoiling = true
      const life = await followed((payload) => {
        if (!isSpoiling) return [payload]
        held.push(payload)
        if (random.below(3) > 0) held.push(payload)
        return random.below(2) === 0 ? held.splice(random.below(held.length), 1) : []
      }, 2)
      const { replica } = await follow(life)
      const known = new Map([[replica.version, numbersOf(life.model)]])
      for (let i = 0; i < 8; i++) {
        if (i === 4)
          await grow(
            life.model,
            { kind: 'widenMlp', block: 'b1', to: 33 + seed },
            { mirrors: [], key: [1, seed] },
          )
        const { step, root } = await life.learn()
        known.set(`${step}-${root.slice(0, 12)}`, numbersOf(life.model))
        await life.network.settled()
        expect(numbersOf(replica.model)).toEqual(known.get(replica.version))
      }
      isSpoiling = false
      await life.learn()
      await life.network.settled()
      expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    }
  })
  test('a damaged blob, also of the whole: the replica keeps what it has, and takes the next', async () => {
    const life = await followed()
    let breaks: 'nothing' | 'delta' | 'all' = 'nothing'
    const blobs: Blobs = {
      ...{ put: life.blobs.put, has: life.blobs.has, list: life.blobs.list, remove: life.blobs.remove },
      get: async (digest) => {
        const bytes = (await life.blobs.get(digest)).slice()
        if (breaks !== 'nothing') bytes[bytes.length - 3] ^= 1
        if (breaks === 'delta') breaks = 'nothing'
        return bytes
      },
    }
    const { replica, events } = await follow({ network: life.network, blobs })
    breaks = 'delta'
    await life.learn()
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
    expect(events.map(({ kind }) => kind)).toEqual(['followed', 'asked', 'followed'])
    const before = numbersOf(replica.model)
    breaks = 'all'
    await life.learn()
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(before)
    expect(events.at(-1)?.kind).toBe('kept')
    breaks = 'nothing'
    await life.learn()
    await life.network.settled()
    expect(numbersOf(replica.model)).toEqual(numbersOf(life.model))
  })
  test('a source that has gone, or is not there', async () => {
    const life = await followed()
    const { replica, events } = await follow(life)
    await life.source.close()
    expect(await life.blobs.list()).toEqual([])
    await life.transport.publish(subject, Uint8Array.of(1))
    await life.network.settled()
    expect(events.at(-1)).toMatchObject({ kind: 'kept' })
    expect((await replica.use(async (model) => model.generate([1], { tokens: 2 }))).tokens).toHaveLength(2)
    await expect(follow(life)).rejects.toThrow('nobody answers')
    await replica.close()
    expect(() => replica.model).toThrow(WeightsError)
  })
})

describe('room', () => {
  test('a replica holds two sizes of weights at most, and none when it is closed', async () => {
    const life = await followed()
    const held = device.memory.buffers
    const { replica } = await follow(life)
    const own = device.memory.buffers - held
    for (let i = 0; i < 4; i++) {
      await life.source.announce({ step: i })
      await life.learn()
      await life.network.settled()
    }
    expect(device.memory.buffers - held).toBe(2 * own)
    const using = device.memory.buffers
    await replica.close()
    expect(using - device.memory.buffers).toBe(2 * own)
  })
  test('a source keeps so many blobs, and refuses what is no step', async () => {
    const life = await followed(undefined, 2)
    for (let i = 0; i < 4; i++) await life.learn()
    expect(await life.blobs.list()).toHaveLength(2)
    expect(() => life.source.announce({ step: -1 })).toThrow(OptionError)
    await expect(WeightsSource.open(life.model, { ...life, subject: 3 as never })).rejects.toThrow(
      OptionError,
    )
    await expect(Replica.follow({ ...life } as never)).rejects.toThrow(OptionError)
  })
})
