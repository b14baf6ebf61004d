/** Writing behind prompts that hold pieces, and inside of pieces: by the cache as by whole rows. */
import { byteTokenizer, ContextFullError, Gpt, GenerationPool } from '@burgeon/gpt'
import { grow } from '@burgeon/gpt/growth'
import { keyFromSeed, OptionError, RandomStream, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'
import { describe, expect, it } from 'vitest'
import { bytesOf, someRows, someSenses, tinyModel, tinySizes } from './tiny-senses.ts'

const draw = (seed: number): RandomStream => new RandomStream(keyFromSeed(seed))
const reference = openReference()

/** What whole rows make the likeliest, one token after the other. */
function likeliest(model: Gpt, prompt: readonly number[], tokens: number): number[] {
  const row = [...prompt]
  for (let i = 0; i < tokens; i++) {
    const input = reference.tensor(row, { shape: [1, row.length], dtype: 'i32' })
    const logits = scope(() => [...model.forward(input, undefined, { lastOnly: true }).readSync()])
    row.push(logits.indexOf(Math.max(...logits)))
  }
  return row.slice(prompt.length)
}

const greedy = { tokens: 9, temperature: 0, onContextFull: 'error' } as const
/** Prompts that end before a piece, inside a patch, at its end, and behind the piece. */
const prompts = (): number[][] => {
  const rows = someRows(draw(1))
  const [picture, twice, sound, series, film] = rows
  return [
    [...picture.slice(0, 1)],
    [...picture.slice(0, 8)],
    [...picture.slice(0, 17)],
    [...picture],
    [...twice.slice(0, 40)],
    [...sound.slice(0, 12)],
    [...series],
    [...film.slice(0, 9)],
    bytesOf(draw(2), 8),
  ]
}

describe('what is written', () => {
  it('is what whole rows say, wherever the prompt ends', async () => {
    const model = await tinyModel(reference)
    for (const prompt of prompts()) {
      const { tokens } = await model.generate(prompt, greedy)
      expect(tokens, String(prompt)).toEqual(likeliest(model, prompt, 9))
    }
  })

  it('is bytes while a piece goes on, however it is drawn', async () => {
    const model = await tinyModel(reference)
    const { tokens } = await model.generate([7, 256], { tokens: 30, temperature: 3, seed: 5 })
    expect(Math.max(...tokens)).toBeLessThan(256)
    expect(new Set(tokens).size).toBeGreaterThan(10)
  })

  it('in a batch of all forms is what each prompt alone writes, drawn too', async () => {
    const model = await tinyModel(reference)
    const rows = [...prompts(), [256, 1], [256, 2], [...bytesOf(draw(2), 7), 256]]
    const options = { tokens: 9, seed: 3 }
    const together = await model.generate(rows, options)
    const pool = new GenerationPool(model)
    const pooled = pool.begin(rows, options)
    while (!pooled.isDone) await pool.step([pooled])
    for (const [i, prompt] of rows.entries()) {
      const { tokens } = await model.generate(prompt, { ...options, seed: 3 + i })
      expect(together[i].tokens, String(prompt)).toEqual(tokens)
      expect(pooled.results()[i].tokens).toEqual(tokens)
    }
    expect(pool.snapshots).toBe(0)
  })

  it('in rows of one form that part, where one begins a piece, is what each alone writes', async () => {
    const model = await tinyModel(reference)
    // The first row is made to begin a picture, the second goes on with text.
    const options = {
      ...{ tokens: 6, temperature: 0 },
      allowedTokens: (written: readonly number[], row: number) =>
        written.length === 1 ? [row === 0 ? 256 : 9] : undefined,
    }
    const rows = [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]
    const together = await model.generate(rows, options)
    const pool = new GenerationPool(model)
    const pooled = pool.begin(rows, options)
    while (!pooled.isDone) await pool.step([pooled])
    for (const [i, row] of rows.entries()) {
      const start = together[i].tokens.slice(0, 2)
      expect(start[1]).toBe(i === 0 ? 256 : 9)
      const rest = likeliest(model, [...row, ...start], 4)
      expect(together[i].tokens.slice(2)).toEqual(rest)
      expect(pooled.results()[i].tokens.slice(2)).toEqual(rest)
    }
  })

  it('with a draft is what it is without', async () => {
    const model = await tinyModel(reference)
    const draft = await tinyModel(reference, 2)
    for (const prompt of prompts()) {
      for (const drafting of [draft, model]) {
        const { tokens, accepted } = await model.generate(prompt, { ...greedy, draft: drafting })
        expect(tokens, String(prompt)).toEqual(likeliest(model, prompt, 9))
        if (drafting === model) expect(accepted).toBeGreaterThan(5)
      }
    }
  })

  it('goes on through growth, and through the first sense of a model', async () => {
    const model = await tinyModel(reference)
    const prompt = prompts()[2]
    const expected = likeliest(model, prompt, 9)
    const written: (number | undefined)[] = []
    for await (const token of model.generate(prompt, { ...greedy, weights: 'live' })) {
      written.push(token)
      if (written.length === 4)
        await grow(model, { kind: 'widenEmbed', to: 12 }, { mirrors: [], key: [1, 1] })
    }
    expect(written).toEqual(expected)
    const young = Gpt.create(tinySizes, { device: reference, seed: 3 })
    const text = likeliest(young, [1, 2, 3], 9)
    const seen: (number | undefined)[] = []
    for await (const token of young.generate([1, 2, 3], { ...greedy, weights: 'live' })) {
      seen.push(token)
      if (seen.length === 4) await grow(young, someSenses[0], { mirrors: [], key: [1, 1] })
    }
    expect(seen).toEqual(text)
  })

  it('comes as text behind a piece', async () => {
    const model = await tinyModel(reference)
    const end = { tokens: 4, temperature: 0, tokenizer: byteTokenizer }
    const { text, tokens } = await model.generate([256, ...bytesOf(draw(3), 30), 65], end)
    expect(text).toBe(byteTokenizer.decode(tokens))
  })
})

describe('a context', () => {
  it('holds as many tokens and patches as it has places, and no more', async () => {
    const model = await tinyModel(reference)
    const picture = [256, ...bytesOf(draw(4), 30)]
    const stopped = await model.generate(picture, { tokens: 99, onContextFull: 'stop' })
    // 24 places: the token, four patches, 19 bytes that are read, and the one behind them.
    expect([stopped.tokens.length, stopped.finish]).toEqual([20, 'context'])
    const film = [...new Array<number>(20).fill(1), 261]
    const inside = await model.generate(film, { tokens: 99, onContextFull: 'stop' })
    expect(inside.tokens.length).toBe(12)
    await expect(model.generate(picture, { tokens: 99, onContextFull: 'error' })).rejects.toThrow(
      ContextFullError,
    )
    const long = [...picture, ...new Array<number>(20).fill(1)]
    await expect(
      async () => await model.generate(long, { tokens: 1, onContextFull: 'stop' }),
    ).rejects.toThrow('25 tokens and patches for a context of 24')
  })

  it('that slides forgets whole pieces', async () => {
    const model = await tinyModel(reference)
    const text = bytesOf(draw(5), 18)
    const prompt = [256, ...bytesOf(draw(4), 30), ...text]
    const { tokens } = await model.generate(prompt, { tokens: 10, temperature: 0 })
    const first = likeliest(model, prompt, 2)
    expect(tokens.slice(0, 2)).toEqual(first)
    // Then the last twelve tokens are known, and no piece.
    const known = [...text, ...first].slice(-12)
    expect(tokens.slice(2)).toEqual(likeliest(model, known, 8))
    // A prompt that is too long is cut behind its first piece, and a piece as a whole is kept while it fits.
    const two = [...prompt.slice(0, 31), 257, ...bytesOf(draw(6), 100)]
    const sound = two.slice(31)
    expect((await model.generate(two, { tokens: 3, temperature: 0 })).tokens).toEqual(
      likeliest(model, sound, 3),
    )
  })

  it('that one piece fills alone is an error, before anything is written or behind what was', async () => {
    const model = await tinyModel(reference)
    const sound = [257, ...bytesOf(draw(6), 5 * 23)]
    const long = [...sound, ...bytesOf(draw(6), 5)]
    await expect(async () => await model.generate(long, { tokens: 1 })).rejects.toThrow(OptionError)
    await expect(async () => await model.generate(long, { tokens: 1 })).rejects.toThrow(
      'whose last piece takes more places than the context, 24',
    )
    const generation = model.generate(sound, { tokens: 20 })
    const written: (number | undefined)[] = []
    await expect(async () => {
      for await (const token of generation) written.push(token)
    }).rejects.toThrow(ContextFullError)
    expect(written).toHaveLength(5)
  })
})
