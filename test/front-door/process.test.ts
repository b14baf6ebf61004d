/** The command line as real processes: how it starts, what it says when it fails, how it stops. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Gpt, writeCheckpoint } from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { describe, expect, test } from 'vitest'
import { someOf } from '../how-long.ts'
import { checkout, running, startedProcess } from './running.ts'
import { written } from './small-checkout.ts'

/** A folder with a checkpoint in it that `generate` can take, under the name `life`. */
async function folderWithModel(): Promise<string> {
  const folder = await written([])
  const model = Gpt.create({ context: 16, embed: 16, heads: 2, layers: 1, mlpHidden: 16 }, { seed: 1 })
  await writeCheckpoint(nodeDisk(join(folder, 'life')), { model: await model.toState() })
  return folder
}

describe('starting', () => {
  const version = JSON.parse(readFileSync(join(checkout, 'packages/burgeon/package.json'), 'utf8')).version

  test('npx burgeon runs in a checkout that was not built, and says its version', async () => {
    const npx = startedProcess('npx', ['--offline', 'burgeon', '--version'], join(checkout, 'test'))
    expect(await npx.ended, npx.said.status).toBe(0)
    expect(npx.said.output).toBe(`${version}\n`)
  })

  test('--help goes to the output, and every command is in it', async () => {
    const help = running(['--help'], checkout)
    expect(await help.ended).toBe(0)
    for (const command of ['first-life', 'learn', 'generate', 'chat', 'eval', 'inspect', 'restore'])
      expect(help.said.output).toContain(`\n  ${command}`)
    expect(help.said.status).toBe('')
  })
})

describe('failing', () => {
  test.for([
    { name: 'a checkpoint that is not there', args: ['inspect', '--from', 'nowhere'] },
    { name: 'a source that is not there', args: ['learn', 'nothing.txt'] },
    { name: 'a folder without text', args: ['learn', '.'] },
    { name: 'a sampling option outside its range', args: ['generate', '-p', 'a', '--top-p', '0'] },
    { name: 'an output that is a file', args: ['restore', '--from', 'life', '--kept', '7', '-o', 'file'] },
  ])('$name is one line and no stack', async ({ args }) => {
    const burgeon = running(args, await folderWithModel())
    expect(await burgeon.ended).toBe(1)
    expect(burgeon.said.output).toBe('')
    expect(burgeon.said.status).toMatch(/^burgeon: [^\n]+\n$/)
  })

  test('a name never drives the terminal, wherever it is quoted', async () => {
    const name = 'red\u001b[31m\u009b2J\r\u202e.txt'
    const all = [
      ['learn', name, '--out', 'fresh'],
      ['inspect', '--from', name],
      ['generate', '--from', name, '-p', 'a'],
      [name],
      ['learn', `--${name}`],
      ['learn', 'a', '--seed', name],
    ]
    for (const args of someOf(all, 3)) {
      const burgeon = running(args, await folderWithModel())
      expect(await burgeon.ended).toBe(1)
      expect(burgeon.said.status).toContain('red')
      // oxlint-disable-next-line no-control-regex -- they are what is looked for
      expect(burgeon.said.status).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    }
  })
})

describe('generating', () => {
  const endless = ['generate', '--prompt', 'a', '--tokens', '1000000000']

  test.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('stops at %s', async ([signal, code]) => {
    const burgeon = running(endless, await folderWithModel())
    await burgeon.says('output', /^a[^]/)
    burgeon.child.kill(signal)
    expect(await burgeon.ended).toBe(code)
    expect(burgeon.said.output).toMatch(/\n$/)
  })

  test('stops when nobody reads it any more', async () => {
    const burgeon = running(endless, await folderWithModel())
    await burgeon.says('output', /^a[^]/)
    burgeon.child.stdout.destroy()
    expect(await burgeon.ended).toBe(0)
    expect(burgeon.said.status).toBe('')
  })
})
