import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

const words = {
  subject: ['The reader', 'A stream', 'The writer', 'This option', 'The second value', 'An error'],
  verb: ['returns', 'keeps', 'closes', 'ignores', 'copies', 'remembers'],
  object: [
    'the name of the file',
    'all of its parts',
    'what was given before',
    'the end of the list',
    'a part of the text',
  ],
  reason: [
    'because it is the default',
    'when the queue is full',
    'as soon as it can',
    'if there is nothing else to do',
  ],
}

/** Distinct sentences of plain English, the same on every call. */
function sentences(seed: number, howMany: number): string[] {
  return Array.from({ length: howMany }, (_, i) => {
    const pick = (list: readonly string[], stride: number): string =>
      list[(seed * 7 + i * stride) % list.length]
    return `${pick(words.subject, 1)} ${pick(words.verb, 5)} ${pick(words.object, 3)} ${pick(words.reason, 2)}, and this is what the ${numeral(seed)} page says about the ${numeral(i)} case.`
  })
}

const numerals = 'first second third fourth fifth sixth seventh eighth ninth tenth'.split(' ')

function numeral(n: number): string {
  return n < 10 ? numerals[n] : `${numeral(Math.floor(n / 10))} ${numerals[n % 10]}`
}

export const mitBody = [
  'Permission is hereby granted, free of charge, to any person obtaining a copy of this software, to deal in it without restriction.',
  'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, OF ANYTHING AT ALL.',
].join('\n\n')

/** The files of a small checkout: path → content. Twelve packages with prose, declarations, data and the same licence. */
export function smallCheckout(): Map<string, string> {
  const files = new Map<string, string>()
  const lock: Record<string, object> = { '': { name: 'root' } }
  for (let i = 0; i < 12; i++) {
    const path = `node_modules/${i % 2 ? `@scope/package-${i}` : `package-${i}`}`
    lock[path] = { version: `1.0.${i}` }
    const fields = Object.fromEntries(
      Array.from({ length: 40 }, (_, j) => [`field-${i}-${j}`, `value ${i * j}`]),
    )
    files.set(
      `${path}/package.json`,
      JSON.stringify({ name: `package-${i}`, version: `1.0.${i}`, fields }, null, 2),
    )
    files.set(
      `${path}/README.md`,
      `# Package ${i}\n\n\`\`\`js\ncode()\n\`\`\`\n\n${sentences(i, 40).join('\n\n')}\n`,
    )
    files.set(`${path}/lib/index.d.ts`, declarations(i))
    files.set(
      `${path}/LICENSE`,
      `MIT License\n\nCopyright (c) 20${10 + i} Somebody\n\n${wrapped(mitBody, 50 + i)}\n`,
    )
  }
  files.set('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: lock }))
  return files
}

function declarations(seed: number): string {
  const shared =
    '/** Shared by all packages, and so it is in the stream only once for all of them. */\nexport interface Shared {\n  readonly sharedField: string\n}\n'
  const own = Array.from(
    { length: 30 },
    (_, i) => `export interface Thing${seed}x${i} {\n  readonly size${i}: number // units\n}\n`,
  )
  return `/* Copyright (c) the authors of package ${seed}. All rights reserved, and so on. */\n${shared}${own.join('')}`
}

/** The same words on lines of another length, as licences come. */
function wrapped(text: string, width: number): string {
  return text.replace(
    new RegExp(`(.{1,${width}})(\\s+|$)`, 'g'),
    (_, line: string, end: string) => line + (end.includes('\n') ? end : '\n'),
  )
}

/** Writes files in the given order below a new folder that lasts as long as the test; its path. */
export async function written(files: Iterable<readonly [string, string | Uint8Array]>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'burgeon-front-door-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  await writtenInto(root, files)
  return root
}

/** Writes files into a folder, which stays. */
export async function writtenInto(
  root: string,
  files: Iterable<readonly [string, string | Uint8Array]>,
): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}
