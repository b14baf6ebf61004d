/** Pictures and sound in a talk: read by a model that has learnt such, refused by what cannot be. */
import { byteTokenizer } from '@burgeon/gpt'
import {
  forecast,
  generateSense,
  grey,
  pcm8,
  type Raster,
  readTable,
  readWav,
  writeWav,
} from '@burgeon/senses'
import { readPng, writePng } from '@burgeon/senses/node'
import { expect, test } from 'vitest'
import { asking } from './small-served.ts'
import { picture, sensibleServed, sound, table } from './sensible-served.ts'

const dataUrl = (raster: Raster): string =>
  `data:image/png;base64,${Buffer.from(writePng({ ...raster, channels: 1 })).toString('base64')}`
const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })
const audioPart = (data: string | Uint8Array) => ({
  type: 'input_audio',
  input_audio: {
    data: typeof data === 'string' ? data : Buffer.from(data).toString('base64'),
    format: 'wav',
  },
})
const textPart = (text: string) => ({ type: 'text', text })

const talk = (content: unknown, more: object = {}) => ({
  ...{ model: 'life', messages: [{ role: 'user', content }], temperature: 0, max_tokens: 6, ...more },
})

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]

test.for([false, true])(
  'pictures and sound stand in the prompt where they stood in the message (read-only: %s)',
  async (readOnly) => {
    const served = await sensibleServed(readOnly)
    const { ask } = await asking({}, served)
    const answerTo = async (prompt: number[]) => {
      const how = { tokens: 6, temperature: 0, tokenizer: byteTokenizer, stopTexts: ['\nUser:'] }
      return (await served.model.generate(prompt, how)).text
    }
    const [shown, other] = [picture(8), picture(8, 11)]
    const prompt = (raster: Raster) => [
      ...bytes('User: This '),
      ...[256, ...grey.encode(raster).bytes],
      ...bytes(' is\nAssistant:'),
    ]
    for (const raster of [shown, other]) {
      const parts = [textPart('This '), imagePart(dataUrl(raster)), textPart(' is')]
      const { status, json } = await ask('/v1/chat/completions', talk(parts))
      expect(status, JSON.stringify(json)).toBe(200)
      const [{ message }] = json.choices as [{ message: { content: string } }]
      expect(message.content).toBe(await answerTo(prompt(raster)))
      expect(json.usage).toMatchObject({ prompt_tokens: prompt(raster).length })
    }
    const heard = writeWav(sound)
    const read = pcm8.encode({ ...sound, samples: sound.samples.map((x) => Math.round(x * 32768) / 32768) })
    const both = [audioPart(heard), imagePart(dataUrl(shown))]
    const { json } = await ask('/v1/chat/completions', talk(both))
    const [{ message }] = json.choices as [{ message: { content: string } }]
    const tokens = [
      ...bytes('User: '),
      ...[257, ...read.bytes, 258],
      ...[256, ...grey.encode(shown).bytes],
      ...bytes('\nAssistant:'),
    ]
    expect(json.usage).toMatchObject({ prompt_tokens: tokens.length })
    expect(message.content).toBe(await answerTo(tokens))
  },
)

test('an answer to a picture comes in pieces; one who learns feedback as text takes none on it', async () => {
  const { ask } = await asking({}, await sensibleServed())
  const parts = [imagePart(dataUrl(picture(8)))]
  const { status, json } = await ask('/v1/chat/completions', talk(parts, { stream: true }))
  expect(status).toBe(200)
  const text = String(json.text)
  expect(text).toContain('data: [DONE]')
  const whole = await ask('/v1/chat/completions', talk(parts, { logprobs: true, top_logprobs: 3 }))
  expect(whole.status).toBe(200)
  const judged = await ask('/v1/feedback', { response_id: whole.json['id'], label: true })
  expect([judged.status, judged.json.error?.['code']]).toEqual([409, 'text_alone'])
})

