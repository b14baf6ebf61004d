// Reaches inside: what is tested here is a part of its package, not an entry point.
/** The text of pages of HTML. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { htmlText } from '../../packages/burgeon/src/sources/documents/html-text.ts'
import { times } from '../how-long.ts'
import { taken, takenOrRefused } from './taken.ts'

const textOf = async (page: string, size?: number): Promise<string> =>
  (await taken(htmlText, page, size)).text

const page = `<!doctype html>
<html lang="en"><head><title>The  boiler</title>
<style>p { color: red }</style><script>if (1 < 2) document.write('<p>no')</script></head>
<body>
<nav><ul><li><a href="/">Home</a></ul></nav>
<div role="navigation">You are here</div><p hidden>Nobody sees this.</p><p aria-hidden="true">Nor this.</p>
<main><h1>Where it is</h1>
<p>The boiler is
   in the <b>cellar</b>, caf&eacute; &amp; all&#58; &lt;there&gt;.<p>The key<br>hangs beside<!-- what? -->
the <i>door</i> <i>frame</i>.</p>
<table><tr><th>What<th>Where</tr><tr><td>key</td><td> door </td></tr></table>
<pre>
  kept
    as it is</pre>
<ul><li>one<li>two</ul>
</main>
<aside>Buy boilers!</aside><footer>© nobody</footer>
</body></html>`

test('is what the page shows: blocks on lines, entities decoded, white space as one space', async () => {
  expect(await textOf(page)).toBe(
    [
      ...['The boiler', 'Where it is', 'The boiler is in the cellar, café & all: <there>.', 'The key'],
      ...[
        'hangs beside the door frame.',
        'What\tWhere',
        'key\tdoor',
        '  kept',
        '    as it is',
        'one',
        'two',
        '',
      ],
    ].join('\n'),
  )
})

test.for([
  ['text without any tag', 'a\n b', 'a b\n'],
  ['a text that nothing ends', '<p>one<b>two', 'onetwo\n'],
  ['a navigation that nothing ends but what it stands in', '<div><nav>menu</div>text', 'text\n'],
  ['elements inside what is skipped', '<nav><p>a<script>b</script></p></nav>c', 'c\n'],
  ['a break that wants to stay', 'a&nbsp;b &nbsp; c', 'a\u00a0b \u00a0 c\n'],
  ['a byte 0 and half a character', '<p>&#0;&#xD83D;|</p>', '\ufffd\ufffd|\n'],
  ['nothing at all', '<script>x</script>', ''],
] as const)('of %s', async ([, html, text]) => {
  expect(await textOf(html)).toBe(text)
})

describe('what is hostile', () => {
  test('is refused where elements stand thousands deep inside each other', async () => {
    const deep = '<b>'.repeat(3000)
    await expect(textOf(deep)).rejects.toThrow('more than 2048 elements of HTML inside each other')
    // What implies its own end is not deep.
    expect(await textOf('<p>x'.repeat(3000))).toBe('x\n'.repeat(3000))
  })

  test('is refused above a size, before it is held', async () => {
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++
        yield new Uint8Array(2 ** 20).fill(32)
      }
    }
    const reading = async (): Promise<void> => {
      for await (const piece of htmlText(endless())) expect(piece.length).toBeLessThan(2 ** 20)
    }
    await expect(reading()).rejects.toThrow('more than 32 MiB of HTML')
    expect(given).toBe(33)
  })

  const scrap = fc.constantFrom(
    ...[
      '<',
      '>',
      '</',
      '<p>',
      '</p>',
      '<nav',
      '</nav>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<script>',
      '</script>',
    ],
    ...[
      '<pre>',
      '</pre>',
      '<title>',
      '<td>',
      '</td>',
      '<svg>',
      '<br/>',
      '&',
      '&amp',
      '&#x',
      ';',
      '"',
      "'",
      '=',
      ' ',
    ],
    ...[
      '\n',
      '\r',
      '\t',
      '\u00a0',
      '\0',
      '😀',
      'é',
      'word',
      ' hidden',
      '<?xml',
      '<math>',
      '</svg>',
      '<select>',
      '<table>',
    ],
  )
  const anyBytes = fc.oneof(
    fc
      .array(fc.oneof(scrap, fc.string()), { maxLength: 60 })
      .map((all) => new TextEncoder().encode(all.join(''))),
    fc.uint8Array({ maxLength: 200 }),
  )

  test('gives some text or is refused, and the same in whatever pieces it comes', () =>
    fc.assert(
      fc.asyncProperty(anyBytes, fc.integer({ min: 1, max: 40 }), async (bytes, size) => {
        const whole = await takenOrRefused(htmlText, bytes)
        expect(await takenOrRefused(htmlText, bytes, size)).toBe(whole)
      }),
      { numRuns: times(300, 5000) },
    ))
})
