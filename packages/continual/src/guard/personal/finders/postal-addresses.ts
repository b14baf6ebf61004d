/** Postal addresses: a street with a number, in the forms of some languages, and the town behind it. */
import { isGap, kinds, type Scan } from './scan.ts'

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

/** Last words of streets that stand behind a number and a name: `12 Elm Street`. */
const englishStreets = set(
  'street st avenue ave road rd boulevard blvd lane ln drive dr court ct way place pl square sq terrace ter parkway pkwy ' +
    'circle cir highway hwy close crescent cres gardens mews grove hill row walk alley',
)
/** First words of streets behind a number: `12 rue de la Paix`. */
const frenchStreets = set(
  'rue avenue av boulevard bd place chemin allée impasse quai cours route passage square',
)
/** First words of streets before a number: `Calle Mayor 5`, `Via Roma 12`. */
const southernStreets = set('calle c/ avenida avda plaza paseo via viale piazza corso rua praça camino')
/** Ends of words that are a street before a number: `Hauptstraße 5`, `Keizersgracht 12`. */
const germanEnds =
  /(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer|steig|straat|gracht|laan|plein|kade|gatan|vägen|vej|gade)$/
const inner = set('de du des la le les del della di da do dos das el los las von van der den the of y e')
const directions = set('n s e w ne nw se sw north south east west')
const rooms = set('apt apt. apartment suite ste ste. unit floor fl room rm #')
/** Words before a number that make a year of it. */
const yearWords = /\b(?:in|since|by|of|until|from|after|before|during|year|the|and|seit|depuis|en)\s$/

/** What else may stand before an address: `(`, `,`, `:`, `;`, `>`, `"`, `'`. */
const borders = new Set(Array.from('(,:;>"\'', (one) => one.charCodeAt(0)))

/** Words before a number that count something else than houses. */
const countWords =
  /\b(?:chapter|section|part|figure|table|page|volume|vol\.?|episode|act|scene|verse|lesson|version|season)\s$/

interface Word {
  readonly from: number
  readonly to: number
  readonly text: string
  /** Whether a comma or the end of a line stands behind it. */
  readonly endsPart: boolean
}

/** Longest word, and the most words of an address. */
const [mostWord, mostWords] = [32, 14]

/** The word at a place, without the comma behind it; null where there is none. */
function wordAt(scan: Scan, at: number): Word | null {
  let to = at
  while (to - at < mostWord && to < scan.length) {
    const code = scan.code(to)
    if (
      code <= 32 ||
      isGap(code) ||
      code === 44 ||
      code === 59 ||
      code === 40 ||
      code === 41 ||
      code === 34 ||
      code === 60
    )
      break
    to++
  }
  if (to === at || to - at >= mostWord) return null
  const code = scan.code(to)
  return { from: at, to, text: scan.slice(at, to), endsPart: code === 44 || code === 10 || code === 13 }
}

/** Where the next word may begin: behind blanks, a comma, or the end of a line. */
function nextAt(scan: Scan, to: number): number {
  let at = to
  let lines = 0
  while (
    at - to < 4 &&
    (isGap(scan.code(at)) || scan.code(at) === 44 || scan.code(at) === 10 || scan.code(at) === 13)
  ) {
    if (scan.code(at) === 10 && ++lines > 1) return -1
    at++
  }
  return at > to ? at : -1
}

function wordsFrom(scan: Scan, at: number, most: number): Word[] {
  const words: Word[] = []
  for (let place = at; place >= 0 && words.length < most; ) {
    const word = wordAt(scan, place)
    if (word === null) break
    words.push(word)
    place = nextAt(scan, word.to)
  }
  return words
}

const isName = (text: string): boolean => /^[\p{Lu}\d][\p{L}\p{N}'’.-]*$/u.test(text)
const isHouse = (text: string): boolean => /^\d{1,5}(?:[a-zA-Z]|[-/]\d{1,4}[a-zA-Z]?)?\.?$/.test(text)
const bare = (text: string): string => text.toLowerCase().replace(/[.]$/, '')

/** Streets with a number. */
export function findPostalAddresses(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.isWord(at) || !scan.isEdge(at)) continue
    const before = scan.code(at - 1)
    const isFree = before <= 32 || isGap(before) || borders.has(before)
    const to = isFree ? addressEnd(scan, at) : -1
    if (to > 0) scan.add('address', at, to)
    let end = at
    while (scan.isWord(end)) end++
    at = Math.max(to, end) - 1
  }
}

function addressEnd(scan: Scan, at: number): number {
  const isNumber = scan.is(at, kinds.digit)
  const first = wordAt(scan, at)
  if (first === null) return -1
  if (isNumber) return isHouse(first.text) ? behindNumber(scan, wordsFrom(scan, at, mostWords)) : -1
  const low = first.text.toLowerCase()
  if (low === 'po' || low === 'p.o.' || low === 'postfach') return boxEnd(scan, at)
  const isFirst = southernStreets.has(bare(low))
  // `Straße` and `Weg` by themselves are words of the language.
  const isGerman = germanEnds.test(low) && low.length > 6 && isName(first.text)
  const isPlain = /^(?:str|straße|strasse|weg|platz|allee|straat)\.?$/.test(low)
  if (isGerman && !isPlain) return before(scan, wordsFrom(scan, at, mostWords), 1)
  if (isFirst && isName(first.text)) return southern(scan, wordsFrom(scan, at, mostWords))
  return -1
}

