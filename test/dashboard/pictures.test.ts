/** The pictures of docs/dashboard.md show the page that is here, and are small. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dashboardDigest } from '../../scripts/build-dashboard.ts'
import { root } from '../../scripts/pack-packages.ts'
import { pngText } from '../../scripts/png-text.ts'

test.each(['light', 'dark'])('the picture in %s is of this page: npm run write:dashboard', (scheme) => {
  const picture = readFileSync(join(root, `docs/dashboard-${scheme}.png`))
  expect(pngText(picture, 'burgeon dashboard')).toBe(dashboardDigest())
  expect(picture.length).toBeLessThan(150_000)
  expect(readFileSync(join(root, 'docs/dashboard.md'), 'utf8')).toContain(`(dashboard-${scheme}.png)`)
})
