/** A fleet answers each request once, with the weights of one moment; where a replica dies, another is asked; the server of one is a door. */
import {
  answerFleet,
  askFleet,
  type FleetAnswer,
  type Replica,
  type Subscription,
  WeightsError,
} from '@burgeon/cluster'
import { BytePairTokenizer, generate } from '@burgeon/gpt'
import { createApp, type ServedModel } from '@burgeon/server'
import { OptionError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { follow, followed, type Followed } from './followed.ts'

const ask = 'ask.life'

async function fleetOf(life: Followed, count: number) {
  const members: { replica: Replica; subscription: Subscription; name: string }[] = []
  for (let i = 0; i < count; i++) {
    const { replica } = await follow(life)
    const [transport, name] = [life.network.connect(), `replica-${i}`]
    members.push({
      replica,
      name,
      subscription: await answerFleet(replica, { transport, subject: ask, name }),
    })
  }
  return members
}

describe('a fleet', () => {
  test('answers each request once, in turn, as the learner would', async () => {
    const life = await followed()
    await fleetOf(life, 3)
    await life.learn()
    await life.network.settled()
    const transport = life.network.connect()
    const options = { tokens: 5, seed: 3, temperature: 0.8 }
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => askFleet([1, 2], options, { transport, subject: ask })),
    )
    const { tokens, finish } = await generate(life.model, [1, 2], options)
    for (const answer of answers)
      expect(answer).toMatchObject({ tokens, finish, version: expect.stringMatching(/^1-/) })
    expect(answers.map(({ replica }) => replica).toSorted()).toEqual(
      [0, 0, 1, 1, 2, 2].map((i) => `replica-${i}`),
    )
  })
  test('ends an answer with the weights that it began with, and says which', async () => {
    const life = await followed()
    const [{ replica }] = await fleetOf(life, 1)
    const alone = (await generate(life.model, [1], { tokens: 6, temperature: 0 })).tokens
    const written: number[] = []
    const said = await replica.use(async (model, version) => {
      for await (const token of model.generate([1], { tokens: 6, temperature: 0 })) {
        written.push(token)
        await life.learn(2)
        await life.network.settled()
      }
      return version
    })
    expect(written).toEqual(alone)
    expect(said).toMatch(/^0-/)
    expect(replica.version).toMatch(/^12-/)
  })
  test('asks another where one dies while it writes, and says so where all do', async () => {
    const life = await followed()
    const members = await fleetOf(life, 3)
    const transport = life.network.connect()
    const asked = askFleet([1], { tokens: 200, seed: 1 }, { transport, subject: ask })
    await members[0].subscription.close()
    const answer = await asked
    expect(answer.replica).not.toBe('replica-0')
    expect(answer.tokens).toHaveLength(200)
    for (const { subscription } of members) await subscription.close()
    await expect(askFleet([1], { tokens: 2 }, { transport, subject: ask })).rejects.toThrow(WeightsError)
  })
  test('refuses what no replica can do, and asks no other', async () => {
    const life = await followed()
    await fleetOf(life, 2)
    const transport = life.network.connect()
    const heard: string[] = []
    const counting = {
      ...transport,
      request: (subject: string, payload: Uint8Array) => (
        heard.push(subject), transport.request(subject, payload)
      ),
    }
    for (const method of ['publish', 'subscribe', 'respond', 'close'] as const)
      Object.assign(counting, { [method]: transport[method].bind(transport) })
    const refused = (options: object): Promise<FleetAnswer> =>
      askFleet([1], options as { tokens: number }, { transport: counting, subject: ask })
    await expect(refused({ tokens: -1 })).rejects.toThrow(OptionError)
    await expect(refused({ tokens: 2, topK: 0 })).rejects.toThrow('topK')
    await expect(refused({ tokens: 2, minP: 2 })).rejects.toThrow('minP')
    expect(heard).toHaveLength(2)
  })
})

test('the server of a replica is a door: what is learnt is in its answers, with its version', async () => {
  const life = await followed()
  const { replica } = await follow(life)
  const served: ServedModel = {
    ...{ id: 'life', tokenizer: new BytePairTokenizer(), endTokens: [] },
    transcript: { promptOf: () => Promise.resolve(Int32Array.of(1)), stopTexts: [] },
    get model() {
      return replica.model
    },
    step: () => replica.step,
  }
  const { fetch } = createApp(served, { hosts: null })
  const complete = async (): Promise<string | null> => {
    const body = JSON.stringify({ model: 'life', prompt: [1, 2], max_tokens: 3, seed: 1 })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(
      new Request('http://localhost/v1/completions', { method: 'POST', body, headers }),
    )
    expect(response.status).toBe(200)
    return response.headers.get('x-burgeon-weights-version')
  }
  expect(await complete()).toMatch(/^0-/)
  await life.learn(3)
  await life.network.settled()
  expect(await complete()).toMatch(/^3-/)
})