/** `12 Elm Street`, `12 rue de la Paix`. */
function behindNumber(scan: Scan, words: readonly Word[]): number {
  const [house, second] = words
  if (second === undefined) return -1
  const isYear = /^(?:19|20)\d\d$/.test(house.text) && yearWords.test(scan.before(house.from, 12))
  const french = /^(?:bis|ter|quater)$/.test(second.text) ? 2 : 1
  if (
    words.length > french + 1 &&
    frenchStreets.has(bare(words[french].text)) &&
    /^[a-zé]|^Rue$/.test(words[french].text)
  ) {
    let end = french + 1
    while (
      end < words.length &&
      end < french + 6 &&
      (inner.has(words[end].text) || isName(words[end].text) || /^[ld]['’]/.test(words[end].text))
    ) {
      if (words[end++].endsPart) break
    }
    return /^(?:[ld]['’])?\p{Lu}/u.test(words[end - 1].text) ? townBehind(scan, words, end) : -1
  }
  if (isYear || house.endsPart || countWords.test(scan.before(house.from, 16))) return -1
  for (let i = 1; i < Math.min(words.length, 7); i++) {
    const { text, endsPart } = words[i]
    const isStreet = i > 1 && englishStreets.has(bare(text)) && /^\p{Lu}/u.test(text)
    if (isStreet)
      return townBehind(
        scan,
        words,
        directions.has(bare(words[i + 1]?.text ?? '')) && !endsPart ? i + 2 : i + 1,
      )
    if (endsPart || !(isName(text) || /^\d+(?:st|nd|rd|th)$/.test(text) || text === 'of' || text === 'the'))
      return -1
  }
  return -1
}

/** `Hauptstraße 5`, of so many words. */
function before(scan: Scan, words: readonly Word[], count: number): number {
  const house = words[count]
  if (
    house === undefined ||
    !isHouse(house.text) ||
    words.slice(0, count - 1).some(({ endsPart }) => endsPart)
  )
    return -1
  const more = words[count + 1]
  const isLetter = more !== undefined && /^[a-h]$/.test(more.text) && !house.endsPart
  return townBehind(scan, words, isLetter ? count + 2 : count + 1)
}

/** `Calle Mayor 5`, `Via Giuseppe Verdi, 12`. */
function southern(scan: Scan, words: readonly Word[]): number {
  for (let i = 2; i < Math.min(words.length, 7); i++) {
    if (isHouse(words[i].text)) return townBehind(scan, words, i + 1)
    if (!(isName(words[i - 1].text) || inner.has(words[i - 1].text))) return -1
    if (!(isName(words[i].text) || inner.has(words[i].text))) return -1
  }
  return -1
}

/** `P.O. Box 123`, `Postfach 12 34`. */
function boxEnd(scan: Scan, at: number): number {
  const words = wordsFrom(scan, at, mostWords)
  const number = words[0].text.toLowerCase() === 'postfach' ? 1 : 2
  if (number === 2 && words[1]?.text.toLowerCase() !== 'box') return -1
  const own = words[number]
  return own !== undefined && /^\d{1,6}$/.test(own.text) ? townBehind(scan, words, number + 1) : -1
}

const postcode = /^(?:[A-Z]{1,2}-)?\d{4,5}(?:-\d{3,4})?$/
const britishFirst = /^[A-Z]{1,2}\d[A-Z\d]?$/
const britishSecond = /^\d[A-Z]{2}$/

/**
 * Where an address ends whose street takes up so many words: with its room, town and postcode, if they
 * follow.
 */
function townBehind(scan: Scan, words: readonly Word[], count: number): number {
  let end = count
  const text = (at: number): string => words[at]?.text ?? ''
  if (rooms.has(text(end).toLowerCase()) && /^#?\w{1,6}$/.test(text(end + 1))) end += 2
  else if (/^#\w{1,5}$/.test(text(end))) end += 1
  // Postcode and town: 10115 Berlin, 75002 Paris, 1012 AB Amsterdam.
  if (postcode.test(text(end)) && isTown(text(end + 1))) {
    end += 1
    if (/^[A-Z]{2}$/.test(text(end)) && isTown(text(end + 1))) end += 1
    end += townWords(words, end)
    return trimmed(scan, words[end - 1].to)
  }
  // Town, state and postcode: Springfield, IL 62704; London SW1A 2AA.
  const isBehind = words[end - 1]?.endsPart
  const town = isBehind ? Math.max(1, townWords(words, end)) : townWords(words, end)
  for (let at = end; at <= Math.min(end + town, words.length - 1); at++) {
    if (/^[A-Z]{2}$/.test(text(at)) && /^\d{5}(?:-\d{4})?\.?$/.test(text(at + 1)))
      return trimmed(scan, words[at + 1].to)
    if (britishFirst.test(text(at)) && britishSecond.test(text(at + 1).replace(/\.$/, '')))
      return trimmed(scan, words[at + 1].to)
  }
  return trimmed(scan, words[end - 1].to)
}

const isTown = (text: string): boolean => /^\p{Lu}[\p{L}'’.-]*$/u.test(text)

/** How many words of a town there are, up to three. */
function townWords(words: readonly Word[], from: number): number {
  let count = 0
  while (count < 3 && from + count < words.length && isTown(words[from + count].text)) {
    const { text, endsPart } = words[from + count++]
    if (endsPart || /\p{L}{4}\.$/u.test(text)) break
  }
  return count
}

/** Without the full stop of a sentence. */
const trimmed = (scan: Scan, to: number): number => (scan.code(to - 1) === 46 ? to - 1 : to)
