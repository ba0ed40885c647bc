// A server process, a proxy before it, and devices on folders of their own, for the time of one test.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { onTestFinished } from 'vitest'

import { CuttingProxy } from '../helpers/cutting-proxy.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { NodeDevice } from './node-device.ts'

export interface Stage {
  readonly server: ServerProcess
  /** Before the server, so that it can be cut off, and so that its address stays. */
  readonly proxy: CuttingProxy
  /** On a folder of its own; `maxFileBlocks` as NodeDevice has it. */
  readonly device: (user: string, maxFileBlocks?: number) => Promise<NodeDevice>
}

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-node-'))
  const started: NodeDevice[] = []
  const server = await startServerProcess()
  const proxy = await CuttingProxy.start(() => server.url)
  onTestFinished(async () => {
    await Promise.all(started.map((device) => device.kill()))
    await proxy.close()
    await server.dispose()
    await rm(folder, { recursive: true, force: true })
  })
  const device = async (user: string, maxFileBlocks?: number): Promise<NodeDevice> => {
    const token = await server.token(user)
    const options = { url: proxy.url, user, token, folder: join(folder, `${started.length}`) }
    const fresh = new NodeDevice(options, maxFileBlocks)
    started.push(fresh)
    return fresh
  }
  return { server, proxy, device }
}
