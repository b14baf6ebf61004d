/** Addresses of machines: IPv4 (RFC 791), IPv6 (RFC 4291) and MAC (IEEE 802). */
import { kinds, type Scan, shapeAt } from './scan.ts'

const [dot, colon] = [46, 58]

/** Public IPv4 addresses. Those of private networks name nobody, and what is called a version is none. */
export function findIpv4(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.digit)) continue
    const end = scan.runTo(at, kinds.digit | kinds.hex | kinds.upper | kinds.lower, 64)
    if (scan.isEdge(at) && scan.code(at - 1) !== dot && scan.code(at - 1) !== 45) {
      const to = fourNumbers(scan, at)
      if (to > 0 && !isVersion(scan, at)) {
        scan.add('ip', at, to)
        at = to
        continue
      }
    }
    at = Math.max(at, end - 1)
  }
}

function fourNumbers(scan: Scan, at: number): number {
  const numbers: number[] = []
  let place = at
  for (;;) {
    const to = scan.runTo(place, kinds.digit, 4)
    const isByte = to > place && to - place <= 3 && (to - place === 1 || scan.code(place) !== 48)
    if (!isByte || Number(scan.slice(place, to)) > 255) return -1
    numbers.push(Number(scan.slice(place, to)))
    place = to
    if (numbers.length === 4) break
    if (scan.code(place) !== dot) return -1
    place++
  }
  const goesOn =
    scan.isWord(place) || scan.code(place) === 45 || (scan.code(place) === dot && scan.isWord(place + 1))
  return goesOn || !isPublic(numbers) ? -1 : place
}

/** Whether an address is one of the internet (RFC 6890). */
function isPublic([a, b]: readonly number[]): boolean {
  const isPrivate = a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)
  const isLocal = a === 0 || a === 127 || (a === 169 && b === 254) || (a === 100 && b >= 64 && b < 128)
  return !isPrivate && !isLocal && a < 224
}

const versionWords =
  /(?:version|section|§|release|build|firmware|driver|chrome|safari|webkit|edg|v|v\.|==|[<>]=|[~^@])[\s/:"']*$/

const isVersion = (scan: Scan, at: number): boolean => versionWords.test(scan.before(at, 16))

/** Global IPv6 addresses: eight groups, or fewer and `::` once; they begin with 2 or 3 (RFC 4291, 2.4). */
export function findIpv6(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    const first = scan.code(at)
    if ((first !== 50 && first !== 51) || !scan.isEdge(at) || scan.code(at - 1) === colon) continue
    let [place, groups, gaps] = [at, 0, 0]
    while (groups < 8) {
      const to = scan.runTo(place, kinds.hex, 5)
      if (to - place > 4 || to === place) break
      groups++
      place = to
      if (scan.code(place) !== colon) break
      if (scan.code(place + 1) === colon) {
        gaps++
        if (!scan.is(place + 2, kinds.hex)) {
          place += 2
          break
        }
        place += 2
      } else if (scan.is(place + 1, kinds.hex)) place++
      else break
    }
    const isWhole = (groups === 8 && gaps === 0) || (gaps === 1 && groups >= 2 && groups < 8)
    const isLong = scan.runTo(at, kinds.hex, 5) - at === 4
    if (isWhole && isLong && !scan.isWord(place) && scan.code(place) !== colon) {
      scan.add('ip', at, place)
      at = place
    }
  }
}

/** Addresses of network cards: six bytes with colons or hyphens between. */
export function findMacs(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.hex) || !scan.is(at + 1, kinds.hex)) continue
    const sign = scan.code(at + 2)
    if ((sign !== colon && sign !== 45) || !scan.isEdge(at) || scan.code(at - 1) === sign) continue
    const to = shapeAt(scan, sign === colon ? 'xx:xx:xx:xx:xx:xx' : 'xx-xx-xx-xx-xx-xx', at)
    if (to < 0 || scan.isWord(to) || scan.code(to) === sign) continue
    const bytes = scan.slice(at, to).toLowerCase()
    // With hyphens, digits alone may be a time; all the same is the address of nobody.
    const isTime = sign !== colon && !/[a-f]/.test(bytes)
    if (new Set(bytes.split(/[:-]/)).size > 1 && !isTime) scan.add('mac', at, to)
    at = to
  }
}
