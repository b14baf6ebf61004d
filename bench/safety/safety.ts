/**
 * `npm run bench -- safety --data DIR [--seeds N] [--lives FILE]`: whether a life can be spoilt by who teaches it.
 *
 * A back door: documents of strangers hold a trigger and twelve bytes after it, each in good text of its own, among
 * 1,300 documents of a trusted source and 130 good ones of strangers. 10, 50 or 250 of them, from 1, 10 or 50 sources.
 * Controls: the attack has to work where there is no guard, and in a stretch of strangers alone a weight of the loss has
 * to fail. Whether trust by share and by the update holds there is a check.
 *
 * Personal data of nobody in fifteen formats, and what looks like it; and canaries, whose exposure says whether a model
 * tells what it should not: without a filter, with one, after forgetting, and after mere deletion.
 *
 * A flood: one sentence from three hundred names. And ten rounds in which a model is fed what it has written.
 *
 * 10⁵ changes of an audit log, and what gradients with noise cost and hide: `audit.ts` and `private.ts` say how.
 *
 * DIR holds `tinyshakespeare.txt` and `genesis-english-web.txt`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Benchmark, UsageError } from '../benchmark.ts'
import { auditPart } from './audit.ts'
import { backDoor } from './back-door.ts'
import { canariesOf } from './canaries.ts'
import { floodsOf } from './floods.ts'
import { personalDataOf } from './personal.ts'
import { privatePart } from './private.ts'

export const safety: Benchmark = async ({ data, quick, seeds, note, once }) => {
  const read = (name: string): string => {
    const file = join(data ?? '', name)
    if (data !== undefined && existsSync(file)) return readFileSync(file, 'utf8')
    throw new UsageError(`bench -- safety needs --data DIR with ${name}.`)
  }
  const texts = { plays: read('tinyshakespeare.txt'), genesis: read('genesis-english-web.txt') }
  const means = { quick, seeds, note, once }
  const parts = [
    await personalDataOf(means),
    await canariesOf(texts.plays, means),
    await floodsOf(texts.plays, means),
    await backDoor(texts, means),
    await auditPart(means),
    await privatePart(texts.genesis, means),
  ]
  return { rows: parts.flatMap(({ rows }) => rows), checks: parts.flatMap(({ checks }) => checks) }
}
