/** Finds the name that somebody meant. */

/** Names by which other libraries and papers call our options, in lower case and without underscores. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  lr: ['learningRate', 'rate'],
  stepsize: ['learningRate', 'rate'],
  alpha: ['learningRate', 'rate'],
  betas: ['beta1'],
  b1: ['beta1'],
  b2: ['beta2'],
  eps: ['epsilon'],
  wd: ['weightDecay'],
  decay: ['weightDecay'],
  mu: ['momentum'],
  warmupsteps: ['warmUp', 'warmup'],
  lambda: ['strength'],
  gamma: ['decay'],
  size: ['capacity', 'tokens'],
  buffersize: ['capacity'],
  maxsize: ['capacity'],
  ratio: ['share'],
  maxtokens: ['tokens'],
  maxnewtokens: ['tokens'],
  length: ['tokens', 'context'],
  temp: ['temperature'],
  nucleus: ['topP'],
  dmodel: ['embed'],
  dim: ['embed', 'axes'],
  nembd: ['embed'],
  hiddensize: ['embed'],
  channels: ['embed'],
  nhead: ['heads'],
  numheads: ['heads'],
  nlayer: ['layers'],
  numlayers: ['layers'],
  depth: ['layers'],
  blocks: ['layers'],
  blocksize: ['context'],
  seqlen: ['context'],
  maxlength: ['context'],
  vocabsize: ['vocabulary', 'tokens'],
  nvocab: ['vocabulary'],
  dff: ['mlpHidden'],
  intermediatesize: ['mlpHidden'],
  axis: ['axes'],
  type: ['dtype'],
  optim: ['optimizer'],
  optimiser: ['optimizer'],
  network: ['model'],
}

/**
 * Returns a sentence with the name that was meant, if one is near: a known synonym of it, or a name at most a
 * third of whose letters differ.
 *
 * @param names The names that exist.
 */
export function didYouMean(given: string, names: readonly string[]): string {
  if (names.length === 0) return 'it takes no options.'
  const plain = plainOf(given)
  const known = aliases[plain]?.find((name) => names.includes(name))
  const ranked = names
    .map((name) => ({ name, distance: editDistance(plain, plainOf(name)) }))
    .toSorted((a, b) => a.distance - b.distance)
  const near = ranked.find(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length / 3)))
  const meant = known ?? near?.name
  return meant === undefined ? `expected one of ${names.join(', ')}.` : `did you mean '${meant}'?`
}

const plainOf = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, '')

/**
 * Counts the letters that must be inserted, deleted, changed or swapped with the next (optimal string
 * alignment).
 */
function editDistance(a: string, b: string): number {
  let before = [] as number[]
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (isSame ? 0 : 1))
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) row[j] = Math.min(row[j], before[j - 2] + 1)
    }
    ;[before, last] = [last, row]
  }
  return last[b.length]
}
