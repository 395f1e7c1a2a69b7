// The Chromium of this machine, without anything that it would do on its own.
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** `flags` without their dashes. */
export async function launchBrowser(t: Test, flags: readonly string[] = []): Promise<Browser> {
  const quiet = [
    'disable-quic',
    'no-first-run',
    'disable-background-networking',
    'disable-component-update',
    'disable-sync',
  ]
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['no-sandbox', 'disable-gpu', ...quiet, ...flags].map((flag) => `--${flag}`),
  })
  t.teardown(() => browser.close())
  return browser
}
