/**
 * The commonest English words: about a third of any English sentence, and next to none of a list, a signature
 * or another language.
 */
const commonWords: ReadonlySet<string> = new Set(
  (
    'a about after all also an and any are as at be because been before being between both but by can cannot could do does ' +
    'each either every for from had has have how however if in into is it its itself just like may might more most must no not of ' +
    'on once one only or other our out over own same should since so some such than that the their them then there these they ' +
    'this those through to under until up use used using was we were what when where whether which while who why will with ' +
    'without would you your'
  ).split(' '),
)

/**
 * Marks of text that is about a repository and not a sentence to learn from: addresses, issue numbers,
 * hashes, mentions.
 */
const repositoryNoise =
  /https?:|www\.|(^|[\s(])#\d+|\b[0-9a-f]{7,40}\b(?<=\d.*)|(^|[\s(])@[\w-]+|\$ |npm (i|install|run)\b/

/**
 * Whether a paragraph is a sentence or more of written English, rather than a label, a list of names, code or
 * another language.
 */
export function isEnglishProse(paragraph: string): boolean {
  if (paragraph.length < 60 || !/^["'(`]?[A-Z`]/.test(paragraph) || !/[.!?:]["')]*$/.test(paragraph))
    return false
  if (repositoryNoise.test(paragraph)) return false
  const letters = paragraph.match(/[A-Za-z ]/g)?.length ?? 0
  if (letters < 0.88 * paragraph.length) return false
  const words = paragraph.toLowerCase().match(/[a-z']+/g) ?? []
  const common = words.filter((word) => commonWords.has(word)).length
  return words.length >= 9 && common >= 0.27 * words.length
}
