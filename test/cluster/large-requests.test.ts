/** Requests of any length over a transport whose messages are short. */
import {
  answerStage,
  inProcessNetwork,
  largeRequests,
  maxPayload,
  respondLarge,
  ShardedModel,
  stagesOf,
  StageWorker,
  type Transport,
  TransportError,
  transportLink,
} from '@burgeon/cluster'
import { sgd } from '@burgeon/autograd/optim'
import { openReference } from '@burgeon/tensor/reference'
import { gptConfig } from '@burgeon/gpt'
import { describe, expect, test } from 'vitest'
import { drawFrom, modelOf } from '../growth/tiny-model.ts'
import { rowsOf } from './shards/sharded.ts'

const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) % 256)

describe('a large request', () => {
  test('comes whole, and so does its answer, whatever their lengths', async () => {
    const network = inProcessNetwork()
    const sizes: number[] = []
    await respondLarge(network.connect(), 'double', (payload) => {
      sizes.push(payload.length)
      return new Uint8Array([...payload, ...payload])
    })
    const ask = largeRequests(network.connect(), 'double')
    const part = maxPayload - 13
    for (const length of [0, 1, part - 1, part, part + 1, 3 * part, 2 * maxPayload + 5]) {
      const payload = bytesOf(length)
      const answer = await ask(payload)
      expect(answer.length).toBe(2 * length)
      expect(answer.subarray(length)).toEqual(payload)
    }
    expect(sizes.at(-1)).toBe(2 * maxPayload + 5)
  })
  test('of several who ask at once do not mix, and those of one come in order', async () => {
    const network = inProcessNetwork()
    const heard: number[] = []
    await respondLarge(network.connect(), 'echo', (payload) => {
      heard.push(payload[0])
      return payload
    })
    const asks = [1, 2, 3].map(() => largeRequests(network.connect(), 'echo'))
    const answers = await Promise.all(
      asks.flatMap((ask, i) => [0, 10].map((more) => ask(new Uint8Array(2 * maxPayload).fill(i + more)))),
    )
    for (const [i, answer] of answers.entries()) {
      const value = Math.floor(i / 2) + (i % 2) * 10
      expect(answer.every((byte) => byte === value)).toBe(true)
    }
    for (const i of [0, 1, 2]) expect(heard.indexOf(i)).toBeLessThan(heard.indexOf(i + 10))
  })
  test('that fails says why, and the next one comes', async () => {
    const network = inProcessNetwork()
    let fails = true
    await respondLarge(network.connect(), 'ask', (payload) => {
      if (fails) throw new TypeError('not now')
      return payload
    })
    const ask = largeRequests(network.connect(), 'ask')
    await expect(ask(bytesOf(2 * maxPayload))).rejects.toThrow('not now')
    fails = false
    expect((await ask(bytesOf(9))).length).toBe(9)
    await expect(largeRequests(network.connect(), 'nobody')(bytesOf(9))).rejects.toThrow(TransportError)
    await expect(network.connect().request('ask', bytesOf(3))).rejects.toThrow('no part of a request')
  })
})

test('stages over a transport learn and write, with streams larger than a message', async () => {
  const config = gptConfig({ vocabulary: 40, context: 64, embed: 96, heads: 2, layers: 2 })
  const network = inProcessNetwork()
  const model = modelOf(config, drawFrom(1), openReference())
  const sizes: number[] = []
  const counted = (transport: Transport): Transport => ({
    ...{ publish: transport.publish.bind(transport), subscribe: transport.subscribe.bind(transport) },
    ...{ respond: transport.respond.bind(transport), close: () => transport.close() },
    request: (subject, payload, options) => {
      sizes.push(payload.length)
      return transport.request(subject, payload, options)
    },
  })
  for (const [i, stage] of stagesOf(model, 2).entries()) {
    await answerStage(
      new StageWorker(stage, { optimizer: sgd({ learningRate: 0.1 }) }),
      network.connect(),
      `stages.${i}`,
    )
  }
  const transport = counted(network.connect())
  const shards = await ShardedModel.connect(
    [0, 1].map((i) => transportLink(transport, `stages.${i}`)),
    { microBatches: 1 },
  )
  const { loss } = await shards.learn(rowsOf(model, drawFrom(2), 12))
  expect(Number.isFinite(loss)).toBe(true)
  expect(Math.max(...sizes)).toBe(maxPayload)
  expect((await shards.generate([1, 2], { tokens: 3 })).tokens).toHaveLength(3)
})
