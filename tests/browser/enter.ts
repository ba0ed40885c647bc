// People come into a conversation with new devices, and are connected. Knows the page by its test ids only.
import { onTestFinished } from 'vitest'

import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
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

/** A server of their own, a conversation that ann has made with bob, and a tab of each; all goes with the test. */
export async function meet(): Promise<{
  readonly server: ServerProcess
  readonly id: string
  readonly ann: WebTab
  readonly bob: WebTab
}> {
  const server = await startServerProcess()
  onTestFinished(() => server.dispose())
  const id = await server.createConversation('ann', 'bob')
  const [ann, bob] = await Promise.all([enter(server, id, 'ann'), enter(server, id, 'bob')])
  return { server, id, ann, bob }
}
