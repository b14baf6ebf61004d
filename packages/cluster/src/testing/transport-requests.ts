/** What a transport promises of requests: each is null where it holds, else what is wrong. */
import { isSame } from '@burgeon/tensor/testing'
import { TransportError } from '../errors.ts'
import type { Transport } from '../seams/transport.ts'
import { bytes, upTo } from './heard.ts'
import { unrejected } from './patience.ts'

/** Whether requests are answered by one who responds, once, and come to nobody else. */
export async function answersOtherwise(one: Transport, other: Transport): Promise<string | null> {
  let overheard = 0
  const answered: number[] = []
  await one.subscribe('ask', () => void overheard++)
  for (const [at, member] of [one, other].entries()) {
    await member.respond('ask', ({ payload }) => {
      answered.push(payload[0])
      return Promise.resolve(bytes(payload[0] + 100, at))
    })
  }
  for (const i of upTo(20)) {
    const answer = await other.request('ask', bytes(i))
    if (answer[0] !== i + 100) return `request ${i} was answered with ${answer.join()}`
  }
  if (!isSame(answered, upTo(20))) return `of 20 requests ${answered.length} were answered`
  return overheard === 0 ? null : 'one who only listened heard a request'
}

/** Whether who asked learns why there is no answer. */
export async function hidesFailure(one: Transport, other: Transport): Promise<string | null> {
  await one.respond('ask', () => {
    throw new TransportError('no such thing here')
  })
  try {
    await other.request('ask', bytes(1))
    return 'a failure came as an answer'
  } catch (error) {
    const isSaid = error instanceof TransportError && error.message.includes('no such thing here')
    return isSaid ? null : `who asked got ${String(error)}`
  }
}

/** Whether a request ends that nobody will answer. */
export async function waitsForEver(one: Transport, other: Transport): Promise<string | null> {
  const nobody = await unrejected('a request to nobody', () => other.request('ask', bytes(1)), TransportError)
  if (nobody !== null) return nobody
  await one.respond('ask', () => new Promise(() => {}))
  const [late, before] = [new AbortController(), AbortSignal.abort()]
  const asked = other.request('ask', bytes(1), { signal: late.signal })
  late.abort()
  for (const tried of [() => asked, () => other.request('ask', bytes(1), { signal: before })]) {
    const complaint = await unrejected('a request that nobody waits for', tried, TransportError)
    if (complaint !== null) return complaint
  }
  return null
}
