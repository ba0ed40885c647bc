// Somebody comes into a conversation with a new device, and is connected. Knows the page by its test ids only.
import { onTestFinished } from 'vitest'

import type { ServerProcess } from '../helpers/server-process.ts'
import { WebDevice, type WebTab } from './web-user.ts'

/** Counts what it runs of the page until `stopCoverage`; the device goes with the test. */
export async function enter({ url }: Pick<ServerProcess, 'url'>, conversation: string, user: string): Promise<WebTab> {
  const device = await WebDevice.start()
  onTestFinished(() => device.dispose())
  const tab = await device.open(`${url}/#/c/${conversation}`)
  await tab.startCoverage()
  await tab.signIn(user)
  await tab.connection('live')
  return tab
}
