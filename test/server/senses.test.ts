/** Pictures and sound in a talk: read by a model that has learnt such, refused by what cannot be. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { byteTokenizer } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { grey, pcm8, type Raster, senseRequest, writeWav } from '@burgeon/senses'
import { writePng } from '@burgeon/senses/node'
import { buildLearner, emptyRecord, saveLife } from 'burgeon/session'
import { expect, onTestFinished, test } from 'vitest'
import { asking, servedLife, smallServed } from './small-served.ts'

const picture = (side: number, shade = 3): Raster => ({
  ...{ width: side, height: side },
  pixels: Uint8Array.from({ length: side * side }, (_, i) => (shade * i) % 256),
})
const sound = { rate: 8000, samples: Float32Array.from({ length: 80 }, (_, i) => Math.sin(i)) }

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

/** A life that has grown pictures of 8×8 pixels and sound, served. */
async function sensible(readOnly = false) {
  const folder = mkdtempSync(join(tmpdir(), 'burgeon-served-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const settings = { ...servedLife, vocabulary: 256, maxParameters: 1_000_000, senses: true }
  const learner = buildLearner(settings)
  await learner.grow(senseRequest(grey, picture(8), { share: 0.01 }), [1, 1])
  await learner.grow(senseRequest(pcm8, sound), [1, 2])
  const place = join(folder, 'life')
  const record = emptyRecord(learner.model.parameters.size)
  await saveLife(nodeDisk(place), { settings, learner, record })
  return smallServed(place, readOnly)
}

const talk = (content: unknown, more: object = {}) => ({
  ...{ model: 'life', messages: [{ role: 'user', content }], temperature: 0, max_tokens: 6, ...more },
})

const bytes = (text: string): number[] => [...new TextEncoder().encode(text)]

test.for([false, true])(
  'pictures and sound stand in the prompt where they stood in the message (read-only: %s)',
  async (readOnly) => {
    const served = await sensible(readOnly)
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
  const { ask } = await asking({}, await sensible())
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
  const { ask } = await asking({ limits: { pieces: 2 } }, await sensible())
  const { status, json } = await ask('/v1/chat/completions', talk(parts))
  expect(status).toBe(400)
  expect(json.error?.message).toMatch(message)
})

test('pieces are those of a user, to a model that has learnt such', async () => {
  const parts = [imagePart(dataUrl(picture(8)))]
  const { ask } = await asking({}, await sensible())
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
