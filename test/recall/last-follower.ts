/** A recall of somebody else's: what followed twelve bytes when they came last, and how often that was right. */
import type { Origin, ReadText, Recall, Spelling } from '@burgeon/continual'
import { checks, checkState } from '@burgeon/tensor'

interface Follower {
  readonly key: string
  readonly byte: number
  readonly origin: Origin | null
}

const spread = 0.1

export function lastFollower(): Recall {
  let followers: readonly Follower[] = []
  let [right, wrong] = [1, 1]
  const after = (before: Uint8Array): Follower | undefined => {
    const key = Buffer.from(before.subarray(-12)).toString('latin1')
    return key.length < 12 ? undefined : followers.findLast((follower) => follower.key === key)
  }
  const bytesOf = ({ tokens }: ReadText, spelling: Spelling): Uint8Array[] =>
    Array.from(tokens, (token) => spelling.bytesOf(token))
  /** Returns the mixed losses, and for each token whether what was expected came. */
  const predict = (text: ReadText, spelling: Spelling, start: readonly [number, number]) => {
    const own = bytesOf(text, spelling)
    let [hits, misses] = start
    const losses = Float64Array.from(text.losses, (loss, i) => {
      const follower = after(Buffer.concat(own.slice(0, i + 1)))
      if (follower === undefined) return loss
      const [share = 0] = spelling
        .beginningsOf(Uint8Array.of(follower.byte))
        .flatMap(([token, each]) => (token === text.tokens[i + 1] ? [each] : []))
      const weight = hits / (hits + misses) / 2
      const isRight = own[i + 1][0] === follower.byte
      hits += isRight ? 1 : 0
      misses += isRight ? 0 : 4
      const memory = spread / spelling.vocabulary + (1 - spread) * share
      return -Math.log((1 - weight) * Math.exp(-loss) + weight * memory)
    })
    return { losses, counts: [hits, misses] as const, own }
  }
  return {
    name: 'last follower',
    recollect(before) {
      const follower = after(before)
      if (follower === undefined) return null
      const weight = right / (right + wrong) / 2
      const { byte, origin } = follower
      return { bytes: Uint8Array.of(byte), matched: 12, weight, spread, domain: origin?.domain ?? '', origin }
    },
    read: (text, spelling) => predict(text, spelling, [right, wrong]).losses,
    remember(texts, spelling) {
      const read = texts.map((text) => {
        const { counts, ...found } = predict(text, spelling, [right, wrong])
        ;[right, wrong] = counts
        return { ...found, text }
      })
      for (const { own, text } of read) {
        const bytes = Buffer.concat(own)
        const added = Array.from({ length: Math.max(0, bytes.length - 12) }, (_, i) => ({
          key: bytes.subarray(i, i + 12).toString('latin1'),
          byte: bytes[i + 12],
          origin: text.origin,
        }))
        followers = [...followers, ...added]
      }
      return read.map(({ losses }) => losses)
    },
    forget(isMeant) {
      const before = followers.length
      followers = followers.filter(({ origin }) => origin === null || !isMeant(origin))
      return before - followers.length
    },
    toState: () => ({ kind: 'last follower', followers, right, wrong }),
    restore(state) {
      const saved = checkState<{ followers: readonly Follower[]; right: number; wrong: number }>(
        'last follower',
        state,
        {
          followers: checks.list('followers', checks.role<Follower>('a follower', 'key', 'byte', 'origin')),
          right: checks.number({ from: 1 }),
          wrong: checks.number({ from: 1 }),
        },
      )
      followers = saved.followers
      right = saved.right
      wrong = saved.wrong
    },
  }
}
