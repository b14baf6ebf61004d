/** Reaches inside: disks in memory are held to the same promises as those of Node and of a page. */
import { join } from 'node:path'
import { opfsDisk } from '@burgeon/gpt/browser'
import { nodeDisk } from '@burgeon/gpt/node'
import { OptionError, UnsupportedError } from '@burgeon/tensor'
import { describe, expect, test } from 'vitest'
import { memoryDisk } from '../../packages/gpt/src/testing/index.ts'
import { temporaryFolder } from '../docs/programs.ts'
import { shortOrLong, someOf, times } from '../how-long.ts'
import { withChromium } from './chromium.ts'
import { diskFaults } from './disk-faults.ts'
import type { Stop } from './opfs-page.ts'

test('outside of a browser there is no private file system, and a path has to be one', () => {
  expect(() => opfsDisk('a')).toThrow(UnsupportedError)
  for (const folder of ['', '/a', 'a/', 'a//b', '.', 'a/../b'])
    expect(() => opfsDisk(folder)).toThrow(OptionError)
})

test('disks in Node keep what disks promise', async () => {
  const folder = join(temporaryFolder(), 'new')
  expect(await diskFaults(() => nodeDisk(folder), { locks: true })).toEqual([])
  const disk = memoryDisk()
  expect(await diskFaults(() => disk, { locks: false })).toEqual([])
})

const whole = ['checkpoint.json', 'learner-', 'model-']
const stemsOf = (names: readonly string[]): string[] =>
  names.map((name) => name.replace(/\d+\.safetensors$/, ''))

withChromium((open) => {
  const tab = open({ isolated: false, entry: 'opfs-page.ts', isKept: true })

  describe.each(['page', 'worker'])('the private file system of an origin, from a %s', (where) => {
    const asked = (call: string): string => (where === 'page' ? call : `inWorker(${JSON.stringify(call)})`)
    const ask = <R>(call: string): Promise<R> => tab.ask<R>(asked(call))

    test('keeps what disks promise', async () => {
      expect(await ask(`faults('${where}/deep/new')`)).toEqual([])
    })

    test('a checkpoint survives a page that is closed at any call of a save', async () => {
      await ask(`save('${where}/whole', 1)`)
      const calls = await ask<number>(`save('${where}/whole', 2)`)
      expect(calls).toBeGreaterThan(10)
      const stops = (['before', 'during', 'after'] as const).flatMap((how) =>
        Array.from({ length: calls }, (_, at): Stop => ({ at, how })),
      )
      const ages: number[] = []
      for (const stop of someOf(stops, 3)) {
        const folder = `${where}/${stop.how}-${stop.at}`
        await ask(`save('${folder}', 1)`)
        const page = await tab.another()
        const ended = page.evaluate(`page.${asked(`save('${folder}', 2, ${JSON.stringify(stop)})`)}`)
        expect(await ended, folder).toBe(null)
        await page.close()
        ages.push(await ask(`ageIn('${folder}')`))
        await ask(`save('${folder}', 3)`)
        expect(await ask(`ageIn('${folder}')`), folder).toBe(3)
        expect(stemsOf(await tab.ask(`entriesIn('${folder}')`)), folder).toEqual(whole)
      }
      // The first call of a save leaves the old one, the last the new one.
      expect([...new Set(ages)]).toEqual([1, 2])
    })

    test('a file that is replaced while it is read is read as the new one, unless that never ends', async () => {
      expect(await ask(`readReplaced('${where}/replaced', 2)`)).toBe(2)
      expect(await ask(`readReplaced('${where}/replaced', 1000)`)).toBe('NotReadableError')
    })

    test('a page that reads while another saves never sees damage', async () => {
      await ask(`save('${where}/read', 1)`)
      const page = await tab.another()
      const saving = page.evaluate(`page.saveOn('${where}/read', 2)`).catch(() => {})
      const seen = await ask<number[]>(`watch('${where}/read', ${times(5, 60)})`)
      expect(seen.length).toBeGreaterThan(1)
      await page.close()
      await saving
    })

    test('a folder that a page holds is refused to others until that page is closed', async () => {
      const page = await tab.another()
      await page.evaluate(`page.${asked(`hold('${where}/held')`)}`)
      const refused = /LockedError: opfs:\/\w+\/held: another page or worker saves/
      await expect(ask(`save('${where}/held', 1)`)).rejects.toThrow(refused)
      await expect(ask(`hold('${where}/held')`)).rejects.toThrow(refused)
      await page.close()
      await expect.poll(() => ask(`save('${where}/held', 1)`).catch(() => null)).toBeGreaterThan(10)
    })

    test('an origin that has no more room keeps what it has', async () => {
      await ask(`save('${where}/full', 1)`)
      const session = await tab.page().context().newCDPSession(tab.page())
      const { origin } = new URL(tab.page().url())
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1000 })
      await expect(ask(`save('${where}/full', 2)`)).rejects.toThrow(/QuotaExceededError/)
      expect(await ask(`ageIn('${where}/full')`)).toBe(1)
      await session.send('Storage.overrideQuotaForOrigin', { origin })
      await ask(`save('${where}/full', 3)`)
      expect(stemsOf(await tab.ask(`entriesIn('${where}/full')`))).toEqual(whole)
    })

    test('a file that is open is removed once it is let go of', async ({ skip }) => {
      skip(where === 'page', 'only workers keep files open')
      expect(await ask("removeOpen('open')")).toEqual([])
    })

    test('copies that a browser left are not shown, and go with their file', async () => {
      expect(await ask(`besideCopy('${where}/copies')`)).toEqual([['a', 'b'], ['b']])
    })

    test('a browser that lacks a function says so, and what was saved stays', async () => {
      await ask(`save('${where}/lacking', 1)`)
      expect(await ask(`saveWithoutMove('${where}/lacking')`)).toMatch(
        /^UnsupportedError: .* cannot rename private files/,
      )
      if (where === 'page') {
        expect(await ask(`saveWithoutWritable('${where}/lacking')`)).toMatch(
          /^UnsupportedError: .* in workers only/,
        )
      } else {
        expect(await ask(`saveByShares('${where}/lacking', 0)`)).toMatch(
          /^CheckpointError: .* wrote 0 of \d+ bytes/,
        )
      }
      expect(await ask(`ageIn('${where}/lacking')`)).toBe(1)
      if (where === 'worker') expect(await ask(`saveByShares('${where}/lacking', 0.6)`)).toBe('saved')
      await ask(`save('${where}/lacking', 2)`)
      expect(await ask(`ageIn('${where}/lacking')`)).toBe(2)
      expect(stemsOf(await tab.ask(`entriesIn('${where}/lacking')`))).toEqual(whole)
    })

    test('what was saved survives a browser that ends from one moment to the next', async ({ skip }) => {
      skip(shortOrLong(true, false), 'it takes long to start a browser again')
      for (let round = 1; round <= 10; round++) {
        const folder = `${where}/crash-${round}`
        const page = await tab.another()
        page.evaluate(`page.saveOn('${folder}', 1)`).catch(() => {})
        await page.waitForFunction(`page.lastSaved > ${round}`)
        const saved = await page.evaluate<number>('page.lastSaved')
        await tab.crash()
        expect(await ask(`ageIn('${folder}')`)).toBeGreaterThanOrEqual(saved)
        await ask(`save('${folder}', 1)`)
        expect(stemsOf(await tab.ask(`entriesIn('${folder}')`))).toEqual(whole)
      }
    })
  })
})
