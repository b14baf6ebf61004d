/** What the folders of pretrained models and their logits in plain PyTorch share: reading them, and asking a model. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Gpt, KeyValueCache } from '@burgeon/gpt'
import { fromPretrained } from '@burgeon/gpt/node'
import { type Device, scope } from '@burgeon/tensor'

export interface PretrainedGold {
  readonly tokens: readonly number[]
  readonly logits: readonly number[]
}

export const folder = join(import.meta.dirname, 'pretrained')
export const names: readonly string[] = readdirSync(folder).toSorted()
export const json = (...at: readonly string[]): unknown => JSON.parse(readFileSync(join(...at), 'utf8'))
export const goldOf = (name: string): PretrainedGold => json(folder, name, 'gold.json') as PretrainedGold

/** The logits after each token, read in pieces of these lengths with a cache, or at once without. */
export async function logitsOf(
  model: Gpt,
  tokens: readonly number[],
  pieces?: readonly number[],
): Promise<number[]> {
  using cache = pieces && new KeyValueCache(model.config, model.device)
  const logits: number[] = []
  let at = 0
  for (const length of pieces ?? [tokens.length]) {
    const piece = tokens.slice(at, (at += length))
    using read = scope(() =>
      model.forward(
        model.device.tensor(piece, { shape: [1, length], dtype: 'i32' }),
        undefined,
        cache && { cache },
      ),
    )
    logits.push(...(await read.read()))
  }
  return logits
}

/** How far the logits of a folder's model lie from PyTorch's, read at once, in pieces, and one by one. */
export async function distances(name: string, device: Device): Promise<number[]> {
  const model = await fromPretrained(join(folder, name), { device })
  const { tokens, logits } = goldOf(name)
  const ways = [undefined, [5, 1, 4, 2], tokens.map(() => 1)]
  const far: number[] = []
  for (const pieces of ways) far.push(furthest(await logitsOf(model, tokens, pieces), logits))
  model.dispose()
  return far
}

const furthest = (ours: readonly number[], theirs: readonly number[]): number =>
  Math.max(Math.abs(ours.length - theirs.length), ...theirs.map((x, i) => Math.abs(ours[i] - x)))
