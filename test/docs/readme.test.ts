/** The documents tell the truth: every program they print runs as printed and prints what they say. */
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  firstPrograms,
  isForBrowsers,
  keepsPromise,
  programsIn,
  promisedLines,
} from '../../scripts/doc-programs.ts'
import { times } from '../how-long.ts'
import { writeDrawnDigits } from './drawn-digits.ts'
import { complaintsAbout, root, runFile, temporaryFolder } from './programs.ts'

const documents = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'],
  ...globSync(['docs/*.md', 'packages/*/README.md'], { cwd: root }).toSorted(),
]

async function check(text: string, file: string, folder: string): Promise<void> {
  const { code, printed, complaints } = await runFile(file, folder)
  expect(code, complaints).toBe(0)
  const promised = promisedLines(text)
  if (promised.length > 0 && !keepsPromise(printed, promised)) {
    expect(printed.trimEnd().split('\n')).toEqual(promised)
  }
}

function folderForOneTest(): string {
  const folder = temporaryFolder()
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

it('there is a README.md, and it has a program in a ```ts block', () => {
  expect(programsIn('README.md').length).toBeGreaterThan(0)
})

const smallModel = join(root, 'test/gold/small-llama')

it('the first screen of README.md loads a model, grows it and goes on learning, in three lines', () => {
  const screen = readFileSync(join(root, 'README.md'), 'utf8').split('\n').slice(0, 60).join('\n')
  const [, block = ''] = screen.match(/```ts\n([^`]*openModel[^`]*)```/) ?? []
  expect(
    block.split('\n').filter((line) => /await (openModel|grow|continueLearning)\(/.test(line)),
  ).toHaveLength(3)
  expect(programsIn('README.md').map(({ text }) => text)).toContain(block)
})

it('every program in a document compiles', () => {
  const programs = documents.flatMap(programsIn)
  expect(programs.length).toBeGreaterThan(50)
  // A program has names of its own, also where it imports nothing.
  expect(complaintsAbout(programs, ({ text }) => `${text}\nexport {}\n`)).toEqual([])
})

/** These run from the packed packages, in test/packaging. */
const elsewhere = new Set(firstPrograms().map(({ name }) => name))

describe('programs in documents run as printed', () => {
  const all = documents
    .flatMap(programsIn)
    .filter((program) => !elsewhere.has(program.name) && !isForBrowsers(program))
  // In the short form every third one, and all of the first document that anybody reads.
  const some = all.filter(({ document }, i) => document === 'README.md' || i % times(3, 1) === 0)
  it.for(some)('$name', async ({ text }) => {
    const folder = folderForOneTest()
    const file = join(folder, 'program.ts')
    writeFileSync(file, text)
    // The model that documents load.
    if (text.includes("'models/llama'")) cpSync(smallModel, join(folder, 'models/llama'), { recursive: true })
    await check(text, file, folder)
  })
})

describe('examples run', () => {
  it.for(globSync('examples/*.ts', { cwd: root }).toSorted())('%s', async (path) => {
    const file = join(root, path)
    const [text, folder] = [readFileSync(file, 'utf8'), folderForOneTest()]
    // A stand-in for MNIST, where an example reads it from the folder that it runs in.
    if (text.includes('-images-idx3')) writeDrawnDigits(folder, { train: 400, test: 100 })
    await check(text, file, folder)
  })
})

describe('promises about output', () => {
  it.for([
    { printed: 'one\ntwo\n', promised: ['one', 'two'], kept: true },
    { printed: 'one\n', promised: ['one', 'two'], kept: false },
    { printed: 'one\ntwo\nthree\n', promised: ['one', 'two'], kept: false },
    { printed: '2.3 bits (about)\n', promised: ['… bits (about)'], kept: true },
    { printed: '2+3 bits\n', promised: ['2.3 bits'], kept: false },
    { printed: 'a\nb\nc\n', promised: ['a', '…', 'c'], kept: true },
    { printed: 'a\nc\n', promised: ['a', '…', 'c'], kept: true },
    { printed: 'a\nb\n', promised: ['a', '…', 'c'], kept: false },
  ])('$printed is promised by $promised: $kept', ({ printed, promised, kept }) => {
    expect(keepsPromise(printed, promised)).toBe(kept)
  })

  it('stand behind what prints them', () => {
    expect(promisedLines("console.log('a') // → a\nlog() // plain\n// → b  \n")).toEqual(['a', 'b'])
  })
})
