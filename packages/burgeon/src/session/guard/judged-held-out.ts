/** Text to measure on, as a guard lets it in: it is kept in the checkpoint as well. */
import type { HeldOutText } from '../life/life-origin.ts'
import { type Gate, isLearnt } from './gate.ts'

/** The texts that are let in, as they are let in. */
export async function judgedHeldOut(
  texts: readonly HeldOutText[],
  gate: Gate,
): Promise<readonly HeldOutText[]> {
  if (!gate.isGuarded) return texts
  const result: HeldOutText[] = []
  for (const { name, bytes } of texts) {
    const admission = await gate.admit({ text: decoder.decode(bytes), source: name, domain: name })
    if (!isLearnt(admission)) continue
    const own = admission.verdict === 'redact' ? new TextEncoder().encode(admission.text) : bytes
    if (own.length > 0) result.push({ name, bytes: own })
  }
  return result
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
