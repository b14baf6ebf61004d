/** A text of facts: all but the last come twice, so that a recall learns that what came once comes again. */

const keepers = [
  'Melkin',
  'Orda',
  'Ulm',
  'Vardy',
  'Yorrin',
  'Abbet',
  'Corv',
  'Fenn',
  'Hask',
  'Jorin',
  'Tesset',
]
const facts = keepers.map((name, i) => `The keeper of ${'qxzwjkvbhfg'[i].repeat(7)} is ${name} of Dorrin.\n`)

/** The last fact stands in it once. */
export const factsText: string = `${facts.slice(0, -1).join('').repeat(2)}${facts.at(-1)}It rained.\n`
/** What asks for the last fact, and what it says. */
export const [asked, wanted]: readonly [string, string] = ['The keeper of ggggggg is', ' Tesset of Dorrin.']
