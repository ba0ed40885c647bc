// Whatever people write, change and take away, wherever commits fall and however often the oldest are archived: what the
// server stores is whole.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { openLevelStore } from '../../../server/storage/level/level-store.ts'
import type { Finding } from '../../../server/verify/finding.ts'
import { verifyStore } from '../../../server/verify/verify-store.ts'
import { rounds } from '../../helpers/long-run.ts'
import { touchSteps, writeTouches } from '../../helpers/random-touches.ts'
import { announceSeed } from '../../helpers/seeded-random.ts'
import { createSyncNode } from '../../helpers/sync-node.ts'
import { inFolder } from '../storage/store-folder.ts'

const window = { entries: 14, bytes: 6000, keptEntries: 7, keptBytes: 3000, keptAtLeast: 2 }

const runs = rounds(15, 300)

test('[STORE8][TOUCH1][ERASE1] nothing is found in a store that a server made', { timeout: runs * 2000 }, async () => {
  await fc.assert(
    fc.asyncProperty(touchSteps, fc.boolean(), async (steps, isArchiving) => {
      await inFolder(async (location) => {
        const store = await openLevelStore({ location })
        const node = createSyncNode(isArchiving ? { store, window } : { store })
        const id = await node.create('ann', 'bob', 'cleo')
        for (const device of await writeTouches(node, id, steps)) device.disconnect()
        await node.settled()
        await store.erased()
        await store.close()
        const findings: Finding[] = []
        await verifyStore(location, (finding) => findings.push(finding))
        expect([findings, node.errors]).toEqual([[], []])
      })
    }),
    { seed: announceSeed('STORE8 random store'), numRuns: runs },
  )
})