test.for([
  ['another address', [imagePart('http://localhost/a.png')], /nothing is fetched/],
  ['another kind of picture', [imagePart('data:image/jpeg;base64,AAAA')], /data:image\/png/],
  ['data that is no base64', [imagePart('data:image/png;base64,a b')], /no base64/],
  ['a picture that is damaged', [imagePart('data:image/png;base64,AAAA')], /image_url\.png/],
  ['a picture of another size', [imagePart(dataUrl(picture(12)))], /grey\/1 12×12; expected .*grey\/1 8×8/],
  ['sound that is damaged', [audioPart('AAAA')], /input_audio\.wav/],
  [
    'sound that is too long',
    [audioPart(writeWav({ rate: 8000, samples: new Float32Array(3000) }))],
    /fits into the context/,
  ],
  [
    'more than there is room for',
    [imagePart(dataUrl(picture(8))), textPart('x'.repeat(60))],
    /an answer needs room/,
  ],
  ['more pieces than allowed', [1, 2, 3].map(() => imagePart(dataUrl(picture(8)))), /more than 2 pieces/],
  ['a part of another kind', [{ type: 'video_url', video_url: {} }], /expected a string, or a list/],
] as const)('%s is refused', async ([, parts, message]) => {
  const { ask } = await asking({ limits: { pieces: 2 } }, await sensibleServed())
  const { status, json } = await ask('/v1/chat/completions', talk(parts))
  expect(status).toBe(400)
  expect(json.error?.message).toMatch(message)
})

test('pieces are those of a user, to a model that has learnt such', async () => {
  const parts = [imagePart(dataUrl(picture(8)))]
  const { ask } = await asking({}, await sensibleServed())
  const messages = [
    { role: 'assistant', content: parts },
    { role: 'user', content: 'a' },
  ]
  const spoken = await ask('/v1/chat/completions', { ...talk('a'), messages })
  expect([spoken.status, spoken.json.error?.param]).toEqual([400, 'messages.0.content.0'])
  const { ask: askText } = await asking()
  const { status, json } = await askText('/v1/chat/completions', talk(parts))
  expect(status).toBe(400)
  expect(json.error?.message).toContain('this model reads text alone')
})

test('a picture and sound are drawn as the model itself draws them, the same by the same seed', async () => {
  const served = await sensibleServed()
  const { ask } = await asking({}, served)
  const { data } = (await ask('/v1/models')).json as { data: { senses: unknown }[] }
  expect(data[0].senses).toEqual([
    { name: 'grey/1 8×8', media: 'image/png' },
    { name: 'pcm8/1', media: 'audio/wav' },
    { name: 'series/1 1', media: null },
  ])
  const draw = async (body: object) => (await ask('/v1/pieces', { model: 'life', ...body })).json
  const fileIn = (json: Readonly<Record<string, unknown>>): Uint8Array =>
    new Uint8Array(Buffer.from(String(json['data']), 'base64'))
  const drawn = await draw({ sense: 'grey', prompt: 'dot', seed: 5, temperature: 0.9 })
  expect(drawn).toMatchObject({ object: 'piece', sense: 'grey/1 8×8', media_type: 'image/png' })
  const how = { before: 'dot\n', seed: 5, temperature: 0.9 }
  const { pixels } = await generateSense(served.model, grey, [8, 8], how)
  expect([...readPng(fileIn(drawn), 'drawn.png').pixels]).toEqual([...pixels])
  expect(await draw({ sense: 'grey/1 8x8', prompt: 'dot', seed: 5, temperature: 0.9 })).toEqual(drawn)
  expect((await draw({ sense: 'grey', prompt: 'dot', seed: 6 }))['data']).not.toBe(drawn['data'])
  // Without a seed each is another.
  const [one, other] = [await draw({ sense: 'grey' }), await draw({ sense: 'grey' })]
  expect(one['data']).not.toBe(other['data'])
  const heard = await draw({ sense: 'pcm8', seconds: 0.05, seed: 1 })
  expect(heard).toMatchObject({ sense: 'pcm8/1', media_type: 'audio/wav' })
  expect(readWav(fileIn(heard), 'heard.wav').samples).toHaveLength(400)
})

