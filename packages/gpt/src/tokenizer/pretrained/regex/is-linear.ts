/** Which expressions a backtracking engine searches in steady time, whatever the text. */
import { lengthsOf, type RegexNode, type RepeatNode, sourceOf } from './regex-node.ts'

/** Characters that an engine may look at and go back over at any place of a text. */
const few = 64

/**
 * Whether every search takes steps in proportion to the text: at each place each alternative either looks at
 * a few characters alone, or takes what it looks at, or fails where a later one takes as much. So do those of
 * GPT-2, Llama 3, Qwen and their kin. False where that is not certain.
 */
export function isLinear(node: RegexNode): boolean {
  const options = (node.kind === 'choice' ? node.options : [node]).map(partsOf)
  return options.every((parts, i) => {
    const at = parts.findIndex((part) => !isShort(part))
    if (at < 0) return true
    const run = parts[at]
    if (!isRun(run)) return false
    const rest = parts.slice(at + 1)
    if (rest.every(mayBeEmpty)) return true
    // What must follow is looked for at one character after the other, from the end of the run.
    const [next, ...others] = rest
    if (!isDecidedAtOnce(next) || !others.every(mayBeEmpty)) return false
    return options.slice(i + 1).some((later) => takesAsMuch(later, parts.slice(0, at), run))
  })
}

const partsOf = (node: RegexNode): readonly RegexNode[] => (node.kind === 'sequence' ? node.parts : [node])

/** Looks at a few characters at most, and has a few ways to match them. */
function isShort(node: RegexNode): boolean {
  if (node.kind === 'look') return lengthsOf(node.inner)[1] <= few && !hasRepeats(node.inner)
  if (node.kind === 'repeat' && node.inner.kind === 'character') return node.to <= few
  return lengthsOf(node)[1] <= few && !hasRepeats(node, true)
}

/** Repetitions in a group multiply the ways to match it; one that may be left out only doubles them. */
function hasRepeats(node: RegexNode, allowsOptional = false): boolean {
  switch (node.kind) {
    case 'character':
      return false
    case 'sequence':
      return node.parts.some((part) => hasRepeats(part, allowsOptional))
    case 'choice':
      return node.options.some((option) => hasRepeats(option, allowsOptional))
    case 'repeat':
      return !(allowsOptional && node.to <= 1) || hasRepeats(node.inner, allowsOptional)
    case 'look':
    case 'atomic':
      return hasRepeats(node.inner, allowsOptional)
  }
}

/** As many characters of a kind as there are. */
const isRun = (node: RegexNode): node is RepeatNode =>
  node.kind === 'repeat' && node.inner.kind === 'character' && !node.isLazy && node.to === Infinity

/** Matches the empty text in the end, and so never sends the search back. */
const mayBeEmpty = (node: RegexNode): boolean =>
  node.kind !== 'look' && lengthsOf(node)[0] === 0 && (isShort(node) || isRun(node))

/** Whether one character says if it matches, or how a run begins. */
function isDecidedAtOnce(node: RegexNode): boolean {
  if (node.kind === 'look') return !node.isBehind && node.inner.kind === 'character'
  if (node.kind === 'repeat') return node.inner.kind === 'character' && node.from <= 1 && !node.isLazy
  return node.kind === 'character'
}

/** Whether an alternative begins alike, and then takes the same run without asking what follows. */
function takesAsMuch(parts: readonly RegexNode[], before: readonly RegexNode[], run: RepeatNode): boolean {
  const other = parts[before.length]
  const beginsAlike = before.every((part, i) => parts[i] && sourceOf(part) === sourceOf(parts[i]))
  if (!beginsAlike || other === undefined || !isRun(other) || other.from > 1) return false
  return sourceOf(other.inner) === sourceOf(run.inner) && parts.slice(before.length + 1).every(mayBeEmpty)
}