test.for([
  [{ sense: 'rgb' }, 400, 'no_piece', /called rgb/],
  [{ sense: 'pcm8', seconds: 9 }, 400, 'no_piece', /for which the context has room/],
  [{ sense: 'grey', seconds: 1 }, 400, 'no_piece', /for a picture/],
  [{ sense: 'grey', prompt: 'x'.repeat(80) }, 400, 'no_piece', /context/],
  [{ sense: 'pcm8', prompt: 'tone' }, 400, 'no_piece', /grown with a share/],
  [{ model: 'other', sense: 'grey' }, 404, 'model_not_found', /other/],
] as const)('%o is no piece that is written', async ([body, status, code, message]) => {
  const { ask } = await asking({ limits: { tokens: 2000 } }, await sensibleServed())
  const { status: got, json } = await ask('/v1/pieces', { model: 'life', ...body })
  expect([got, json.error?.['code']], JSON.stringify(json)).toEqual([status, code])
  expect(json.error?.['message']).toMatch(message)
})

test('no piece is written by a model of text, none where what is said is filtered, and none that is too long', async () => {
  const body = { model: 'life', sense: 'grey' }
  const { ask: askText } = await asking()
  expect((await askText('/v1/pieces', body)).json.error).toMatchObject({ code: 'text_alone' })
  const { ask: askFew } = await asking({ limits: { tokens: 63 } }, await sensibleServed())
  expect((await askFew('/v1/pieces', body)).json.error).toMatchObject({ code: 'too_long' })
  const served = await sensibleServed()
  const filtered = { ...served, senses: served.senses, model: served.model, output: () => ({}) as never }
  const { ask } = await asking({}, filtered)
  expect((await ask('/v1/pieces', body)).json.error).toMatchObject({ code: 'filtered' })
})

test('a table is told on as the model itself tells it on', async () => {
  const served = await sensibleServed()
  const { ask } = await asking({}, served)
  const how = { steps: 3, samples: 4, seed: 2, level: 0.8 }
  const { status, json } = await ask('/v1/forecast', { model: 'life', table, ...how })
  expect(status, JSON.stringify(json)).toBe(200)
  const { columns: channels } = readTable(new TextEncoder().encode(table), 'a table')
  const next = await forecast(served.model, { channels }, how)
  const numbers = (values: Float64Array) => [...values].map((value) => (Number.isNaN(value) ? null : value))
  expect(json).toMatchObject({
    ...{ object: 'forecast', steps: 3, level: 0.8 },
    columns: [
      {
        ...{ name: 'degrees', latest: numbers(channels[0]), median: numbers(next.median[0]) },
        ...{ lower: numbers(next.lower[0]), upper: numbers(next.upper[0]) },
      },
    ],
  })
})

test.for([
  [{ table: 'a,b\n1,2\n3,4\n' }, 'no_forecast', /called series\/1 2 in this model/],
  [{ table: 'a\nx\n' }, 'no_forecast', /the table/],
  [{ steps: 500 }, 'no_forecast', /room/],
  [{ steps: 20 }, 'too_long', /at most 19/],
] as const)('%o is not foretold', async ([change, code, message]) => {
  const { ask } = await asking({ limits: { tokens: 19 } }, await sensibleServed())
  const { status, json } = await ask('/v1/forecast', { model: 'life', table, steps: 3, ...change })
  expect([status, json.error?.['code']], JSON.stringify(json)).toEqual([400, code])
  expect(json.error?.['message']).toMatch(message)
})

test('a model of text foretells nothing', async () => {
  const { ask } = await asking()
  const { json } = await ask('/v1/forecast', { model: 'life', table, steps: 3 })
  expect(json.error).toMatchObject({ code: 'text_alone' })
})
